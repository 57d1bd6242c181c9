package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/dialerd/dialerd/webhook"
)

// What the command shows, filled in as the step's editor does, opens the second door of a daemon with the same settings; another secret
// does not.
func TestAnAutomationFilledInAsShownIsHeard(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	if code, _, errs := c.run("automation"); code != exitUsage || !strings.Contains(errs, "DIALERD_PUBLIC_URL") {
		t.Errorf("without a public_url: exit code %d, %s", code, errs)
	}
	c.env["DIALERD_PUBLIC_URL"] = "https://d.example.com/x"
	var shown automationJSON
	if err := json.Unmarshal([]byte(c.must("automation", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(shown.URL)
	if err != nil || !strings.HasPrefix(shown.URL, "https://d.example.com/x/") {
		t.Fatal(shown.URL, err)
	}
	var heard []webhook.Event
	spool, err := webhook.OpenSpool(webhook.SpoolOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	h := &webhook.Handler{
		Prefix: webhook.Prefix(c.env["DIALERD_PUBLIC_URL"]), Now: c.now, Spool: spool,
		Teams:   map[string]webhook.Keys{shown.Team: webhook.NewKeys(c.env["THOUGHTLY_API_TOKEN"], shown.Team)},
		Receive: func(_ context.Context, events ...webhook.Event) error { heard = append(heard, events...); return nil },
	}
	body := strings.NewReplacer("{{call_id}}", "call-7", "{{phone_number}}", "+12125550123", "{{status}}", "COMPLETED").Replace(shown.Body)
	for _, secret := range []string{shown.Secret + "x", "", shown.Secret} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, at.Path, strings.NewReader(body))
		r.Header.Set(shown.Header, secret)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if ok := w.Code == http.StatusOK; ok != (secret == shown.Secret) {
			t.Errorf("secret %q: status %d", secret, w.Code)
		}
	}
	if len(heard) != 1 || heard[0].Kind != webhook.KindAutomation || !strings.Contains(string(heard[0].Body), "call-7") {
		t.Errorf("heard %+v", heard)
	}
}
