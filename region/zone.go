package region

import (
	"archive/zip"
	"bytes"
	_ "embed" // the zone archive
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

//go:generate go run genzones.go -from /usr/share/zoneinfo -package "Debian tzdata 2026f-0+deb12u1"
//go:embed data/zoneinfo.zip
var zoneArchive []byte

// ErrUnknownZone says that no zone has the name.
var ErrUnknownZone = errors.New("unknown time zone")

// atlas is the opened zone archive.
type atlas struct {
	release string
	files   map[string]*zip.File
	links   map[string]string // other name → name of a file
	sorted  []string          // every name
	plain   []string          // the same, made comparable
}

var openAtlas = sync.OnceValues(func() (*atlas, error) {
	a, err := readAtlas(zoneArchive)
	if err != nil {
		return nil, fmt.Errorf("open the embedded zone data: %w", err)
	}
	return a, nil
})

func readAtlas(data []byte) (*atlas, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	a := &atlas{files: map[string]*zip.File{}, links: map[string]string{}}
	for _, f := range r.File {
		switch f.Name {
		case "VERSION":
			text, err := readEntry(f)
			if err != nil {
				return nil, err
			}
			a.release, _, _ = strings.Cut(string(text), "\n")
		case "LINKS":
			text, err := readEntry(f)
			if err != nil {
				return nil, err
			}
			for line := range strings.Lines(string(text)) {
				name, target, _ := strings.Cut(strings.TrimSpace(line), " ")
				a.links[name] = target
			}
		default:
			a.files[f.Name] = f
		}
	}
	// Read as Eastern and Mountain time by people, they are Panama and Phoenix in the data: an hour late all summer.
	for _, name := range []string{"EST", "MST"} {
		delete(a.links, name)
		delete(a.files, name)
	}
	a.sorted = slices.AppendSeq(slices.Collect(maps.Keys(a.files)), maps.Keys(a.links))
	slices.Sort(a.sorted)
	for _, name := range a.sorted {
		a.plain = append(a.plain, plain(name))
	}
	return a, nil
}

func readEntry(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("entry %s: %w", f.Name, err)
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(io.LimitReader(r, 1<<20))
}

// loaded holds the zones that were asked for, replaced as a whole when one is added, so that reading it costs no lock.
var (
	loaded   atomic.Pointer[map[string]*time.Location]
	loadLock sync.Mutex
)

// Zone returns an IANA time zone from the zone data that is built into the program; the host's is never used. The error
// wraps ErrUnknownZone and names the nearest zones. "Local", "EST" and "MST" are refused: they mean something else than
// people think.
func Zone(name string) (*time.Location, error) {
	if m := loaded.Load(); m != nil {
		if loc, ok := (*m)[name]; ok {
			return loc, nil
		}
	}
	return loadZone(name)
}

func loadZone(name string) (*time.Location, error) {
	a, err := openAtlas()
	if err != nil {
		return nil, err
	}
	file := name
	if target, ok := a.links[name]; ok {
		file = target
	}
	f, ok := a.files[file]
	if !ok {
		return nil, a.unknown(name)
	}
	data, err := readEntry(f)
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", name, err)
	}
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("zone %s: %w", name, err)
	}
	loadLock.Lock()
	defer loadLock.Unlock()
	next := map[string]*time.Location{}
	if m := loaded.Load(); m != nil {
		if other, ok := (*m)[name]; ok {
			return other, nil
		}
		maps.Copy(next, *m)
	}
	next[name] = loc
	loaded.Store(&next)
	return loc, nil
}

// ZoneVersion is the release of the embedded zone data, "2026f"; empty when it cannot be read, which Check reports.
func ZoneVersion() string {
	a, err := openAtlas()
	if err != nil {
		return ""
	}
	return a.release
}

// maxStrangers bounds how many unknown names are remembered with their answer: a list of a million rows that all say
// "Eastern Time" must not look for the nearest zone a million times.
const maxStrangers = 1000

var (
	strangers    = map[string]error{}
	strangerLock sync.Mutex
)

// unknown is the error for a name that no zone has.
func (a *atlas) unknown(name string) error {
	name = clip(name)
	strangerLock.Lock()
	defer strangerLock.Unlock()
	err, ok := strangers[name]
	if !ok {
		err = a.strange(name)
		if len(strangers) < maxStrangers {
			strangers[strings.Clone(name)] = err
		}
	}
	return err
}

func (a *atlas) strange(name string) error {
	switch name {
	case "":
		return fmt.Errorf("%w: it has no name; want one such as America/New_York", ErrUnknownZone)
	case "Local":
		return fmt.Errorf("%w: %q is the host's own; name one such as America/New_York", ErrUnknownZone, name)
	case "EST":
		return fmt.Errorf("%w: %q has no summer time; name America/New_York, or Etc/GMT+5 if that is meant", ErrUnknownZone, name)
	case "MST":
		return fmt.Errorf("%w: %q has no summer time; name America/Denver, or America/Phoenix if that is meant", ErrUnknownZone, name)
	}
	if near := a.nearest(name); len(near) > 0 {
		return fmt.Errorf("%w %q: did you mean %s?", ErrUnknownZone, name, strings.Join(near, " or "))
	}
	return fmt.Errorf("%w %q: want an IANA name such as America/New_York", ErrUnknownZone, name)
}

// clip keeps a value short enough for an error text.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
