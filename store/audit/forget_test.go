package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAForgottenPersonIsInNoFileAndTheChainVerifies(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 10)
	a := d.archiver() // lives on, with its keys in memory
	_, err := a.Once(t.Context(), 0)
	d.must(err)
	if found := d.holding(string(phone(3))[1:]); len(found) > 0 {
		t.Errorf("a phone is readable in %v", found)
	}
	before := readAll(d)
	if before[3] != string(phone(3)) || before[4] != string(phone(4)) {
		t.Fatalf("the reader opens %q", before)
	}
	gone, err := Forget(d.dir(), string(phone(3)))
	d.must(err)
	again, err := Forget(d.dir(), string(phone(3)))
	d.must(err)
	if !gone || again {
		t.Errorf("forgotten %t, and again %t", gone, again)
	}
	want := before
	want[3] = ""
	if diff := cmp.Diff(want, readAll(d)); diff != "" {
		t.Error(diff)
	}
	d.sound(10)

	// Told of again, the person is somebody new.
	_, err = d.store.Unsuppress(t.Context(), suppression(3), d.now)
	d.must(err)
	_, err = a.Once(t.Context(), 0)
	d.must(err)
	all := readAll(d)
	if all[3] != "" || all[10] != string(phone(3)) {
		t.Errorf("got %q", all)
	}
	if tags := persons(d); tags[3] == tags[10] {
		t.Error("the new entry has the forgotten person's mark")
	}
	d.sound(11)
}

func TestOneNumberIsReadWithoutTheKeysOfOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 10)
	d.archive()
	r, err := NewReaderFor(d.dir(), string(phone(7)))
	d.must(err)
	var seen []string
	d.must(r.Each(t.Context(), Filter{Mine: true}, func(_ *Entry, p *Private) error { seen = append(seen, p.Phone); return nil }))
	if diff := cmp.Diff([]string{string(phone(7))}, seen); diff != "" {
		t.Error(diff)
	}
	e, err := r.Find(8)
	d.must(err)
	p, err := r.Private(e)
	d.must(err)
	if e.Number != 8 || p == nil || p.Phone != string(phone(7)) {
		t.Errorf("entry %+v, private %+v", e, p)
	}
	if e, err = r.Find(1); err != nil || e.Number != 1 {
		t.Errorf("entry %+v, error %v", e, err)
	}
	if p, err := r.Private(e); p != nil || err != nil {
		t.Errorf("somebody else's entry opens: %+v %v", p, err)
	}
	if _, err := r.Find(99); err == nil {
		t.Error("found what is not there")
	}
}

func readAll(d *desk) []string {
	d.Helper()
	r, err := NewReader(d.dir())
	d.must(err)
	var all []string
	d.must(r.Each(d.Context(), Filter{}, func(_ *Entry, p *Private) error {
		if p == nil {
			p = &Private{}
		}
		all = append(all, p.Phone)
		return nil
	}))
	return all
}

func persons(d *desk) []string {
	d.Helper()
	r, err := NewReader(d.dir())
	d.must(err)
	var all []string
	d.must(r.Each(d.Context(), Filter{}, func(e *Entry, _ *Private) error { all = append(all, e.Person); return nil }))
	return all
}
