package importer

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/region"
)

// topLines are the records at the beginning of a list, among which its header is looked for.
type topLines struct {
	rows    [][]string
	lines   []int             // physical lines where they begin
	start   int               // the first that may be the header
	columns map[string]string // headers that were asked for
	country string
}

// header is which of the lines is the header. Below it are rows and above it are titles, none of which is lost without a word: a line
// that holds a phone number or an e-mail address is neither a header nor, unless it is alone in its line, a title.
func (t *topLines) header() (int, error) {
	at := -1
	for i := t.start; i < len(t.rows) && at < 0; i++ {
		if t.names(i) && !t.below(i) && (i == t.start || t.answered(i)) {
			at = i
		}
	}
	if at < 0 {
		at = t.likeliest()
	}
	// Of several rows of headers, as under merged cells ("Contact", "Telephone"), the one above the data names the columns.
	for at+1 < len(t.rows) && refines(t.rows[at], t.rows[at+1], t.columns) && !t.isData(at+1) && t.answered(at+1) {
		at++
	}
	if !t.isData(at) {
		return at, nil
	}
	for i := at + 1; i < len(t.rows); i++ {
		if t.names(i) {
			return 0, fmt.Errorf("line %d looks like the header, but line %d above it holds a phone number or an e-mail address, so it is a row: put the header above all rows",
				t.lines[i], t.lines[at])
		}
	}
	what := "an e-mail address"
	if slices.ContainsFunc(t.rows[at], t.isPhone) {
		what = "a phone number"
	}
	// The line is a row of people's data, which an error must not repeat.
	return 0, &HeaderError{Role: campaign.RolePhone, Headers: []string{"…"}, hint: "the first line holds " + what + " already: write a header line above it, as in phone,name"}
}

// names reports whether a line names a column of phones and is no row.
func (t *topLines) names(i int) bool {
	return looksLikeHeader(t.rows[i], t.columns) && !t.isData(i)
}

// below reports whether there is a row above a line.
func (t *topLines) below(i int) bool {
	for j := t.start; j < i; j++ {
		if t.isData(j) && (filled(t.rows[j]) > 1 || filled(t.rows[i]) == 1) {
			return true
		}
	}
	return false
}

// answered reports whether the rows below a line have phones where it names them, or have none at all.
func (t *topLines) answered(i int) bool {
	phones := false
	for _, row := range t.rows[i+1:] {
		for c, cell := range row {
			if !t.isPhone(cell) {
				continue
			}
			if c < len(t.rows[i]) && looksLikeHeader(t.rows[i][c:c+1], t.columns) {
				return true
			}
			phones = true
		}
	}
	return !phones
}

// likeliest is the header of a list whose header names no phones: the first line that is as wide as the first row.
func (t *topLines) likeliest() int {
	for i := t.start; i < len(t.rows); i++ {
		if !t.isData(i) || filled(t.rows[i]) == 1 && len(t.rows[i]) > 1 {
			continue
		}
		for j := t.start; j < i; j++ {
			if filled(t.rows[j]) >= filled(t.rows[i]) {
				return j
			}
		}
		break
	}
	return t.start
}

// isData reports whether a line holds what stands in rows alone.
func (t *topLines) isData(i int) bool {
	return slices.ContainsFunc(t.rows[i], func(cell string) bool { return address.MatchString(strings.TrimSpace(cell)) || t.isPhone(cell) })
}

var (
	address  = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	dateLike = regexp.MustCompile(`^\s*[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([ T].*)?$`)
)

// isPhone reports whether a cell holds a phone number, or what a spreadsheet made of one. Dates have as many digits as some.
func (t *topLines) isPhone(cell string) bool {
	digits := 0
	for _, r := range cell {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	if digits < 4 || dateLike.MatchString(cell) {
		return false
	}
	_, err := region.ParsePhone(cell, cmp.Or(t.country, "US"))
	if e, ok := errors.AsType[*region.PhoneError](err); ok {
		return e.Code == region.PhoneExcelDamage
	}
	return digits >= 7
}

// refines reports whether the row under a header is one too: it names the phones where the first one does, or leaves room.
func refines(first, second []string, columns map[string]string) bool {
	if filled(second) < filled(first) {
		return false
	}
	for i, cell := range second {
		if i < len(first) && looksLikeHeader([]string{cell}, columns) && (strings.TrimSpace(first[i]) == "" || looksLikeHeader(first[i:i+1], columns)) {
			return looksLikeHeader(first, columns)
		}
	}
	return false
}

// filled counts the cells that say something.
func filled(row []string) (n int) {
	for _, cell := range row {
		if strings.TrimSpace(cell) != "" {
			n++
		}
	}
	return n
}

// looksLikeHeader reports whether one of the cells is the header of phones that was asked for, or a usual one.
func looksLikeHeader(row []string, columns map[string]string) bool {
	want := columns[campaign.RolePhone]
	return slices.ContainsFunc(row, func(cell string) bool {
		switch {
		case want == "":
			return isPhoneHeader(cell)
		case plain(cell) == "":
			return false
		}
		return plain(cell) == plain(want) || slices.ContainsFunc(strings.Split(want, ","), func(w string) bool { return plain(cell) == plain(w) })
	})
}
