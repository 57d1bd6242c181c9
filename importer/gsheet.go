package importer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/sheets/v4"
	transport "google.golang.org/api/transport/http"
)

// Google says how Google Sheets are reached. The zero value cannot: a sheet wants a service account or an API key.
type Google struct {
	CredentialsFile string            // JSON key of a service account that the sheet is shared with
	APIKey          string            // for sheets that everyone with the link may read
	Endpoint        string            // of the API; empty is Google's own
	Transport       http.RoundTripper // with it nothing else authenticates; for tests
	quiet           time.Duration     // how long Google may say nothing while it is read; 0 = quietTime
}

// sheetScheme begins the sources that are Google Sheets: gsheet://ID/TAB.
const sheetScheme = "gsheet://"

// sheetRows is how many rows are asked for at once.
const sheetRows = 5000

// sheetAt takes a source apart. Without a tab it is the first one.
func sheetAt(source string) (id, tab string, err error) {
	id, tab, _ = strings.Cut(strings.TrimPrefix(source, sheetScheme), "/")
	if id == "" || strings.ContainsAny(id, " ?#") {
		return "", "", fmt.Errorf("%s: the sheet has no id; write gsheet://ID/TAB, the ID from the sheet's address between /d/ and /edit", clip(source))
	}
	return id, tab, nil
}

// connect makes the clients of the API, and finds out which account they are.
func (s *Sheet) connect(ctx context.Context, g *Google) (err error) {
	opts := []option.ClientOption{option.WithScopes(sheets.SpreadsheetsScope)}
	if g.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(g.Endpoint))
	}
	switch {
	case g.Transport != nil:
		opts = append(opts, option.WithHTTPClient(&http.Client{Transport: g.Transport}))
	case g.CredentialsFile != "":
		if s.account, err = accountOf(g.CredentialsFile); err != nil {
			return err
		}
		opts = append(opts, option.WithAuthCredentialsFile(option.ServiceAccount, g.CredentialsFile))
	case g.APIKey != "":
		opts = append(opts, option.WithAPIKey(g.APIKey))
	default:
		return errors.New("nobody is signed in to Google: set google.credentials_file (GOOGLE_APPLICATION_CREDENTIALS) to the key of a service account, " +
			"or google.api_key (GOOGLE_API_KEY)")
	}
	if s.client, _, err = transport.NewClient(ctx, opts...); err == nil {
		own := *s.client // the one that was given stays as it is
		s.client = &own
		s.client.Transport = impatient{next: s.client.Transport, quiet: cmp.Or(g.quiet, quietTime)}
		s.service, err = sheets.NewService(ctx, option.WithHTTPClient(s.client), option.WithEndpoint(g.Endpoint))
	}
	if err != nil {
		return fmt.Errorf("reach Google Sheets: %w", err)
	}
	return nil
}

// accountOf is the address of a service account, which a sheet is shared with.
func accountOf(file string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return "", fmt.Errorf("read google.credentials_file: %w", err)
	}
	var key struct {
		Type  string `json:"type"`
		Email string `json:"client_email"`
	}
	if err := json.Unmarshal(text, &key); err != nil || key.Type != "service_account" {
		return "", fmt.Errorf("google.credentials_file %s is not the JSON key of a service account", file)
	}
	return key.Email, nil
}

// Sheet is one tab of a Google Sheet that can be read and written.
type Sheet struct {
	client  *http.Client
	service *sheets.Service // through the same client
	account string
	id      string
	tab     string
	rows    int64 // that its grid has
	columns int64
}

// OpenSheet finds a tab. The source is gsheet://ID/TAB.
func (g *Google) OpenSheet(ctx context.Context, source string) (*Sheet, error) {
	id, tab, err := sheetAt(source)
	if err != nil {
		return nil, err
	}
	s := &Sheet{id: id}
	if err := s.connect(ctx, g); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	book, err := s.service.Spreadsheets.Get(id).Fields("sheets.properties(sheetId,title,hidden,gridProperties(rowCount,columnCount))").Context(ctx).Do()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, s.fault(err))
	}
	var names []string
	for _, sheet := range book.Sheets {
		p := sheet.Properties
		if p == nil {
			continue
		}
		names = append(names, p.Title)
		if s.tab == "" && (p.Title == tab || tab == "" && !p.Hidden) {
			s.tab = p.Title
			if grid := p.GridProperties; grid != nil {
				s.rows, s.columns = grid.RowCount, grid.ColumnCount
			}
		}
	}
	if s.tab == "" {
		return nil, fmt.Errorf("%s: %w", source, noSheet(tab, names))
	}
	return s, nil
}

// fault says what a person can do about an error of the API.
func (s *Sheet) fault(err error) error {
	e, ok := errors.AsType[*googleapi.Error](err)
	if !ok || errors.Is(err, context.Canceled) { // who gave up while Google had no room does not ask again
		return fmt.Errorf("ask Google Sheets: %w", cause(err))
	}
	who := "everyone with its link, or with a service account"
	if s.account != "" {
		who = s.account
	}
	switch e.Code {
	case http.StatusForbidden:
		return fmt.Errorf("the sheet may not be opened: share it with %s (Google says: %s)", who, clip(e.Message))
	case http.StatusNotFound:
		return errors.New("there is no such sheet; check the id, which stands in the sheet's address between /d/ and /edit")
	case http.StatusUnauthorized:
		return errors.New("the credentials are not taken by Google; check google.credentials_file or google.api_key")
	case http.StatusTooManyRequests:
		return errors.New("too many requests for Google's limit; try again in a minute")
	}
	return fmt.Errorf("the API of Google Sheets answers %d: %s", e.Code, clip(e.Message))
}

