package importer

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// Bounds of a list that is fetched over HTTP.
const (
	maxDownload  = 2 << 30 // bytes
	downloadTime = 15 * time.Minute
	maxRedirects = 5
)

// Stdin is the source that stands for standard input.
const Stdin = "-"

// Sources finds lists. The zero value reads files and URLs, but no standard input.
type Sources struct {
	Stdin     io.Reader
	Transport http.RoundTripper // nil is http.DefaultTransport
	Google    Google            // how Google Sheets are reached
	quiet     time.Duration     // how long a server may say nothing; 0 = quietTime
}

// Input is one list that can be read.
type Input struct {
	Name string // for people: the file, or the URL without its query
	Size int64  // in bytes; -1 when nobody knows before reading
	open func(ctx context.Context) (io.ReadCloser, error)
}

// Open begins to read the list. The context bounds the whole reading.
func (in Input) Open(ctx context.Context) (io.ReadCloser, error) { return in.open(ctx) }

// Expand finds the lists that a source stands for: a file, a pattern such as leads/*.csv (in order of name), - for standard
// input, an http or https URL, gsheet://ID/TAB, an archive of lists. Files are relative to dir. Finding none is an error that says what there is.
func (s *Sources) Expand(source, dir string) ([]Input, error) {
	switch {
	case source == Stdin:
		if s.Stdin == nil {
			return nil, errors.New("there is no standard input here; name a file")
		}
		return []Input{{Name: Stdin, Size: -1, open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(s.Stdin), nil }}}, nil
	case strings.HasPrefix(source, sheetScheme):
		if _, _, err := sheetAt(source); err != nil {
			return nil, err
		}
		google := s.Google
		return []Input{{Name: source, Size: -1, open: func(ctx context.Context) (io.ReadCloser, error) {
			sheet, err := google.OpenSheet(ctx, source)
			if err != nil {
				return nil, err
			}
			return sheet.Open(ctx), nil
		}}}, nil
	case strings.Contains(source, "://"):
		in, err := s.remote(source)
		if err != nil {
			return nil, err
		}
		return []Input{in}, nil
	}
	return expandFiles(source, dir)
}

func expandFiles(source, dir string) ([]Input, error) {
	path := source
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path) // first, because a file's own name may have brackets in it
	if err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name its lists, as in %s", source, filepath.Join(source, "*.csv"))
	}
	if err == nil {
		return filed(path, info), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read list: %w", err)
	}
	if !strings.ContainsAny(source, "*?[") {
		return nil, fmt.Errorf("%s: there is no such file%s", source, near(path))
	}
	paths, err := filepath.Glob(path)
	if err != nil {
		return nil, fmt.Errorf("%s: the pattern cannot be read; want something like leads/*.csv", source)
	}
	slices.Sort(paths)
	var inputs []Input
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && !info.IsDir() {
			inputs = append(inputs, filed(p, info)...)
		}
	}
	if len(inputs) == 0 {
		return nil, fmt.Errorf("%s: no file is called like that in %s", source, filepath.Dir(path))
	}
	return inputs, nil
}

// filed are the lists of a file: the one that it is, or those of the archive that it is.
func filed(path string, info fs.FileInfo) []Input {
	if info.Mode().IsRegular() {
		if inputs := archived(path, info.Size()); len(inputs) > 0 {
			return inputs
		}
	}
	return []Input{file(path, info)}
}

// entryOpener opens one list of an archive.
func entryOpener(path, name string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil, fmt.Errorf("read list: %w", err)
		}
		for _, f := range z.File {
			if f.Name != name {
				continue
			}
			e, err := openEntry(f)
			if err != nil {
				return nil, errors.Join(err, z.Close())
			}
			return &both{e, z}, nil
		}
		return nil, errors.Join(fmt.Errorf("read list: %s is no longer in %s", clip(name), path), z.Close())
	}
}

// both is a stream and what it comes from, closed together.
type both struct {
	io.ReadCloser
	under io.Closer
}

func (b *both) Close() error { return errors.Join(b.ReadCloser.Close(), b.under.Close()) }

func file(path string, info fs.FileInfo) Input {
	size := info.Size()
	if !info.Mode().IsRegular() {
		size = -1
	}
	return Input{Name: path, Size: size, open: func(context.Context) (io.ReadCloser, error) {
		f, err := os.Open(path) //nolint:gosec // G304: the operator names the file
		if err != nil {
			return nil, fmt.Errorf("read list: %w", err)
		}
		return f, nil
	}}
}

// near is `; did you mean …?` with the file of the folder whose name comes closest.
func near(path string) string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return ""
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if n := nearest(filepath.Base(path), names); n != "" {
		return fmt.Sprintf("; did you mean %s?", n)
	}
	return ""
}

// remote is a list behind a URL. A query may hold a secret, so it is never shown.
func (s *Sources) remote(source string) (Input, error) {
	u, err := url.Parse(source)
	if err != nil || u.Hostname() == "" {
		return Input{}, errors.New("the source is not a URL; write https://HOST/PATH")
	}
	shown := u.Scheme + "://" + u.Host + u.Path
	if err := allowed(u); err != nil {
		return Input{}, fmt.Errorf("%s: %w", shown, err)
	}
	return Input{Name: shown, Size: -1, open: func(ctx context.Context) (io.ReadCloser, error) {
		body, err := s.fetch(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shown, err)
		}
		return body, nil
	}}, nil
}

// allowed says why a URL is not fetched, or nil: people's data pass through https, or stay on this machine.
func allowed(u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case u.Scheme == "https", u.Scheme == "http" && here:
		return nil
	case u.Scheme == "http":
		return errors.New("the URL is not encrypted, and people's data pass through it; write https://")
	}
	return fmt.Errorf("the scheme %q is not known; write https://", u.Scheme)
}

// fetch begins a download.
func (s *Sources) fetch(ctx context.Context, u *url.URL) (io.ReadCloser, error) {
	client := http.Client{
		Transport: impatient{next: s.Transport, quiet: cmp.Or(s.quiet, quietTime)},
		Timeout:   downloadTime,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return allowed(req.URL)
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", cause(err))
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", cause(err))
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close() // its content is not wanted
		return nil, fmt.Errorf("fetch: the server answers %s; check the link and who may read it", resp.Status)
	}
	return &download{body: resp.Body, left: maxDownload}, nil
}

// cause is the error without the URL, whose query may hold a secret.
func cause(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// download is a body that ends in an error where it is too long.
type download struct {
	body io.ReadCloser
	left int64
}

func (d *download) Read(p []byte) (int, error) {
	if d.left <= 0 {
		return 0, fmt.Errorf("the list is larger than %d GiB; split it", maxDownload>>30)
	}
	n, err := d.body.Read(p[:min(int64(len(p)), d.left)])
	d.left -= int64(n)
	return n, err
}

func (d *download) Close() error { return d.body.Close() }

// SourceFor is the entry of a campaign's leads that a file belongs to, with its columns and country; false when there is none.
// Both paths are compared in full.
func SourceFor(c *campaign.Campaign, path string) (campaign.Source, bool) {
	full, err := filepath.Abs(path)
	if err != nil {
		full = path
	}
	for _, entry := range c.Leads {
		if entry.Source == path {
			return entry, true
		}
		if strings.Contains(entry.Source, "://") || entry.Source == Stdin {
			continue
		}
		pattern := entry.Source
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(entry.Dir, pattern)
		}
		if pattern == full {
			return entry, true
		}
		if ok, err := filepath.Match(pattern, full); ok && err == nil {
			return entry, true
		}
	}
	return campaign.Source{}, false
}
