package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dialerd/dialerd/store"
)

// importsPath is where lists come in.
const importsPath = "/api/v1/imports"

const (
	// MaxUpload is how large a list that is sent may be, in bytes.
	MaxUpload = 1 << 30
	// uploadTime is the longest that sending one may take.
	uploadTime = time.Hour
)

// Imports takes lists in: this package reads what is asked and shows how far it is, whoever fills Imports does the work. The zero value takes
// none.
type Imports struct {
	// Start takes on an import. It has read the whole upload when it returns. A *RefusedError says what is wrong with the request.
	Start func(context.Context, ImportRequest) (*store.ImportJob, error)
	// Limit is how large a list that is sent may be, in bytes; 0 is MaxUpload.
	Limit int64
	// Rejects opens the rejected rows of an import that this process did; fs.ErrNotExist when there are none here.
	Rejects func(id string) (*os.File, error)
}

// ImportRequest is what an import is asked to do.
type ImportRequest struct {
	Campaign string
	Source   string    // a source that the campaign's file names; "" = all of them, or the upload
	Upload   io.Reader // the list itself; nil = there is none
	Name     string    // of the upload's file; may be empty
	Columns  []string  // role=Header
	Country  string
	Sheet    string
	Encoding string
	Delim    string
}

// RefusedError is a request that is not done, with the HTTP status that says why.
type RefusedError struct {
	Status int
	Err    error
}

func (r *RefusedError) Error() string { return r.Err.Error() }

func (r *RefusedError) Unwrap() error { return r.Err }

// Refuse is a request that is not done.
func Refuse(status int, format string, args ...any) error {
	return &RefusedError{Status: status, Err: fmt.Errorf(format, args...)}
}

// Import is an import as the API shows it.
type Import struct {
	ID       string            `json:"id"`
	Campaign string            `json:"campaign"`
	Source   string            `json:"source"`
	State    store.ImportState `json:"state"`
	Created  time.Time         `json:"created"`
	Started  *time.Time        `json:"started"`
	Ended    *time.Time        `json:"ended"`
	Rows     int               `json:"rows"` // read so far
	RowsPerS *float64          `json:"rows_per_s"`
	Rejected int               `json:"rejected"` // so far
	Share    *float64          `json:"share"`    // 0 to 1; null when nobody knows, as of workbooks
	LeftS    *float64          `json:"left_s"`   // seconds until it is read, at this pace
	Warnings []string          `json:"warnings"`
	Error    *string           `json:"error"`
	Result   json.RawMessage   `json:"result"`  // what import --json prints, once it is over; null when no row was taken in
	Rejects  *string           `json:"rejects"` // where the rejected rows can be fetched
	Daemon   string            `json:"daemon"`
}

// shown is an import as it stands now.
func shown(j *store.ImportJob, now time.Time) *Import {
	i := &Import{
		ID: j.ID, Campaign: j.Campaign, Source: j.Source, State: j.State, Created: j.Created.UTC(), Started: instant(j.Started), Ended: instant(j.Ended),
		Rows: j.Rows, Rejected: j.Rejected, Share: j.Share, Warnings: list(j.Warnings), Error: absent(j.Error), Result: j.Result, Daemon: j.Daemon,
	}
	if j.State == store.ImportInterrupted {
		i.Error = new("the daemon that did it ended before the list did: what was read is in the campaign, so send the list again, and nothing is added twice")
	}
	if !j.Ended.IsZero() {
		now = j.Ended
	}
	if passed := now.Sub(j.Started).Seconds(); !j.Started.IsZero() && passed > 0 {
		i.RowsPerS = new(float64(j.Rows) / passed)
		if j.Share != nil && *j.Share > 0 && !j.Over() {
			i.LeftS = new(passed * (1 - *j.Share) / *j.Share)
		}
	}
	if len(j.Result) > 0 && j.Rejected > 0 {
		i.Rejects = new(importsPath + "/" + j.ID + "/rejects")
	}
	return i
}

// startImport takes a list in: the one that is sent, or one that the campaign's file names.
func (s *server) startImport(w http.ResponseWriter, r *http.Request) {
	// Whoever sends slower than this is gone, or means no good.
	late := time.AfterFunc(uploadTime, func() { _ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) })
	defer late.Stop()
	up := &upload{from: http.MaxBytesReader(w, r.Body, cmp.Or(s.Imports.Limit, MaxUpload))}
	ask, err := up.request(r)
	var job *store.ImportJob
	if err == nil {
		job, err = s.Imports.Start(r.Context(), ask)
	}
	if long, ok := errors.AsType[*http.MaxBytesError](up.err); ok {
		err = Refuse(http.StatusRequestEntityTooLarge, "the list is larger than %d bytes: pack it (gzip, zip), split it, or name it in the campaign's file", long.Limit)
	} else if up.err != nil {
		err = Refuse(http.StatusBadRequest, "the list ended before its end: %w", up.err)
	} else if up.refused != nil {
		err = up.refused
	}
	if err != nil {
		w.Header().Set("Connection", "close") // the rest of the list is not wanted
		s.answer(w, nil, err)
		return
	}
	w.Header().Set("Location", importsPath+"/"+job.ID)
	s.write(w, http.StatusAccepted, shown(job, s.Source.Now()))
}

