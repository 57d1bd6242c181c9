package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Forget destroys the key of a phone in a team's archive and reports whether there was one. What the record says of the person can be
// read by nobody after that, and the chain still verifies. The archiver may go on meanwhile. What stands in copies of the folder, and
// what a file system keeps of overwritten blocks, is out of reach.
func Forget(dir, phone string) (bool, error) {
	left, err := filepath.Glob(dir + leftExt + "*") // archives that were given up
	if err != nil {
		return false, fmt.Errorf("forget: %w", err)
	}
	found := false
	for _, d := range append(left, dir) {
		gone, err := forget(d, phone)
		if err != nil {
			return false, err
		}
		found = found || gone
	}
	return found, nil
}

func forget(dir, phone string) (bool, error) {
	id, err := readIdentity(dir)
	if errors.Is(err, ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	secret, err := id.secret()
	if err != nil {
		return false, fmt.Errorf("open the archive: %s: secret: %w", identityFile, err)
	}
	unlock, err := lockKeys(dir)
	if err != nil {
		return false, err
	}
	defer func() { _ = unlock() }()
	want := identify(secret, id.Team, phone)
	var at []int64
	if err := eachPerson(dir, func(pos int64, p person) error {
		if p.id == want {
			at = append(at, pos)
		}
		return nil
	}); err != nil {
		return false, err
	}
	if len(at) == 0 {
		return false, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, keyFile), os.O_WRONLY, 0) //nolint:gosec // G304: the folder is the operator's own setting
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("forget: %w", err)
	}
	for _, pos := range at {
		if _, err := f.WriteAt(make([]byte, keyRecord), pos); err != nil {
			return false, errors.Join(fmt.Errorf("forget: %w", err), f.Close())
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("forget: %w", err)
	}
	return true, nil
}
