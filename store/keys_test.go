package store

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAttemptIDsComeApartOnlyAsTheyWereMade(t *testing.T) {
	t.Parallel()
	id := attemptID(17, "aB-_3dE9fGhI", 4)
	n, lead, k, ok := splitAttempt(id)
	if id != "17.aB-_3dE9fGhI.4" || n != 17 || lead != "aB-_3dE9fGhI" || k != 4 || !ok {
		t.Errorf("%s: %d %s %d %t", id, n, lead, k, ok)
	}
	for _, bad := range []string{"", ".", "..", "1..1", "1.a", "0.a.1", "-1.a.1", "01.a.1", "1.a.0", "1.a.01", "1.a.b.1", "1.a.1 ", "x.a.1", "1.a.+1"} {
		if _, _, _, ok := splitAttempt(bad); ok {
			t.Errorf("%q was taken for an attempt's id", bad)
		}
	}
}

func TestKeysOfATeamShareASlot(t *testing.T) {
	t.Parallel()
	for _, key := range []string{teamKey("acme", "team"), campaignKey("acme", 3, ""), campaignKey("acme", 3, "leads")} {
		if !strings.HasPrefix(key, "dialerd:{acme}:") {
			t.Errorf("%s has another tag", key)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"spring", "spring-2", "sprung", "autumn", "winter-sale"}
	for name, want := range map[string][]string{
		"sping": {`"spring"`, `"sprung"`}, "winter": {`"winter-sale"`}, "autum": {`"autumn"`}, "zzz": nil,
	} {
		if diff := cmp.Diff(want, nearest(name, known)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAppendStringIsJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": `"plain"`, "a\"b\\c": `"a\"b\\c"`, "\n\t\x01\x1f": `"\n\u0009\u0001\u001f"`, "é<&>\u2028": "\"é<&>\u2028\"", "\xff": `"` + "\uFFFD" + `"`,
	} {
		if got := string(appendString(nil, in)); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
