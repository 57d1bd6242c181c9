//go:build ignore

// This program packs a compiled copy of the IANA time zone data, as Debian's package tzdata installs it, into
// data/zoneinfo.zip: every zone once, the names that lead to the same data in the entry LINKS, the release in VERSION.
// The same input gives the same bytes.
//
//	go run genzones.go -from /usr/share/zoneinfo -package "tzdata 2026f-0+deb12u1"
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	from := flag.String("from", "/usr/share/zoneinfo", "folder with compiled zones and tzdata.zi")
	pkg := flag.String("package", "", "name and version of the package that the folder comes from")
	out := flag.String("out", "data/zoneinfo.zip", "archive to write")
	flag.Parse()
	if err := run(*from, *pkg, *out); err != nil {
		fmt.Fprintln(os.Stderr, "genzones:", err)
		os.Exit(1)
	}
}

func run(from, pkg, out string) error {
	release, err := readRelease(filepath.Join(from, "tzdata.zi"))
	if err != nil {
		return err
	}
	zones, err := readZones(from)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(zones))
	for name := range zones {
		names = append(names, name)
	}
	slices.Sort(names)
	targets := map[string]string{} // data → the first name that has it
	var links strings.Builder
	var kept []string
	for _, name := range names {
		if first, ok := targets[string(zones[name])]; ok {
			fmt.Fprintf(&links, "%s %s\n", name, first)
			continue
		}
		targets[string(zones[name])] = name
		kept = append(kept, name)
	}

	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	add := func(name string, data []byte) error {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return err
	}
	errs := []error{add("VERSION", []byte(release+"\n"+pkg+"\n")), add("LINKS", []byte(links.String()))}
	for _, name := range kept {
		errs = append(errs, add(name, zones[name]))
	}
	if err := errors.Join(append(errs, w.Close())...); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "genzones: %s, %d zones, %d links, %d bytes\n", release, len(kept), len(names)-len(kept), buf.Len())
	return os.WriteFile(out, buf.Bytes(), 0o644)
}

// readRelease takes the release from the first line of tzdata.zi.
func readRelease(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(data), "\n")
	release, ok := strings.CutPrefix(line, "# version ")
	if !ok {
		return "", fmt.Errorf("%s: first line %q names no version", path, line)
	}
	return strings.TrimSpace(release), nil
}

// readZones reads every compiled zone below the folder. The copies with other leap seconds and names that stand for the
// host's own zone are left out.
func readZones(from string) (map[string][]byte, error) {
	skip := []string{"right", "posix", "posixrules", "localtime", "Factory"}
	zones := map[string][]byte{}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, from), string(filepath.Separator)))
		if slices.Contains(skip, name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path) // follows links
		if err != nil {
			return err
		}
		if bytes.HasPrefix(data, []byte("TZif")) {
			zones[name] = data
		}
		return nil
	})
	return zones, err
}
