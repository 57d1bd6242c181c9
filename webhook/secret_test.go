package webhook

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestASecretIsOneOfItsTokenTeamAndDoor(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, tok := range []string{"a", "b"} {
		for _, team := range []string{"x", "y", "x\nautomation"} {
			for label, secret := range map[string]string{"hook": Secret(tok, team), "automation": AutomationSecret(tok, team)} {
				name := fmt.Sprint(tok, team, label)
				if first, twice := seen[secret]; twice {
					t.Errorf("%q and %q have one secret", first, name)
				}
				seen[secret] = name
				if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(secret) {
					t.Errorf("%q: %q is not 43 safe characters", name, secret)
				}
			}
		}
	}
}

func TestTheSecretStaysWhatItWasInEarlierReleases(t *testing.T) {
	t.Parallel()
	// printf 'dialerd webhook 1\nhooks\ndefault' | openssl dgst -sha256 -hmac TOKEN -binary | basenc --base64url
	// Daemons of two releases share a fleet while it is upgraded, and Automations hold the second by hand.
	if got, want := Secret(secretToken, "default"), "HqooWgO3CICLdho282krJsjvXTn1xwOLe1PjYu-13Qs"; got != want {
		t.Errorf("hooks: %s, want %s", got, want)
	}
	if got, want := AutomationSecret(secretToken, "default"), "6RXCK5wufbTzZ3RSOPrnnSO2kbhQPIpMCVkGv013Hj0"; got != want {
		t.Errorf("automation: %s, want %s", got, want)
	}
}

func TestWithoutATokenTheDoorsStayShut(t *testing.T) {
	t.Parallel()
	if Secret("", team) != "" || AutomationSecret("", team) != "" {
		t.Error("an empty token made a secret that anybody can compute")
	}
	for _, keys := range []Keys{{}, NewKeys("", team)} {
		for _, d := range []door{{kind: KindResponse}, {kind: KindAutomation}} {
			if keys.opens(d, "") || keys.opens(d, Secret("", team)) || keys.opens(d, strings.Repeat("\x00", 32)) {
				t.Errorf("keys without a token open the door of %s", d.kind)
			}
		}
	}
}

func TestKeysShowNothing(t *testing.T) {
	t.Parallel()
	keys := NewKeys(secretToken, team)
	log := &notes{}
	log.logger().Info("x", "keys", keys, "teams", map[string]Keys{team: keys})
	shown := fmt.Sprintf("%v %+v %#v %s %x %d", keys, keys, keys, keys, keys, keys) + log.String()
	for _, sum := range [][32]byte{keys.hook, keys.automation} {
		for _, form := range []string{fmt.Sprintf("%x", sum), fmt.Sprint(sum), fmt.Sprintf("%#v", sum)} {
			if strings.Contains(shown, form) {
				t.Errorf("keys show themselves: %s", shown)
			}
		}
	}
}

// TestSecretsAreComparedInConstantTime reads the code: no test of times would be both sharp and steady. What is compared are sums in
// Keys, so there is no secret at hand that == could be used on; here is the one place, and it must be this way.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	constant := 0
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if n.Sel.Name == "ConstantTimeCompare" {
					constant++
				}
			case *ast.BinaryExpr:
				for _, side := range []ast.Expr{n.X, n.Y} {
					s, ok := side.(*ast.SelectorExpr)
					if ok && (n.Op == token.EQL || n.Op == token.NEQ) && (s.Sel.Name == "hook" || s.Sel.Name == "automation") {
						t.Errorf("%s compares keys by %s", file.Name(), n.Op)
					}
				}
			}
			return true
		})
	}
	if constant != 1 {
		t.Errorf("%d uses of ConstantTimeCompare, want the one in Keys.opens", constant)
	}
}
