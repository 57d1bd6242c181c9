package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

// SecretHeader carries the secret of the second door.
const SecretHeader = "X-Dialerd-Secret" //nolint:gosec // G101: the header's name

// Secret is the part of a team's hook addresses that nobody can guess: 43 characters of [A-Za-z0-9_-]. It comes from the API
// token alone, so that all daemons of a fleet agree on it and none has to store it; with a new token it is a new one. Without a
// token there is no secret, and it is empty.
func Secret(token, team string) string { return derive(token, "hooks", team) }

// AutomationSecret is what an Automation puts into SecretHeader. It is as long as Secret and tells nothing about it.
func AutomationSecret(token, team string) string { return derive(token, "automation", team) }

func derive(token, label, team string) string {
	if token == "" {
		return "" // an HMAC under an empty key is no secret
	}
	mac := hmac.New(sha256.New, []byte(token))
	_, _ = fmt.Fprintf(mac, "dialerd webhook 1\n%s\n%s", label, team)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Keys open a team's two doors. They hold only the sums of the secrets, and no formatting verb shows them. The zero Keys open nothing.
type Keys struct{ hook, automation [sha256.Size]byte }

// NewKeys makes the keys of a team. Without a token its doors stay shut.
func NewKeys(token, team string) Keys {
	if token == "" {
		return Keys{}
	}
	return Keys{hook: sum(Secret(token, team)), automation: sum(AutomationSecret(token, team))}
}

func sum(secret string) [sha256.Size]byte { return sha256.Sum256([]byte(secret)) }

// opens says whether secret is that of the door, in a time that does not depend on how much of it is right. Sums are compared,
// so that length does not matter either.
func (k Keys) opens(d door, secret string) bool {
	want := k.hook
	if d.kind == KindAutomation {
		want = k.automation
	}
	given := sum(secret)
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// Format shows nothing, whatever the verb.
func (Keys) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<keys>") }

// LogValue shows nothing.
func (Keys) LogValue() slog.Value { return slog.StringValue("<keys>") }
