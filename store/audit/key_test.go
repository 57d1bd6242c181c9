package audit

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A key lives for its own age and the time for which entries are kept; the file of keys takes new ones in its place.
func TestKeysThatOpenNothingAreDestroyedAndTheirPlacesUsed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const day, keep = 24 * time.Hour, 400 * 24 * time.Hour
	a := d.archiver()
	a.Keep = keep
	bring := func() {
		t.Helper()
		_, err := a.Once(t.Context(), 0)
		d.must(err)
	}
	size := func() int64 {
		t.Helper()
		info, err := os.Stat(filepath.Join(d.dir(), keyFile))
		d.must(err)
		return info.Size() / keyRecord
	}
	d.tell(0, 10)
	bring()
	if n := size(); n != 10 {
		t.Fatalf("%d keys, want 10", n)
	}

	// In use for a year, a person's key is followed by another one; both open their entries.
	d.now = start.Add(keyAge)
	_, err := d.store.Unsuppress(t.Context(), suppression(3), d.now)
	d.must(err)
	bring()
	tags := persons(d)
	if got := readAll(d); tags[3] == tags[10] || got[3] != string(phone(3)) || got[10] != string(phone(3)) {
		t.Errorf("tags %q and %q, read %q", tags[3], tags[10], got)
	}

	// A day before the end of the first keys' time all is there; at the end only the newer one is.
	d.now = start.Add(keyAge + keep)
	bring()
	if n := size(); n != 11 {
		t.Errorf("%d keys, want 11", n)
	}
	if got := readAll(d); got[len(got)-1] != string(phone(3)) {
		t.Errorf("read %q", got)
	}
	d.now = d.now.Add(day)
	bring()
	var left []string
	d.must(eachPerson(d.dir(), func(_ int64, p person) error { left = append(left, p.tag.String()); return nil }))
	if diff := cmp.Diff([]string{tags[10]}, left); diff != "" {
		t.Errorf("keys that are left: %s", diff)
	}

	// Ten new persons take the ten places.
	d.tell(20, 10)
	bring()
	if n := size(); n != 11 {
		t.Errorf("the file holds %d keys, want 11", n)
	}
	got := readAll(d)
	for i, p := range got[len(got)-10:] {
		if p != string(phone(20+i)) {
			t.Errorf("new entry %d reads %q", i, p)
		}
	}

	// Who opens it anew finds the newest key of a person.
	d.must(a.Close())
	_, err = d.store.Unsuppress(t.Context(), suppression(25), d.now)
	d.must(err)
	bring()
	if all := persons(d); all[len(all)-1] != all[len(all)-6] {
		t.Errorf("person 25 has another mark: %q", all)
	}
	if gone, err := Forget(d.dir(), string(phone(25))); !gone || err != nil {
		t.Errorf("forgotten %t, %v", gone, err)
	}
	if v := d.verify(); len(v.Problems) > 0 {
		t.Errorf("verify: %v", v.Problems)
	}
}
