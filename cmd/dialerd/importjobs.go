package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/web"
)

const (
	// importsAtOnce is how many imports a daemon does at the same time; others wait.
	importsAtOnce = 2
	// importsTaken is how many imports a daemon takes on before it says that it has enough.
	importsTaken = 16
	// importBeat is the time between two words of an import on how far it is.
	importBeat = 2 * time.Second
	// maxJobCell is how many bytes a cell of a list that is sent in may have: what Excel can keep in one.
	maxJobCell = 32_767
	// uploadLeft is how old what is left of an upload must be before it is taken away.
	uploadLeft = 10 * time.Minute
)

// importJobs are the imports that a daemon does.
type importJobs struct {
	a     *app
	log   *slog.Logger
	base  context.Context //nolint:containedctx // ends with the daemon, and with it every import
	turns chan struct{}   // one for each that is being done
	taken chan struct{}   // one for each that was taken on
	end   context.CancelFunc
	// sweeps is the time between two looks for what imports have left.
	sweeps time.Duration

	mu     sync.Mutex
	ended  bool
	active sync.WaitGroup
}

// newImportJobs makes ready for imports, until ctx ends.
func newImportJobs(ctx context.Context, a *app, log *slog.Logger) *importJobs {
	j := &importJobs{a: a, log: log, turns: make(chan struct{}, importsAtOnce), taken: make(chan struct{}, importsTaken), sweeps: sweepEvery}
	j.base, j.end = context.WithCancel(ctx)
	return j
}

// stop ends every import; each says that it was interrupted.
func (j *importJobs) stop() error {
	j.mu.Lock()
	j.ended = true
	j.mu.Unlock()
	j.end()
	j.active.Wait()
	return nil
}

// start takes on an import.
func (j *importJobs) start(ctx context.Context, ask web.ImportRequest) (*store.ImportJob, error) {
	select {
	case j.taken <- struct{}{}:
	default:
		return nil, web.Refuse(http.StatusTooManyRequests, "%d imports wait here already: send the list again when one of them is over", importsTaken)
	}
	w := &importWork{importJobs: j, job: store.ImportJob{
		ID: rand.Text(), Campaign: ask.Campaign, Daemon: daemonID(), State: store.ImportWaiting, Created: j.a.now(),
	}}
	err := w.prepare(ctx, ask)
	if err == nil {
		err = j.a.store.PutImport(ctx, w.job, j.a.now())
	}
	job := w.job
	if err == nil && !j.begin(w.run) {
		err = web.Refuse(http.StatusServiceUnavailable, "this daemon is stopping: send the list to another, or again in a minute")
	}
	if err != nil {
		w.drop()
		return nil, err
	}
	return &job, nil
}

// begin runs something that stop waits for. It reports false when nothing may begin any more.
func (j *importJobs) begin(run func()) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended {
		j.active.Go(run)
	}
	return !j.ended
}

// importIDs are the ids that imports have.
var importIDs = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// rejects opens the rejected rows of an import that was done here.
func (j *importJobs) rejects(id string) (*os.File, error) {
	if !importIDs.MatchString(id) {
		return nil, fs.ErrNotExist
	}
	s, err := j.a.load()
	if err != nil {
		return nil, err
	}
	return os.Open(jobRejects(s.DataDir, id))
}

// jobRejects is where the rejected rows of an import are.
func jobRejects(dataDir, id string) string {
	return filepath.Join(dataDir, "rejects", "import-"+id+".csv")
}

// uploads is where lists that are sent wait for their turn.
func uploads(dataDir string) string { return filepath.Join(dataDir, "imports") }

// importWork is one import.
type importWork struct {
	*importJobs
	file  string // of the upload; "" = none
	lists func(*store.Record) ([]*list, error)
	o     importOptions

	mu  sync.Mutex
	job store.ImportJob
}

// prepare checks what is asked and takes in the list that is sent.
func (w *importWork) prepare(ctx context.Context, ask web.ImportRequest) error {
	r, err := w.a.record(ctx, ask.Campaign)
	if err != nil {
		return err
	}
	columns, err := parseMap(ask.Columns)
	if err != nil {
		return web.Refuse(http.StatusBadRequest, "%s", strings.ReplaceAll(err.Error(), "--map", "map"))
	}
	w.o = importOptions{
		columns: columns, country: strings.ToUpper(ask.Country), form: listForm{ask.Sheet, ask.Encoding, ask.Delim}, silent: true, work: w,
	}
	if ask.Upload != nil {
		err = w.receive(r, ask)
	} else {
		err = w.named(r, ask.Source)
	}
	if err != nil {
		return err
	}
	if _, err := w.lists(r); err != nil {
		return web.Refuse(http.StatusBadRequest, "%w", err)
	}
	return nil
}

// named finds the lists that the campaign's file names: those of one source, or all of them.
func (w *importWork) named(r *store.Record, source string) error {
	w.job.Source = source
	var sources []string
	for _, entry := range r.Leads {
		sources = append(sources, entry.Source)
	}
	if source != "" && !slices.Contains(sources, source) {
		return web.Refuse(http.StatusBadRequest, "campaign %q names no source %q; it names %s. Send the list itself, or write it into the campaign's file",
			r.Name, source, strings.Join(sources, ", "))
	}
	if source == importer.Stdin || source == "" && slices.Contains(sources, importer.Stdin) {
		return web.Refuse(http.StatusBadRequest, "a daemon has no standard input to read the source - from: send the list itself")
	}
	if source == "" {
		w.job.Source = strings.Join(sources, ", ")
	}
	w.lists = func(r *store.Record) ([]*list, error) {
		only := *r
		only.Leads = slices.DeleteFunc(slices.Clone(r.Leads), func(e campaign.Source) bool { return source != "" && e.Source != source })
		return w.a.lists(&only, nil, w.o)
	}
	return nil
}

