package main

import (
	"strings"
	"testing"
)

// sheetTest is a campaign without lists of its own, and a Google Sheet.
type sheetTest struct {
	*cli
	sheet    *fakeSheets
	settings string
}

func newSheetTest(t *testing.T, rows ...[]string) *sheetTest {
	t.Helper()
	m := &sheetTest{cli: newCLI(t)}
	var url string
	url, m.sheet = newFakeSheets(t)
	m.sheet.rows = rows
	m.settings = m.write("dialerd.yaml", "google: {api_key: simulated-key, endpoint: \""+url+"\"}\n")
	m.must("--config", m.settings, "campaign", "apply", m.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	return m
}

// states is what stands in the sheet's column dialerd_state, the header left out.
func (m *sheetTest) states() string {
	m.sheet.mu.Lock()
	defer m.sheet.mu.Unlock()
	var states []string
	for _, row := range m.sheet.rows[1:] {
		state := "-"
		for i, name := range m.sheet.rows[0] {
			if name == "dialerd_state" && i < len(row) {
				state = row[i]
			}
		}
		states = append(states, state)
	}
	return strings.Join(states, " ")
}

// Results find the rows of a sheet by the columns and the country that its import was told, whichever way it was told them.
func TestResultsFindTheRowsOfASheetAsItsImportDid(t *testing.T) {
	t.Parallel()
	m := newSheetTest(t, []string{"Nr", "Kunde"}, []string{"212-555-0123", "7"}, []string{"12", "8"}, []string{"2125550124", "9"})
	m.must("--config", m.settings, "import", "gsheet://ID/Leads", "--campaign", "spring", "--map", "phone=Nr")
	m.must("--config", m.settings, "import", "gsheet://ID/Leads", "--campaign", "spring", "--map", "phone=Nr", "--map", "key=Kunde", "--country", "US")
	for _, sheet := range []string{"gsheet://ID/Leads", "gsheet://ID"} {
		m.must("--config", m.settings, "export", "spring", "--to", sheet)
		if got := m.states(); got != "new rejected new" {
			t.Errorf("%s: %s", sheet, got)
		}
	}
}

// Nothing is written beside rows that nobody knows, and what is said can be done.
func TestResultsOfASheetThatWasNotImportedAreNotWritten(t *testing.T) {
	t.Parallel()
	m := newSheetTest(t, []string{"Nr"}, []string{"212-555-0123"})
	code, _, errs := m.run("--config", m.settings, "export", "spring", "--to", "gsheet://ID/Leads")
	if want := `gsheet://ID/Leads was not imported into campaign "spring", so none of its rows is a lead: import it first`; code != exitFailed || !strings.Contains(errs, want) {
		t.Errorf("%d: %s", code, errs)
	}
	m.must("--config", m.settings, "import", "gsheet://ID/Leads", "--campaign", "spring", "--map", "phone=Nr", "--country", "US")
	m.sheet.rows[0][0] = "Number plate"
	code, _, errs = m.run("--config", m.settings, "export", "spring", "--to", "gsheet://ID/Leads")
	if want := `gsheet://ID/Leads: no column is called "Nr" (phone); the header has "Number plate"`; code != exitFailed || !strings.Contains(errs, want) ||
		!strings.Contains(errs, "import it again") || strings.Contains(errs, "--map") {
		t.Errorf("%d: %s", code, errs)
	}
	if got := m.states(); got != "-" {
		t.Errorf("written: %s", got)
	}
}
