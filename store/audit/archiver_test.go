package audit

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/store"
)

func TestEntriesComeToDiskOnceAndLeaveRedis(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		d.tell(0, 30)
		if n := d.archive(); n != 30 {
			d.Errorf("%d archived, want 30", n)
		}
		d.tell(30, 3)
		d.archive()
		d.archive() // nothing new
		d.sound(33)
		st, err := d.store.Audit(d.Context(), team)
		d.must(err)
		if st.Backlog != 0 || st.Head.Sequence != 33 || st.Head.Number != 33 || st.Number != 33 || st.Head.Host != "here" || !st.Head.At.Equal(start) {
			d.Errorf("got %+v, head %+v", st, st.Head)
		}
	})
}

// What was written and not yet acknowledged when the archiver died is neither doubled nor lost.
func TestACrashBetweenWritingAndTrimmingDoublesNothing(t *testing.T) {
	t.Parallel()
	eachDesk(t, func(d *desk) {
		for round := range 5 {
			d.tell(10*round, 10)
			a := d.archiver()
			d.must(a.ready(d.Context()))
			entries, err := a.Store.AuditEntries(d.Context(), team, a.open.tail.streamID, 3+round)
			d.must(err)
			items := make([]item, 0, len(entries))
			for i := range entries {
				items = append(items, convert(&entries[i]))
			}
			d.must(a.open.append(items, d.now))
			if round%2 == 1 { // and one more was half written
				d.must(firstError(a.open.file.WriteAt([]byte(`{"hash":"4f`), a.open.size)))
			}
			d.must(a.Close()) // dead: Redis was told nothing
			if round%2 == 0 {
				d.archive()
			}
		}
		d.archive()
		d.sound(50)
	})
}

func firstError(_ int, err error) error { return err }

// Redis was told, and its answer was lost.
func TestALostReplyDoublesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 4)
	a := d.archiver()
	d.must(a.ready(t.Context()))
	was := a.head
	_, err := a.pass(t.Context(), 100)
	d.must(err)
	told := *a.head
	a.head = was // it does not know
	d.must(a.Store.Archived(t.Context(), team, was, told))
	d.tell(4, 4)
	if _, err := a.Once(t.Context(), 0); !errors.Is(err, store.ErrFenced) {
		t.Errorf("got %v, want to be fenced off by the head that it does not know", err)
	}
	_, err = a.Once(t.Context(), 0)
	d.must(err)
	d.must(a.Close())
	d.sound(8)
}

func TestArchiversRaceForOneFolderAndForTheChain(t *testing.T) {
	t.Parallel()
	for name, folders := range map[string]int{"one folder": 1, "a folder each": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachDesk(t, func(d *desk) {
				d.tell(0, 1)
				dirs := []string{d.data}
				for range folders - 1 {
					dirs = append(dirs, d.TempDir())
				}
				stop := make(chan struct{})
				var archivers sync.WaitGroup
				for i := range 4 {
					a := d.archiver()
					a.Dir = filepath.Join(dirs[i%folders], "audit")
					archivers.Go(func() {
						for {
							select {
							case <-stop:
								return
							default:
							}
							_, err := a.Once(d.Context(), 0)
							_, elsewhere := errors.AsType[*ElsewhereError](err)
							if err != nil && !elsewhere && !errors.Is(err, ErrBusy) && !errors.Is(err, store.ErrFenced) {
								d.Error(err)
								return
							}
							if err := a.Close(); err != nil { // let another one have the folder
								d.Error(err)
							}
						}
					})
				}
				d.tell(1, 150)
				close(stop)
				archivers.Wait()
				st, err := d.store.Audit(d.Context(), team)
				d.must(err)
				for _, dir := range dirs {
					if id, err := readIdentity(Dir(dir, team)); err == nil && st.Head != nil && id.ID == st.Head.Archive {
						d.data = dir
					}
				}
				d.archive()
				d.sound(151)
				for _, dir := range dirs {
					if all, err := segments(Dir(dir, team)); err != nil || dir != d.data && len(all) > 0 {
						d.Errorf("a folder that lost has %d segments (%v)", len(all), err)
					}
				}
			})
		})
	}
}

