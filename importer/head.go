package importer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// headLines is how many records at the beginning are looked at for the header; titles may stand above it.
const headLines = 10

// NoColumn is the header that says that no column of the list plays a role.
const NoColumn = "-"

// HeaderError says that a column is missing.
type HeaderError struct {
	Role    string   // what the column is for
	Want    string   // the header that was asked for; empty when none was
	Headers []string // what the list has
	Nearest string   // the header of the list, or the usual one, that comes closest
	hint    string
}

func (e *HeaderError) Error() string { return e.Problem() + "; " + e.hint }

// Problem is what is wrong, without what an import's flags can do about it.
func (e *HeaderError) Problem() string {
	var b strings.Builder
	if e.Want != "" {
		fmt.Fprintf(&b, "no column is called %q (%s)", clip(e.Want), e.Role)
	} else {
		fmt.Fprintf(&b, "no column is for the %s", e.Role)
	}
	shown := make([]string, 0, len(e.Headers))
	for _, h := range e.Headers[:min(len(e.Headers), 20)] {
		shown = append(shown, fmt.Sprintf("%q", clip(h)))
	}
	if len(e.Headers) > len(shown) {
		shown = append(shown, "…")
	}
	fmt.Fprintf(&b, "; the header has %s", strings.Join(shown, ", "))
	if e.Nearest != "" && e.Want != "" {
		fmt.Fprintf(&b, "; did you mean %q?", clip(e.Nearest))
	}
	return b.String()
}

// head is what stands above the rows.
type head struct {
	columns  []string       // names of the columns, each once
	roles    map[string]int // role → column
	width    int            // columns of the file
	keep     []int          // which of them are the list's; nil = all
	own      map[string]int // columns of results → where they are in the file
	rejects  bool           // it is a file of rejects
	line     int            // physical line where the header begins
	joined   bool           // it is one cell of a sheet or in quotes, so that delimiters in it are no mistake of ours
	warnings []string
}

// findHead finds the header, passes over it and what stands above, and gives its columns their roles.
func findHead(r *records, columns map[string]string, country string) (*head, error) {
	queue, rows, err := r.ahead(headLines)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("the file is empty; want a header line and one row for each lead")
	}
	h := &head{}
	top := topLines{rows: rows, columns: columns, country: country}
	for _, raw := range queue {
		top.lines = append(top.lines, raw.line)
	}
	if first := strings.ToLower(strings.TrimSpace(string(queue[0].text))); strings.HasPrefix(first, "sep=") && len(first) <= 5 && len(rows) > 1 {
		top.start = 1
	}
	at, err := top.header()
	if err != nil {
		return nil, err
	}
	if at > top.start {
		h.warnings = append(h.warnings, fmt.Sprintf("the header is in line %d; %d lines above it were passed over", queue[at].line, at-top.start))
	}
	if len(rows[at]) > maxColumns {
		return nil, fmt.Errorf("the header has %d columns, more than %d; is the delimiter %q right?", len(rows[at]), maxColumns, r.frame.delim)
	}
	header := rows[at]
	if h.rejects = endsAsRejects(header); h.rejects {
		for i, cell := range header {
			header[i] = meant(cell)
		}
	}
	h.columns, h.width = names(header), len(header)
	h.joined = queue[at].row != nil || bytes.HasPrefix(bytes.TrimSpace(queue[at].text), []byte{'"'})
	h.leaveOut()
	if err := h.assign(columns, r.frame.delim); err != nil {
		return nil, err
	}
	h.line = queue[at].line
	r.drop(at + 1)
	return h, nil
}

// OwnPrefix begins the names of the columns that results are exported in. Such columns are no part of a list: it may have been
// exported, or the results been written beside it.
const OwnPrefix = "dialerd_"

// leaveOut drops the columns that are not the list's own: results, and those that a file of rejects ends with.
func (h *head) leaveOut() {
	end := len(h.columns)
	if h.rejects {
		end -= len(rejectColumns)
	}
	var columns []string
	var keep []int
	h.own = map[string]int{}
	for i, name := range h.columns[:end] {
		if strings.HasPrefix(name, OwnPrefix) {
			h.own[name] = i
		}
		if !strings.HasPrefix(name, OwnPrefix) || name == OwnPrefix+"key" {
			columns, keep = append(columns, name), append(keep, i)
		}
	}
	if len(keep) > 0 && len(keep) < h.width {
		h.columns, h.keep = columns, keep
	}
}

// endsAsRejects reports whether a header is that of a file of rejects. The list's own columns may be called line or reason too.
func endsAsRejects(header []string) bool {
	n := len(header) - len(rejectColumns)
	return n > 0 && slices.EqualFunc(header[n:], rejectColumns, func(cell, name string) bool { return strings.TrimSpace(cell) == name })
}

// at is the column of the file that a column of the list is.
func (h *head) at(column int) int {
	if h.keep == nil {
		return column
	}
	return h.keep[column]
}

// names gives every column a name of its own: a second "Phone" is "Phone (2)", one without a name is "column 3".
func names(header []string) []string {
	columns := make([]string, len(header))
	taken := map[string]bool{}
	for i, cell := range header {
		name := strings.TrimSpace(strings.Trim(strings.TrimSpace(cell), "\ufeff\u200b"))
		if name == "" {
			name = fmt.Sprintf("column %d", i+1)
		}
		base := name
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s (%d)", base, n)
		}
		taken[name] = true
		columns[i] = name
	}
	return columns
}

