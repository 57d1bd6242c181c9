package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dialerd/dialerd/store"
)

func TestVerifyFindsEveryTamperingAndNamesThePlace(t *testing.T) {
	t.Parallel()
	lines := func(b []byte) [][]byte { return bytes.SplitAfter(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) }
	join := func(l [][]byte) []byte { return bytes.Join(l, nil) }
	for name, c := range map[string]struct {
		tamper func(d *desk, files []string)
		want   []string // in one problem
	}{
		"a flipped byte": {func(d *desk, files []string) {
			b := d.read(files[2])
			at := bytes.Index(b, []byte(`"kind":"dnc_add"`)) + len(`"kind":"d`)
			b[at] ^= 1
			d.write(files[2], b)
		}, []string{"%3", "its hash does not follow"}},
		"an entry made longer": {func(d *desk, files []string) {
			d.write(files[0], bytes.Replace(d.read(files[0]), []byte(`"kind":"`), []byte(`"kind":"x`), 1))
		}, nil},
		"a dropped entry": {func(d *desk, files []string) {
			l := lines(d.read(files[1]))
			d.write(files[1], join(append(l[:1:1], l[2:]...)))
		}, []string{"%2", "missing"}},
		"the first entry of a segment dropped": {func(d *desk, files []string) {
			d.write(files[1], join(lines(d.read(files[1]))[1:]))
		}, []string{"%2", "missing"}},
		"two entries swapped": {func(d *desk, files []string) {
			l := lines(d.read(files[1]))
			l[0], l[1] = l[1], l[0]
			d.write(files[1], join(l))
		}, []string{"%2", "out of order"}},
		"an entry twice": {func(d *desk, files []string) {
			l := lines(d.read(files[1]))
			d.write(files[1], join(append(l[:1:1], l...)))
		}, []string{"%2", "twice"}},
		"a dropped segment":      {func(d *desk, files []string) { d.must(os.Remove(files[1])) }, []string{"%3", "missing"}},
		"the first segment gone": {func(d *desk, files []string) { d.must(os.Remove(files[0])) }, []string{"%2", "the entries 1 to"}},
		"the tail cut by an entry": {func(d *desk, files []string) {
			last := files[len(files)-1]
			l := lines(d.read(last))
			d.write(last, join(l[:len(l)-1]))
		}, []string{"the end is missing"}},
		"the tail cut in mid-line": {func(d *desk, files []string) {
			last := files[len(files)-1]
			b := d.read(last)
			d.write(last, b[:len(b)-40])
		}, []string{"the end is missing"}},
		"the last segment cut off": {func(d *desk, files []string) { d.must(os.Remove(files[len(files)-1])) }, []string{"the end is missing"}},
		"segments swapped by name": {func(d *desk, files []string) {
			a, b := d.read(files[1]), d.read(files[2])
			d.write(files[1], b)
			d.write(files[2], a)
		}, []string{"%2", "its name says"}},
		"the whole chain made anew": {func(d *desk, files []string) {
			forge(d, files)
		}, []string{"the chain was made anew"}},
		"the head deleted": {func(d *desk, _ []string) {
			d.must(d.store.Client().HDel(d.Context(), "dialerd:{acme}:team", "audithead").Err())
		}, []string{"Redis holds no head"}},
		"an entry of the stream trimmed before it was archived": {func(d *desk, _ []string) {
			d.tell(500, 3)
			ids, err := d.store.Client().XRange(d.Context(), "dialerd:{acme}:audit", "-", "+").Result()
			d.must(err)
			d.must(d.store.Client().XDel(d.Context(), "dialerd:{acme}:audit", ids[0].ID).Err())
		}, []string{"lost in Redis before"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.tell(0, 20)
			d.archive()
			files := d.files()
			if len(files) < 4 {
				t.Fatalf("only %d segments", len(files))
			}
			d.sound(20)
			c.tamper(d, files)
			v := d.verify()
			if v.OK() {
				t.Fatal("not found")
			}
			var words []string
			for _, w := range c.want {
				if n := 0; len(w) == 2 && w[0] == '%' {
					_, _ = fmt.Sscanf(w, "%%%d", &n)
					w = filepath.Base(files[n-1])
				}
				words = append(words, w)
			}
			if !told(v, words...) {
				t.Errorf("want a problem with %q, got %v", words, v.Problems)
			}
		})
	}
}

