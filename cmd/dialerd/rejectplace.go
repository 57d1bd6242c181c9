package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dialerd/dialerd/importer"
)

// rejectsPlace finds a file's name for rejects that were not given one. A file is written over, or taken away, only when all lists
// that it is of have been read again and nobody has changed it: people mend rejects where they lie.
type rejectsPlace struct {
	path    string   // the name when it is free
	known   string   // folder that remembers what was written
	sources []string // the lists; none = they cannot be read again, as standard input
}

// rejectsNote is what is remembered of a file of rejects.
type rejectsNote struct {
	Sources []string `json:"sources"`
	Partial bool     `json:"partial,omitempty"` // the import broke off
	SHA256  string   `json:"sha256"`
}

// newRejectsPlace is the place for the rejects of some lists.
func newRejectsPlace(dataDir, name string, lists []*list, once bool) *rejectsPlace {
	base := name
	if len(lists) == 1 {
		base += "-" + stem(lists[0].input.Name)
	}
	p := &rejectsPlace{path: filepath.Join(dataDir, "rejects", base+".csv"), known: rejectsKnown(dataDir)}
	for _, l := range lists {
		once = once || l.input.Name == importer.Stdin
		p.sources = append(p.sources, l.input.Name)
	}
	if once {
		p.sources = nil
	}
	return p
}

// rejectsKnown is where it is remembered which rejects were written.
func rejectsKnown(dataDir string) string { return filepath.Join(dataDir, "rejects-known") }

// numbered is the name with a number before its ending; the first has none.
func (p *rejectsPlace) numbered(n int) string {
	if n == 1 {
		return p.path
	}
	ext := filepath.Ext(p.path)
	return fmt.Sprintf("%s-%d%s", p.path[:len(p.path)-len(ext)], n, ext)
}

// note is where it is remembered what was written to a file.
func (p *rejectsPlace) note(path string) string {
	return filepath.Join(p.known, filepath.Base(path)+".json")
}

// look finds the first name that is free, and the files that may be written over: by the rejects of an import that broke off only those of
// another such one.
func (p *rejectsPlace) look(partial bool) (free string, own []string, err error) {
	for n := 1; ; n++ {
		path := p.numbered(n)
		_, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if free == "" {
				free = path
			}
			if _, err := os.Lstat(p.note(path)); errors.Is(err, fs.ErrNotExist) {
				return free, own, nil
			}
		case err != nil:
			return "", nil, fmt.Errorf("look for earlier rejects: %w", err)
		default:
			if note := p.written(path); p.covers(note.Sources) && (note.Partial || !partial) {
				own = append(own, path)
			}
		}
	}
}

// written is what is remembered of a file that is as it was written; nothing when nobody knows, or somebody has changed it.
func (p *rejectsPlace) written(path string) rejectsNote {
	var note rejectsNote
	text, err := os.ReadFile(p.note(path))
	if err != nil || json.Unmarshal(text, &note) != nil {
		return rejectsNote{}
	}
	if sum, err := sumOf(path); err != nil || sum != note.SHA256 {
		return rejectsNote{}
	}
	return note
}

// covers reports whether some lists are all among those that were read.
func (p *rejectsPlace) covers(sources []string) bool {
	return len(sources) > 0 && !slices.ContainsFunc(sources, func(s string) bool { return !slices.Contains(p.sources, s) })
}

// put moves a file to its place and says where that is.
func (p *rejectsPlace) put(from string, partial bool) (string, error) {
	sum, err := sumOf(from)
	if err != nil {
		return "", err
	}
	for {
		free, own, err := p.look(partial)
		if err != nil {
			return "", err
		}
		to := free
		if len(own) > 0 {
			to, own = own[0], own[1:]
		} else if err := claim(to); errors.Is(err, fs.ErrExist) {
			continue // another import was faster
		} else if err != nil {
			return "", err
		}
		if err := os.Rename(from, to); err != nil {
			return "", err
		}
		return to, errors.Join(p.remember(to, rejectsNote{Sources: p.sources, SHA256: sum, Partial: partial}), p.forget(own))
	}
}

// claim takes a name that is free.
func claim(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // G304: the folder is the operator's own setting
	if err != nil {
		return err
	}
	return f.Close()
}

// remember writes down what was written to a file, so that it is known again.
func (p *rejectsPlace) remember(path string, note rejectsNote) error {
	if len(note.Sources) == 0 {
		return nil
	}
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.known, 0o700); err != nil {
		return err
	}
	return writeFile(p.note(path), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// again remembers a file that was written anew by us, without some of its rows. It may be gone altogether.
func (p *rejectsPlace) again(path string, note rejectsNote) error {
	sum, err := sumOf(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	note.SHA256 = sum
	return p.remember(path, note)
}

// clear takes the files away that an earlier import of the same lists left: no row is rejected any more.
func (p *rejectsPlace) clear() error {
	_, own, err := p.look(false)
	if err != nil {
		return err
	}
	return p.forget(own)
}

// forget takes files away, and what is remembered of them.
func (p *rejectsPlace) forget(paths []string) error {
	for _, path := range paths {
		for _, gone := range []string{path, p.note(path)} {
			if err := os.Remove(gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove the rejects of an earlier import: %w", err)
			}
		}
	}
	return nil
}

// sumOf is the SHA-256 of a file.
func sumOf(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the folder is the operator's own setting
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
