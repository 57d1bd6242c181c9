// Package config reads settings and campaign files: defaults, then every mistake at once.
//
// Both kinds of file are YAML and are read strictly: an unknown key is a mistake, so is a key twice or a key without a
// value. All mistakes of a file come back together as Problems, each with its file, line, field, value and mend.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dialerd/dialerd/campaign"
)

// DefaultFile is the settings file that is read when none is named, if it is there.
const DefaultFile = "dialerd.yaml"

// maxFile bounds a file of settings or campaigns, in bytes. A campaign takes about 2,000.
const maxFile = 1 << 20

// LoadSettings reads the settings file at path; with an empty path it reads ./dialerd.yaml if there is one, and else makes
// the settings from the environment alone. env is os.LookupEnv, or a test's own.
//
// What the file says wins; what it leaves out comes from the environment; what neither says has its default. In the file
// ${NAME} in a value stands for an environment variable, which must be set, and $${ for a plain ${. Paths in the file are
// relative to the file, paths in the environment to the working folder.
//
// The error is Problems when the file was read and something in it is wrong.
func LoadSettings(path string, env func(string) (string, bool)) (*Settings, error) {
	named := path != ""
	if !named {
		path = DefaultFile
	}
	text, err := readFile(path)
	switch {
	case err == nil:
		return parseSettings(path, text, env)
	case errors.Is(err, os.ErrNotExist) && !named:
		return parseSettings("", nil, env)
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("read settings: %w; name an existing file with --config, or leave it out", err)
	default:
		return nil, fmt.Errorf("read settings: %w", err)
	}
}

// LoadCampaigns reads the campaigns of a file, one for each YAML document in it. With settings, a campaign that names no
// team belongs to the only one, and the file is checked against the settings as CheckTogether does; without, the team is
// "default" and nothing is known about it. The error is Problems when the file was read and something in it is wrong.
func LoadCampaigns(path string, settings *Settings) ([]campaign.Campaign, error) {
	text, err := readFile(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("read campaigns: %w; is the path right, seen from this folder? dialerd demo --dir try leaves a sample in try/campaign.yaml", err)
		}
		return nil, fmt.Errorf("read campaigns: %w", err)
	}
	return parseCampaigns(path, text, settings)
}

// mark is what some editors put before UTF-8.
const mark = "\xef\xbb\xbf"

// readFile reads a whole file up to maxFile, without the mark that may stand before its text.
func readFile(path string) (text []byte, err error) {
	f, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := f.Close(); e != nil && err == nil {
			err = e
		}
	}()
	text, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d KiB, which no such file is", path, maxFile>>10)
	}
	return bytes.TrimPrefix(text, []byte(mark)), nil
}

// beside makes a path of a file absolute: it is relative to the folder of the file that it was written in, or to the
// working folder when it was not written in a file.
func beside(file, path string) (string, error) {
	if file != "" && !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	return filepath.Abs(path)
}