// assign gives the columns their roles: first as the operator says, then by their usual names.
func (h *head) assign(columns map[string]string, delim byte) error {
	h.roles = map[string]int{}
	columns = h.spread(columns)
	var errs []error
	for _, role := range slices.Sorted(maps.Keys(columns)) {
		if !slices.Contains(campaign.Roles(), role) {
			errs = append(errs, fmt.Errorf("%q is not a role of a column; roles are %s", clip(role), strings.Join(campaign.Roles(), ", ")))
			continue
		}
		want := columns[role]
		if want == NoColumn {
			continue
		}
		i := h.column(want)
		if i < 0 {
			errs = append(errs, &HeaderError{
				Role: role, Want: want, Headers: h.columns, Nearest: nearest(want, h.columns),
				hint: "name the column as the list does, or - for none",
			})
			continue
		}
		h.roles[role] = i
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	_, named := columns[campaign.RolePhone]
	for _, role := range campaign.Roles() {
		further := role != campaign.RolePhone && slices.Contains(campaign.PhoneRoles(), role)
		if _, given := columns[role]; !given && !further {
			h.byAlias(role)
		}
		if role == campaign.RolePhone && !named {
			h.furtherPhones(columns)
		}
	}
	h.splitNames()
	if _, ok := h.roles[campaign.RolePhone]; !ok {
		return h.noPhone(delim)
	}
	return nil
}

// column is the column with the name, exactly or but for case and punctuation; -1 when there is none.
func (h *head) column(name string) int {
	if i := slices.Index(h.columns, strings.TrimSpace(name)); i >= 0 {
		return i
	}
	return slices.IndexFunc(h.columns, func(c string) bool { return plain(c) == plain(name) && plain(name) != "" })
}

// byAlias gives a role to the column whose name is the likeliest for it, among those that have no role yet.
func (h *head) byAlias(role string) { h.byNames(role, aliasRank[role]) }

// byPhoneAlias gives the role of a further phone to the likeliest column of phones that has no role yet.
func (h *head) byPhoneAlias(role string) { h.byNames(role, furtherRank) }

func (h *head) byNames(role string, ranks map[string]int) {
	type candidate struct{ column, rank int }
	var found []candidate
	for i, name := range h.columns {
		if rank, ok := ranks[plain(name)]; ok && !h.plays(i) {
			found = append(found, candidate{i, rank})
		}
	}
	if len(found) == 0 {
		return
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	h.roles[role] = found[0].column
}

// spread gives each column of phone: "Mobile, Home" a role of its own, in that order.
func (h *head) spread(columns map[string]string) map[string]string {
	want := columns[campaign.RolePhone]
	if !strings.Contains(want, ",") || h.column(want) >= 0 {
		return columns
	}
	columns = maps.Clone(columns)
	roles := campaign.PhoneRoles()
	for i, name := range strings.SplitN(want, ",", len(roles)) {
		if _, given := columns[roles[i]]; i == 0 || !given {
			columns[roles[i]] = strings.TrimSpace(name)
		}
	}
	return columns
}

// furtherPhones gives the other columns that look like phones the roles of further numbers, the likeliest first.
func (h *head) furtherPhones(columns map[string]string) {
	first, ok := h.roles[campaign.RolePhone]
	if !ok {
		return
	}
	var taken []string
	for _, role := range campaign.PhoneRoles()[1:] {
		if _, given := columns[role]; given {
			continue
		}
		before := len(h.roles)
		if h.byPhoneAlias(role); len(h.roles) > before {
			taken = append(taken, fmt.Sprintf("%q", h.columns[h.roles[role]]))
		}
	}
	if len(taken) > 0 {
		h.warnings = append(h.warnings, fmt.Sprintf("phones are taken from column %q, and from %s when that is a wrong number or a dead one: choose with --map phone=HEADER, or phone=FIRST,SECOND",
			h.columns[first], strings.Join(taken, ", then ")))
	}
}

// splitNames mends what some languages call both things: "Nombre" beside "Apellidos" is the first name.
func (h *head) splitNames() {
	name, hasName := h.roles[campaign.RoleName]
	_, hasFirst := h.roles[campaign.RoleFirstName]
	_, hasLast := h.roles[campaign.RoleLastName]
	if !hasName || hasFirst || !hasLast {
		return
	}
	switch plain(h.columns[name]) {
	case "nombre", "nome", "name":
		delete(h.roles, campaign.RoleName)
		h.roles[campaign.RoleFirstName] = name
	}
}

func (h *head) plays(column int) bool {
	for _, i := range h.roles {
		if i == column {
			return true
		}
	}
	return false
}

// noPhone says that the list has no column of phones, and what may be the cause.
func (h *head) noPhone(delim byte) error {
	e := &HeaderError{Role: campaign.RolePhone, Headers: h.columns, hint: "name the column with --map phone=HEADER"}
	usual := strings.Fields(aliases[campaign.RolePhone])
	for _, name := range h.columns {
		// An f for a ph is the commonest slip, and too far off for counting letters.
		p := strings.ReplaceAll(plain(name), "fon", "phon")
		if nearest(p, usual) != "" || strings.Contains(p, "phon") || strings.Contains(p, "mobil") || strings.Contains(p, "telef") {
			e.Nearest = name
			e.hint = fmt.Sprintf("if %q holds them, say --map %q, or call it %q", clip(name), "phone="+clip(name), "Phone")
			break
		}
	}
	if len(h.columns) == 1 && looksLikeHeader(strings.FieldsFunc(h.columns[0], func(r rune) bool { return strings.ContainsRune(delimiters, r) }), nil) {
		e.hint = "each row stands in one cell, in quotes: the list was written as CSV twice, so export it again, or split the column in a spreadsheet"
		if !h.joined {
			e.hint = fmt.Sprintf("the cells stand apart by something else than the delimiter %q: name another, or none, then it is found out", delim)
		}
		return e
	}
	if len(h.columns) == 1 {
		e.hint += fmt.Sprintf(", or the delimiter if it is not %q", delim)
	}
	return e
}
