package region

import (
	"slices"
	"strings"
)

// Change is one difference between two versions of the tables.
type Change struct {
	Table string // file
	Key   string // which row, as in "US-PA from 2026-10-18"
	Field string // column; "row" when the whole row was added or removed
	Old   string // empty: added
	New   string // empty: removed
}

// rowKeys are the columns that tell the rows of a table apart.
var rowKeys = map[string][]string{
	tableHours:     {"region", "from"},
	tableSpecial:   {"region", "kind", "value", "from"},
	tableHolidays:  {"region", "date", "name"},
	tableAreas:     {"npa", "from"},
	tableZones:     {"region", "from"},
	tableStates:    {"region"},
	tableCountries: {"country"},
	tablePostal:    {"country", "from", "to"},
}

// Diff lists what differs between two versions of the tables: table by table, in the order of the rows of the newer one, what was
// removed last.
func Diff(older, newer *Tables) []Change {
	var out []Change
	if older.version != newer.version {
		out = append(out, Change{tableVersion, "date of the tables", "version", older.version, newer.version})
	}
	for _, table := range sortedKeys(rowKeys) {
		was, _ := keyed(table, older.rows[table])
		is, order := keyed(table, newer.rows[table])
		for _, key := range order {
			out = append(out, changed(table, key, was[key], is[key])...)
		}
		_, order = keyed(table, older.rows[table])
		for _, key := range order {
			if is[key] == nil {
				out = append(out, changed(table, key, was[key], nil)...)
			}
		}
	}
	return out
}

// keyed indexes the rows of a table, each by its columns' names.
func keyed(table string, rows [][]string) (byKey map[string]map[string]string, order []string) {
	byKey = map[string]map[string]string{}
	if len(rows) == 0 {
		return byKey, nil
	}
	for _, cells := range rows[1:] {
		row, key := map[string]string{}, ""
		for i, column := range rows[0] {
			row[column] = cells[i]
		}
		for _, column := range rowKeys[table] {
			switch value := row[column]; {
			case value == "":
			case key == "":
				key = value
			case column == "from" || column == "to":
				key += " " + column + " " + value
			default:
				key += " " + value
			}
		}
		for byKey[key] != nil {
			key += " again"
		}
		byKey[key], order = row, append(order, key)
	}
	return byKey, order
}

// changed compares two versions of a row, of which one may be missing.
func changed(table, key string, was, is map[string]string) []Change {
	switch {
	case was == nil:
		return []Change{{table, key, "row", "", rowText(is)}}
	case is == nil:
		return []Change{{table, key, "row", rowText(was), ""}}
	}
	var out []Change
	columns := append(sortedKeys(was), sortedKeys(is)...)
	for _, column := range slices.Compact(slices.Sorted(slices.Values(columns))) {
		if was[column] != is[column] {
			out = append(out, Change{table, key, column, was[column], is[column]})
		}
	}
	return out
}

func rowText(row map[string]string) string {
	var parts []string
	for _, column := range sortedKeys(row) {
		if row[column] != "" {
			parts = append(parts, column+"="+row[column])
		}
	}
	return strings.Join(parts, "; ")
}