// No bit of a line can change unseen.
func TestEveryBitOfALineCounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 2)
	d.archive()
	id, err := readIdentity(d.dir())
	d.must(err)
	at, err := id.begin()
	d.must(err)
	line, _, _ := bytes.Cut(d.read(d.files()[0]), []byte("\n"))
	line = append(line, '\n')
	seen := func(b []byte) bool {
		w := &walk{v: &Verdict{}, at: at}
		l, err := parseLine(b)
		if err != nil {
			return true
		}
		w.link("", &l)
		return !w.v.OK()
	}
	if seen(line) {
		t.Fatal("the line as it was is not whole")
	}
	for i := range line {
		for bit := range 8 {
			b := bytes.Clone(line)
			b[i] ^= 1 << bit
			if !seen(b) {
				t.Errorf("bit %d of byte %d: %q", bit, i, b)
			}
		}
	}
}

// forge changes an entry and mends every hash behind it, as somebody could who may write the disk.
func forge(d *desk, files []string) {
	id, err := readIdentity(d.dir())
	d.must(err)
	at, err := id.begin()
	d.must(err)
	for i, path := range files {
		b := d.read(path)
		if i == 1 {
			b = bytes.Replace(b, []byte(`dnc_add`), []byte(`dnc_xxx`), 1)
		}
		var out []byte
		for line := range bytes.Lines(b) {
			l, err := parseLine(line)
			d.must(err)
			out, at.hash = appendLine(out, at.hash, l.body)
		}
		d.write(path, out)
	}
}

func TestVerifyLetsAnUnfinishedLineOfTheArchiverPass(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 5)
	d.archive()
	files := d.files()
	last := files[len(files)-1]
	d.write(last, append(d.read(last), `{"hash":"00`...))
	d.sound(5)
	d.tell(5, 5)
	d.archive()
	d.sound(10)
}

func TestVerifySaysWhereElseTheRecordIs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := Verify(t.Context(), d.store, d.dir(), team); !errors.Is(err, ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
	d.tell(0, 1)
	d.archive()
	_, err := Verify(t.Context(), d.store, t.TempDir(), team)
	if e, ok := errors.AsType[*ElsewhereError](err); !ok || e.Host != "here" {
		t.Errorf("got %v, want the host", err)
	}
}

// BenchmarkVerify reads a record of a million entries.
func BenchmarkVerify(b *testing.B) {
	const entries = 1_000_000
	dir := b.TempDir()
	a, err := openArchive(dir, team, start)
	if err != nil {
		b.Fatal(err)
	}
	items := make([]item, 20000)
	size := int64(0)
	for n := 0; n < entries; {
		for i := range items {
			n++
			items[i] = convert(&store.AuditEntry{
				StreamID: fmt.Sprintf("1700000000000-%d", n), Number: int64(n), Kind: "begin", At: start, Campaign: "spring", Phone: phone(n % 5000),
				Lead: "aB-_3dE9fGhI", Attempt: "17.aB-_3dE9fGhI.1", Agent: "aB3dE9fG", Detail: benchDetail,
			})
		}
		if err := a.append(items, start); err != nil {
			b.Fatal(err)
		}
	}
	all, err := segments(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range all {
		info, err := os.Stat(s.path)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	for b.Loop() {
		w := &walk{v: &Verdict{}, head: &store.AuditHead{Sequence: a.tail.sequence, Hash: a.tail.hash.String()}}
		if err := w.begin(a.id); err != nil {
			b.Fatal(err)
		}
		if err := w.chain(b.Context(), dir); err != nil {
			b.Fatal(err)
		}
		w.end()
		if !w.v.OK() || w.v.Entries != entries {
			b.Fatal(w.v.Entries, w.v.Problems)
		}
	}
	b.ReportMetric(float64(entries*b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(size)/entries, "B/entry")
	if err := a.Close(); err != nil {
		b.Fatal(err)
	}
}

const benchDetail = `{"verdict":"allow","until":"2026-03-11T00:55:00Z","deadline":"2026-03-10T15:00:15Z","regions":["US-NY"],"zones":["America/New_York"],` +
	`"local_times":["Tue 11:00 America/New_York"],"rules":"2026.11.22-0123456789ab","tzdata":"2026f","campaign_version":1,"caps":[{"window_s":86400,` +
	`"count":0,"limit":2,"source":"attempts.per_24h"}],"dnc":{"team":1,"campaign":2},"person":{"consent":"web form","trace":[]}}`