// An archiver that was frozen while the chain went on elsewhere changes nothing any more.
func TestAFrozenArchiverIsFencedOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 5)
	frozen := d.archiver()
	_, err := frozen.Once(t.Context(), 0)
	d.must(err)
	d.tell(5, 5)
	other := d.archiver()
	other.Dir, other.Host = filepath.Join(t.TempDir(), "audit"), "there"
	d.must(other.Adopt(t.Context(), "the machine is gone"))
	if _, err := frozen.Once(t.Context(), 0); !errors.Is(err, store.ErrFenced) {
		t.Errorf("got %v, want to be fenced off", err)
	}
	_, err = frozen.Once(t.Context(), 0)
	if e, ok := errors.AsType[*ElsewhereError](err); !ok || e.Host != "there" {
		t.Errorf("got %v, want to hear where the chain is", err)
	}
	n, err := other.Once(t.Context(), 0)
	d.must(err)
	if n != 5 {
		t.Errorf("%d entries after the change, want 5", n)
	}
	v, err := Verify(t.Context(), d.store, filepath.Join(other.Dir, team), team)
	d.must(err)
	if !v.OK() || v.From != 6 || v.Last != 11 { // the entry that says so is the 6th
		t.Errorf("got %+v", v)
	}
}

func TestALostHeadIsTakenFromDiskAndToldOf(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 12)
	d.archive()
	d.must(d.store.Client().FlushAll(t.Context()).Err())
	d.tell(0, 4)
	d.archive()
	v := d.verify()
	if !v.OK() || v.Last != 17 {
		t.Errorf("got %+v", v)
	}
	d.tell(4, 4)
	d.archive()
	if v := d.verify(); !v.OK() || v.Last != 21 {
		t.Errorf("got %+v", v)
	}
}

func TestACutFolderIsNotWrittenOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tell(0, 8)
	d.archive()
	files := d.files()
	last := files[len(files)-1]
	d.write(last, nil)
	d.tell(8, 8)
	if _, err := d.archiver().Once(t.Context(), 0); !errors.Is(err, errCut) {
		t.Errorf("got %v, want a refusal", err)
	}
	st, err := d.store.Audit(t.Context(), team)
	d.must(err)
	if st.Backlog != 8 {
		t.Errorf("%d entries wait, want 8", st.Backlog)
	}
	a := d.archiver() // an operator gives up what is lost
	d.must(a.Adopt(t.Context(), "disk error"))
	_, err = a.Once(t.Context(), 0)
	d.must(errors.Join(err, a.Close()))
	if v := d.verify(); !v.OK() || v.From != 9 {
		t.Errorf("got %+v", v)
	}
}

func TestOldSegmentsGoWholeAndTheChainKeepsItsAnchor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 10 { // a segment for each day
		d.now = start.AddDate(0, 0, i)
		a := d.archiver()
		a.SegmentSize = 0
		_, err := d.store.SetHold(t.Context(), "nobody", campaign.HoldNone, d.now)
		if !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		d.tellAt(i)
		_, err = a.Once(t.Context(), 0)
		d.must(errors.Join(err, a.Close()))
	}
	if n := len(d.files()); n != 10 {
		t.Fatalf("%d segments, want 10", n)
	}
	a := d.archiver()
	a.Keep = 4*24*time.Hour + time.Hour
	_, err := a.Once(t.Context(), 0)
	d.must(errors.Join(err, a.Close()))
	v := d.verify()
	if !v.OK() || v.From != 5 || v.Entries != 6 || len(d.files()) != 6 {
		t.Errorf("got %+v in %d files, want entries 5 to 10", v, len(d.files()))
	}
	d.write(d.files()[0], nil)
	if v := d.verify(); !told(v, "entries 5 to 5 are missing") {
		t.Errorf("the first kept segment may be cut: %+v", v)
	}
}

// tellAt writes one entry with a time of its own.
func (d *desk) tellAt(i int) {
	d.Helper()
	name := "spring"
	_, err := d.store.Apply(d.Context(), campaign.Campaign{Name: name, Team: team, Agents: []campaign.Agent{{ID: "a"}}, Budget: campaign.Budget{CallsPerDay: i + 1}}, d.now)
	d.must(err)
}
