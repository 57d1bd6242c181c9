package store

import (
	"encoding/json"
	"fmt"
	"strings"
)

// leadRow is a lead's row as it was imported: the part of its record that no script reads. Redis keeps one for each lead, so it is
// the list's id and the cells with cellEnd before each; or JSON, {"l":list,"v":[cells]}, where that would be ambiguous.
type leadRow struct {
	List   string   `json:"l"`
	Values []string `json:"v"`
}

// cellEnd is the unit separator of ASCII, which no cell of a usual list has.
const cellEnd = "\x1f"

// row writes the row of a lead.
func (l *NewLead) row() []byte {
	size, plain := len(l.List), !strings.HasPrefix(l.List, "{") && !strings.Contains(l.List, cellEnd)
	for _, v := range l.Row {
		size += len(v) + 3
		plain = plain && !strings.Contains(v, cellEnd)
	}
	b := make([]byte, 0, size+16)
	if plain {
		b = append(b, l.List...)
		for _, v := range l.Row {
			b = append(append(b, cellEnd...), v...)
		}
		return b
	}
	b = appendString(append(b, `{"l":`...), l.List)
	b = append(b, `,"v":[`...)
	for i, v := range l.Row {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, v)
	}
	return append(b, ']', '}')
}

// parseRow reads what row has written.
func parseRow(text string) (*leadRow, error) {
	if !strings.HasPrefix(text, "{") {
		list, cells, any := strings.Cut(text, cellEnd)
		row := &leadRow{List: list}
		if any {
			row.Values = strings.Split(cells, cellEnd)
		}
		return row, nil
	}
	var row leadRow
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		return nil, fmt.Errorf("row %w: %w", ErrDamaged, err)
	}
	return &row, nil
}

// ofList reports whether a row is of a list, as withdraw.lua does. It does not read the cells.
func ofList(text, list string) bool {
	if strings.HasPrefix(text, "{") {
		return strings.HasPrefix(text, `{"l":"`+list+`"`)
	}
	id, _, _ := strings.Cut(text, cellEnd)
	return id == list
}
