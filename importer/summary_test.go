package importer

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestSummaryAddsUp(t *testing.T) {
	t.Parallel()
	_, rows := readAll(t, "Phone\n4155552671\n4155552671\n123\n8005550123\n2125550123\n3035550123\n7025550123\n8015550123\n", options())
	outcomes := []string{"added", "added", "added", "updated", "unchanged", "duplicate"}
	s := NewSummary("spring")
	for i, row := range rows {
		if s.Pass(row) {
			continue
		}
		if err := s.Lead(row.Lead, outcomes[0], i == 4); err != nil {
			t.Fatal(err)
		}
		outcomes = outcomes[1:]
	}
	want := &Summary{
		Campaign: "spring", Rows: 8, Added: 3, Updated: 1, Unchanged: 1, Duplicate: 2, Rejected: 1, Suppressed: 1, Held: 1,
		Reasons: map[string]int{"too_short": 1},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s.Rows != s.Added+s.Updated+s.Unchanged+s.Duplicate+s.Rejected || s.Rows != len(rows) {
		t.Error("does not add up")
	}
	if err := s.Lead(&campaign.Lead{}, "vanished", false); err == nil {
		t.Error("an unknown outcome is counted")
	}
	text, err := json.Marshal(NewSummary("x"))
	if err != nil {
		t.Fatal(err)
	}
	wantJSON := `{"campaign":"x","rows":0,"added":0,"updated":0,"unchanged":0,"duplicate":0,"rejected":0,"suppressed":0,"held":0,"rejects_file":null,"reasons":{}}`
	if diff := cmp.Diff(wantJSON, string(text)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