// receive keeps the list that is sent until it was read. It is read with the columns of the campaign's source of that file name, if there is one.
func (w *importWork) receive(r *store.Record, ask web.ImportRequest) error {
	s, err := w.a.load()
	if err != nil {
		return err
	}
	name := uploadName(ask.Name)
	w.job.Source = "upload/" + name
	if err := os.MkdirAll(uploads(s.DataDir), 0o700); err != nil {
		return fmt.Errorf("keep the list: %w", err)
	}
	path := filepath.Join(uploads(s.DataDir), w.job.ID)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the id is made here
	if err != nil {
		return fmt.Errorf("keep the list: %w", err)
	}
	w.file = path
	_, err = io.Copy(file, ask.Upload)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep the list: %w", err)
	}
	entry := entryFor(r, name)
	w.lists = func(*store.Record) ([]*list, error) {
		inputs, err := (&importer.Sources{}).Expand(path, "")
		if err != nil {
			return nil, err
		}
		lists := make([]*list, 0, len(inputs))
		for _, in := range inputs {
			in.Name = "upload/" + name + strings.TrimPrefix(in.Name, path) // of an archive: the list in it
			lists = append(lists, w.o.list(in, entry))
		}
		return lists, nil
	}
	return nil
}

// uploadName is a file's name as one can be shown and asked for.
func uploadName(name string) string {
	name = filepath.Base(filepath.ToSlash(strings.ReplaceAll(name, `\`, "/")))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if r := []rune(name); len(r) > 120 {
		name = string(r[len(r)-120:]) // with its ending
	}
	if name == "" || name == "." || name == "/" || name == ".." {
		return "list"
	}
	return name
}

// entryFor is the entry of the campaign's file whose source has a file of that name.
func entryFor(r *store.Record, name string) campaign.Source {
	for _, entry := range r.Leads {
		if ok, err := filepath.Match(filepath.Base(entry.Source), name); ok && err == nil && !strings.HasPrefix(entry.Source, sheetScheme) {
			return entry
		}
	}
	return campaign.Source{}
}

// drop lets go of what the import took.
func (w *importWork) drop() {
	if w.file != "" {
		if err := os.Remove(w.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.log.Warn("a list that was sent is still on disk", "file", w.file, "err", err)
		}
	}
	<-w.taken
}

// run does the import when its turn has come.
func (w *importWork) run() {
	ctx, quit := context.WithCancel(w.base)
	defer quit()
	var beat sync.WaitGroup
	beat.Go(func() { every(ctx, importBeat, w.put) })
	var done *imported
	err := context.Canceled
	select {
	case w.turns <- struct{}{}:
		done, err = w.do(ctx)
		<-w.turns
	case <-ctx.Done():
	}
	interrupted := w.base.Err() != nil && err != nil
	quit()
	beat.Wait()
	w.drop() // first: who hears that the import is over may rely on the list being gone
	w.over(done, err, interrupted)
}

// do is the import itself.
func (w *importWork) do(ctx context.Context) (*imported, error) {
	w.change(func(j *store.ImportJob) { j.State, j.Started = store.ImportRunning, w.a.now() })
	w.put(ctx)
	r, err := w.a.record(ctx, w.job.Campaign) // again: it may have been applied anew
	if err != nil {
		return nil, err
	}
	lists, err := w.lists(r)
	if err != nil {
		return nil, err
	}
	return w.a.importAll(ctx, r, lists, w.o)
}

// over says how the import ended.
func (w *importWork) over(done *imported, err error, interrupted bool) {
	var result json.RawMessage
	if done != nil { // what was read counts, even if not all was
		var wrong error
		result, wrong = json.Marshal(done)
		err = errors.Join(err, wrong)
	}
	w.change(func(j *store.ImportJob) {
		j.Ended = w.a.now()
		if result != nil {
			j.Result, j.Rows, j.Rejected = result, done.Rows, done.Rejected
		}
		switch {
		case interrupted:
			j.State = store.ImportInterrupted
		case err != nil:
			j.State, j.Error = store.ImportFailed, err.Error()
		default:
			j.State = store.ImportDone
			if j.Share != nil {
				*j.Share = 1
			}
		}
	})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.base), 5*time.Second)
	defer cancel()
	w.put(ctx)
	if err != nil {
		w.log.WarnContext(ctx, "import ended early", "campaign", w.job.Campaign, "source", w.job.Source, "state", w.job.State, "err", err)
		return
	}
	w.log.InfoContext(ctx, "lists imported", append(done.attrs(), "source", w.job.Source)...)
}

func (w *importWork) change(f func(*store.ImportJob)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.job)
}

// put says how far the import is.
func (w *importWork) put(ctx context.Context) {
	w.mu.Lock()
	job := w.job
	w.mu.Unlock()
	if err := w.a.store.PutImport(ctx, job, w.a.now()); err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "nobody hears how far an import is", "campaign", job.Campaign, "err", err)
	}
}

// at says how far the lists have been read.
func (w *importWork) at(rows, rejected int, share *float64) {
	w.change(func(j *store.ImportJob) { j.Rows, j.Rejected, j.Share = rows, rejected, share })
}

// read says that a list was read to its end.
func (w *importWork) read(l *list) {
	w.change(func(j *store.ImportJob) {
		for _, text := range l.reader.Warnings() {
			j.Warnings = append(j.Warnings, l.input.Name+": "+text)
		}
	})
}
