package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"google.golang.org/api/googleapi"
)

// sheetValues are the rows of a part of a tab, read while they come in. The library would take the part into memory as a whole and make a
// value of every cell, which takes longer than all that becomes of the rows afterwards.
type sheetValues struct {
	answer *http.Response
	text   *bufio.Reader // behind the bracket that opens the rows; nil when there are none left
	row    []byte        // as it stands in the answer
}

// errAnswer says that the API answers in another way than it is known to.
var errAnswer = errors.New("the answer of the API cannot be read")

// values asks for rows of the tab, both from 1.
func (s *Sheet) values(ctx context.Context, from, to int64) (*sheetValues, error) {
	ask := url.Values{"alt": {"json"}, "prettyPrint": {"false"}, "valueRenderOption": {"FORMATTED_VALUE"}}
	address := googleapi.ResolveRelative(s.service.BasePath, "v4/spreadsheets/{spreadsheetId}/values/{range}") + "?" + ask.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	googleapi.Expand(req.URL, map[string]string{"spreadsheetId": s.id, "range": s.area(from, to, 1, min(s.columns, maxColumns+1))})
	resp, err := s.client.Do(req) //nolint:bodyclose // close does
	if err != nil {
		return nil, err
	}
	v := &sheetValues{answer: resp}
	if err = googleapi.CheckResponse(resp); err == nil {
		err = v.begin()
	}
	if err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

// close lets go of the answer. What is wrong with it has come up in reading.
func (v *sheetValues) close() {
	if v != nil {
		googleapi.CloseBody(v.answer)
	}
}

// begin goes on to the first row.
func (v *sheetValues) begin() error {
	text := json.NewDecoder(v.answer.Body)
	for {
		switch t, err := text.Token(); {
		case err != nil:
			return cutOff(err)
		case t == json.Delim('{'):
		case t == json.Delim('}'):
			return nil // an area without a value
		case t == "values":
			if t, err = text.Token(); err != nil || t != json.Delim('[') {
				return errors.Join(errAnswer, cutOff(err))
			}
			v.text = bufio.NewReaderSize(io.MultiReader(text.Buffered(), v.answer.Body), sampleSize)
			return nil
		default:
			var other json.RawMessage
			if err := text.Decode(&other); err != nil {
				return cutOff(err)
			}
		}
	}
}

// next is the next row, or io.EOF.
func (v *sheetValues) next() ([]string, error) {
	for v.text != nil {
		switch c, err := v.text.ReadByte(); {
		case err != nil:
			return nil, cutOff(err)
		case c == '[':
			if err := v.take(); err != nil {
				return nil, cutOff(err)
			}
			return cutRow(v.row)
		case c == ']':
			v.text = nil
		case c != ',' && !isSpace(c):
			return nil, errAnswer
		}
	}
	return nil, io.EOF
}

// take takes the row whose bracket was read, up to the one that closes it.
func (v *sheetValues) take() error {
	v.row = append(v.row[:0], '[')
	inText, escaped := false, false
	for {
		part, err := v.text.ReadSlice(']')
		if err != nil && !errors.Is(err, errFull) {
			return err
		}
		if v.row = append(v.row, part...); len(v.row) > 8*maxRecord { // a character may be written in six
			return fmt.Errorf("a row is longer than %d MiB, so this is no list", maxRecord>>20)
		}
		if !escaped && bytes.IndexByte(part, '\\') < 0 { // nearly always
			inText = inText != (bytes.Count(part, []byte{'"'})%2 == 1)
		} else {
			for _, c := range part {
				switch {
				case escaped:
					escaped = false
				case c == '\\':
					escaped = true
				case c == '"':
					inText = !inText
				}
			}
		}
		if err == nil && !inText {
			return nil
		}
	}
}

// cutOff keeps the end of an answer that comes too early from being taken for the end of its rows.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cutRow cuts a row of JSON into its cells. Nearly every row has texts without anything escaped and nothing else: those are cut out of one
// copy.
func cutRow(row []byte) ([]string, error) {
	if bytes.IndexByte(row, '\\') >= 0 || !utf8.Valid(row) {
		return decodeRow(row)
	}
	rest, before := string(row), "["
	cells := make([]string, 0, strings.Count(rest, `"`)/2)
	for {
		at := strings.IndexByte(rest, '"')
		if at < 0 && len(cells) > 0 && strings.TrimSpace(rest) == "]" {
			return cells, nil
		}
		if at < 0 || rest[:at] != before && strings.TrimSpace(rest[:at]) != before {
			return decodeRow(row)
		}
		rest, before = rest[at+1:], ","
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			return decodeRow(row)
		}
		cells, rest = append(cells, rest[:end]), rest[end+1:]
	}
}

// decodeRow is cutRow for any row.
func decodeRow(row []byte) ([]string, error) {
	var values []any
	if err := json.Unmarshal(row, &values); err != nil {
		return nil, errors.Join(errAnswer, err)
	}
	cells := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil:
		case string:
			cells[i] = v
		default:
			cells[i] = fmt.Sprint(v)
		}
	}
	return cells, nil
}
