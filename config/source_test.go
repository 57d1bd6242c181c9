package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestSourcesSayHowTheirListsAreWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "spring.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`campaign: spring
agents: [{id: aB3dE9fG}]
leads:
  - {source: march.xlsx, sheet: Leads, columns: {phone: "Mobile, Home", phone4: Office}, country: us}
  - {source: old.txt, encoding: windows-1252, delimiter: tab}
consent: {basis: customers}
`)
	got, err := LoadCampaigns(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []campaign.Source{
		{Source: "march.xlsx", Dir: dir, Sheet: "Leads", Columns: map[string]string{"phone": "Mobile, Home", "phone4": "Office"}, Country: "US"},
		{Source: "old.txt", Dir: dir, Encoding: "windows-1252", Delimiter: "tab"},
	}
	if diff := cmp.Diff(want, got[0].Leads); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	write("campaign: spring\nagents: [{id: aB3dE9fG}]\nleads:\n  - source: a.csv\n    delimiter: x\n")
	if _, err := LoadCampaigns(path, nil); err == nil || !strings.Contains(err.Error(), "is no delimiter; write one of , ; | or tab") {
		t.Errorf("got %v", err)
	}
}

func TestGoogleIsReachedAsTheFileOrTheEnvironmentSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "dialerd.yaml")
	text := "google: {credentials_file: robot.json, endpoint: http://127.0.0.1:9/}\nteams: [{api_token: t, team_id: i, base_url: http://127.0.0.1:9}]\npublic_url: http://127.0.0.1:8080\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := LoadSettings(path, env("GOOGLE_APPLICATION_CREDENTIALS", "/other.json", "GOOGLE_API_KEY", "s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Google.CredentialsFile != filepath.Join(dir, "robot.json") || s.Google.APIKey.Reveal() != "s3cret" || s.Google.Endpoint != "http://127.0.0.1:9/" {
		t.Errorf("got %+v", s.Google)
	}
	if strings.Contains(s.Google.APIKey.String(), "s3cret") {
		t.Error("the key is shown")
	}
}
