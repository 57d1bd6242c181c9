package importer

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// signIn serves a sheet to one service account, and returns the account's key file and the address.
func signIn(t *testing.T, f *fakeSheet, token string) Google {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
		case r.Header.Get("Authorization") != "Bearer simulated-access":
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": http.StatusForbidden, "message": "no access"}})
		default:
			f.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "1", "client_email": "robot@example.com", "client_id": "2",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})), "token_uri": server.URL + "/token",
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return Google{CredentialsFile: file, Endpoint: server.URL + "/"}
}

func TestAServiceAccountSignsInAndIsNamedWhereItMayNot(t *testing.T) {
	t.Parallel()
	sheet := &fakeSheet{rows: [][]string{{"Phone"}, {"4155552671"}}, columns: 3}
	google := signIn(t, sheet, "simulated-access")
	opened, err := google.OpenSheet(context.Background(), "gsheet://ID/Spring's")
	if err != nil {
		t.Fatal(err)
	}
	body := opened.Open(t.Context())
	defer body.Close()
	if got := describe(body, options()); !strings.Contains(got, "2 lead +14155552671") {
		t.Errorf("got %s", got)
	}
	google = signIn(t, sheet, "of another account")
	if _, err := google.OpenSheet(context.Background(), "gsheet://ID/Spring's"); err == nil || !strings.Contains(err.Error(), "share it with robot@example.com") {
		t.Errorf("got %v", err)
	}
	for name, text := range map[string]string{"not a key": `{"type": "authorized_user"}`, "not JSON": "key"} {
		if err := os.WriteFile(google.CredentialsFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := google.OpenSheet(context.Background(), "gsheet://ID/x"); err == nil || !strings.Contains(err.Error(), "is not the JSON key of a service account") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAnAPIKeyOpensASheetAndIsNeverShown(t *testing.T) {
	t.Parallel()
	const key = "simulated-key"
	sheet := &fakeSheet{rows: [][]string{{"Phone"}, {"4155552671"}}, columns: 3}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("key") != key && r.Header.Get("X-Goog-Api-Key") != key {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		sheet.ServeHTTP(w, r)
	}))
	google := Google{APIKey: key, Endpoint: server.URL + "/"}
	opened, err := google.OpenSheet(t.Context(), "gsheet://ID/Spring's")
	if err != nil {
		t.Fatal(err)
	}
	body := opened.Open(t.Context())
	if got := describe(body, options()); !strings.Contains(got, "2 lead +14155552671") {
		t.Errorf("got %s", got)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	server.Close()
	_, err = google.OpenSheet(t.Context(), "gsheet://ID/Spring's")
	if err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("without a server: %v", err)
	}
	body = opened.Open(t.Context())
	defer body.Close()
	if got := describe(body, options()); !strings.Contains(got, "error ") || strings.Contains(got, key) {
		t.Errorf("without a server: %s", got)
	}
}