// upload is a list that is being sent, and why it broke off.
type upload struct {
	from    io.Reader
	err     error
	refused error // what is wrong with the form that holds it
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		u.err = err
	}
	return n, err
}

// importParameters are what the query of a request may hold.
var importParameters = []string{"campaign", "source", "name", "map", "country", "sheet", "encoding", "delimiter"}

// request reads what is asked. All of it stands in the query; the body is the list, as it is or as the file of a form.
func (u *upload) request(r *http.Request) (ImportRequest, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return ImportRequest{}, Refuse(http.StatusBadRequest, "the query cannot be read: %w", err)
	}
	for name, values := range q {
		switch {
		case !slices.Contains(importParameters, name):
			return ImportRequest{}, Refuse(http.StatusBadRequest, "%q is not known; want %s", name, strings.Join(importParameters, ", "))
		case len(values) > 1 && name != "map":
			return ImportRequest{}, Refuse(http.StatusBadRequest, "%s is given twice", name)
		}
	}
	ask := ImportRequest{
		Campaign: q.Get("campaign"), Source: q.Get("source"), Name: q.Get("name"), Columns: q["map"], Country: q.Get("country"), Sheet: q.Get("sheet"),
		Encoding: q.Get("encoding"), Delim: q.Get("delimiter"),
	}
	if ask.Campaign == "" {
		return ask, Refuse(http.StatusBadRequest, "campaign is missing: which campaign are the leads for? As in %s?campaign=spring", importsPath)
	}
	if err := u.body(r, &ask); err != nil {
		return ask, err
	}
	if ask.Upload != nil && ask.Source != "" {
		return ask, Refuse(http.StatusBadRequest, "a list is sent and a source is named: which of them? Leave one out")
	}
	return ask, nil
}

// body finds the list in what is sent.
func (u *upload) body(r *http.Request, ask *ImportRequest) error {
	if r.ContentLength == 0 {
		if ask.Name != "" {
			return Refuse(http.StatusBadRequest, "the list is empty; want a header line and one row for each lead")
		}
		return nil
	}
	kind, values, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // one that cannot be read is none
	switch kind {
	case "multipart/form-data":
	case "application/x-www-form-urlencoded": // which curl says by itself, and with -d takes the line ends away
		return Refuse(http.StatusUnsupportedMediaType, "the list comes as the fields of a form: send it as a file, with curl as -F file=@leads.csv")
	default:
		ask.Upload = u
		return nil
	}
	form := multipart.NewReader(u, values["boundary"])
	part, err := form.NextPart()
	if err != nil {
		return Refuse(http.StatusBadRequest, "the form holds no list: %w", err)
	}
	if part.FormName() != "file" {
		return Refuse(http.StatusBadRequest, "the form begins with the field %q: send the list alone, as the field file, and all else in the query", part.FormName())
	}
	if ask.Upload = (&formFile{Part: part, form: form, u: u}); ask.Name == "" {
		ask.Name = part.FileName()
	}
	return nil
}

// formFile is the list of a form, which holds nothing else: what stands behind it would be lost.
type formFile struct {
	*multipart.Part
	form *multipart.Reader
	u    *upload
}

func (f *formFile) Read(p []byte) (int, error) {
	n, err := f.Part.Read(p)
	if err == nil {
		return n, nil
	}
	var next *multipart.Part
	if errors.Is(err, io.EOF) {
		next, err = f.form.NextPart()
	}
	switch {
	case errors.Is(err, io.EOF):
		return n, io.EOF
	case err != nil:
		f.u.refused = Refuse(http.StatusBadRequest, "the form ends before its end: %w", err)
	case next.FormName() == "file":
		f.u.refused = Refuse(http.StatusBadRequest, "the form holds a second list, %q: send each list by itself, or both in a zip file", next.FileName())
	default:
		f.u.refused = Refuse(http.StatusBadRequest, "the form goes on with the field %q after the list: send the list alone, as the field file, and all else in the query",
			next.FormName())
	}
	return n, f.u.refused
}

// apiImport shows how far an import is. Any daemon of a fleet can be asked.
func (s *server) apiImport(w http.ResponseWriter, r *http.Request) {
	now := s.Source.Now()
	job, err := s.Source.Store.ImportJob(r.Context(), r.PathValue("id"), now)
	if err != nil {
		s.answer(w, nil, err)
		return
	}
	s.write(w, http.StatusOK, shown(job, now))
}

// apiRejects hands out the rejected rows of an import. Its id is a secret of who asked for it, and the only way to them.
func (s *server) apiRejects(w http.ResponseWriter, r *http.Request) {
	job, err := s.Source.Store.ImportJob(r.Context(), r.PathValue("id"), s.Source.Now())
	if err != nil {
		s.answer(w, nil, err)
		return
	}
	file, err := s.Imports.Rejects(job.ID)
	if errors.Is(err, os.ErrNotExist) {
		err = Refuse(http.StatusNotFound, "there are no rejected rows of this import here; it was done by %s", job.Daemon)
	}
	if err != nil {
		s.answer(w, nil, err)
		return
	}
	defer func() { _ = file.Close() }() // it was read only
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="rejects.csv"`)
	http.ServeContent(w, r, "rejects.csv", time.Time{}, file)
}