// Google takes some 60 requests a minute from an account, which is 300,000 rows: a longer list has to wait. firstWait is how long at first,
// twice as long every time after that, and lastWait the longest: two minutes in all.
const (
	firstWait = 2 * time.Second
	lastWait  = 64 * time.Second
)

// patiently asks again, later, while Google has no room. What is asked must do no harm when it is done twice.
func patiently(ctx context.Context, ask func() error) error {
	for wait := firstWait; ; wait *= 2 {
		err := ask()
		e, ok := errors.AsType[*googleapi.Error](err)
		if !ok || e.Code != http.StatusTooManyRequests && e.Code != http.StatusServiceUnavailable || wait > lastWait {
			return err
		}
		later := time.NewTimer(wait)
		select {
		case <-later.C:
		case <-ctx.Done():
			later.Stop()
			return errors.Join(ctx.Err(), err)
		}
	}
}

// area names rows and columns of the tab, both from 1, in A1 notation.
func (s *Sheet) area(fromRow, toRow, fromColumn, toColumn int64) string {
	return fmt.Sprintf("'%s'!%s%d:%s%d", strings.ReplaceAll(s.tab, "'", "''"), columnLetters(fromColumn), fromRow, columnLetters(toColumn), toRow)
}

// columnLetters is a column as spreadsheets call it: A, B, … Z, AA.
func columnLetters(n int64) string {
	var letters []byte
	for ; n > 0; n = (n - 1) / 26 {
		letters = append(letters, 'A'+byte((n-1)%26))
	}
	slices.Reverse(letters)
	return string(letters)
}

// Open begins to read the tab, a part after the other.
func (s *Sheet) Open(ctx context.Context) io.ReadCloser {
	var part *sheetValues
	var from, left int64 = 1, 0 // the next part's first row, and how many rows of this one were not handed out
	ctx, quit := context.WithCancel(ctx)
	t := newTable(func() ([]string, error) {
		if left == 0 {
			if from > s.rows || s.columns == 0 {
				return nil, io.EOF
			}
			to := min(s.rows, from+sheetRows-1)
			part.close()
			err := patiently(ctx, func() (err error) {
				part, err = s.values(ctx, from, to)
				return err
			})
			if err != nil {
				return nil, s.fault(err)
			}
			from, left = to+1, to-from+1
		}
		left--
		row, err := part.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, s.fault(err)
		}
		return row, nil
	})
	t.quit = quit
	t.rest = func() { part.close() }
	return t
}

// Cell is what is written into a sheet: a row and its cells.
type Cell struct {
	Row   int // from 1
	Cells []any
}

// writeRows is how many rows are written with one request.
const writeRows = 2000

// Write puts cells into a run of columns, the first of which is at column (from 1), many rows with one request. Cells are taken as they
// are: nothing in them is a formula.
func (s *Sheet) Write(ctx context.Context, column int, cells []Cell) error {
	if len(cells) == 0 {
		return nil
	}
	if err := s.widen(ctx, int64(column+len(cells[0].Cells)-1)); err != nil {
		return err
	}
	for part := range slices.Chunk(cells, writeRows) {
		batch := &sheets.BatchUpdateValuesRequest{ValueInputOption: "RAW"}
		for first := 0; first < len(part); {
			last := first + 1
			for last < len(part) && part[last].Row == part[last-1].Row+1 {
				last++
			}
			block := make([][]any, 0, last-first)
			for _, c := range part[first:last] {
				block = append(block, c.Cells)
			}
			batch.Data = append(batch.Data, &sheets.ValueRange{
				Range:  s.area(int64(part[first].Row), int64(part[last-1].Row), int64(column), int64(column+len(part[first].Cells)-1)),
				Values: block,
			})
			first = last
		}
		err := patiently(ctx, func() error {
			_, err := s.service.Spreadsheets.Values.BatchUpdate(s.id, batch).Context(ctx).Do()
			return err
		})
		if err != nil {
			return s.fault(err)
		}
	}
	return nil
}

// widen gives the tab as many columns as will be written.
func (s *Sheet) widen(ctx context.Context, columns int64) error {
	if columns <= s.columns {
		return nil
	}
	book, err := s.service.Spreadsheets.Get(s.id).Fields("sheets.properties(sheetId,title)").Context(ctx).Do()
	if err != nil {
		return s.fault(err)
	}
	for _, sheet := range book.Sheets {
		if sheet.Properties == nil || sheet.Properties.Title != s.tab {
			continue
		}
		more := &sheets.AppendDimensionRequest{
			SheetId: sheet.Properties.SheetId, Dimension: "COLUMNS", Length: columns - s.columns, ForceSendFields: []string{"SheetId"},
		}
		request := &sheets.BatchUpdateSpreadsheetRequest{Requests: []*sheets.Request{{AppendDimension: more}}}
		if _, err := s.service.Spreadsheets.BatchUpdate(s.id, request).Context(ctx).Do(); err != nil {
			return s.fault(err)
		}
	}
	s.columns = columns
	return nil
}
