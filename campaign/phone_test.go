package campaign

import "testing"

func TestAPhoneIsItHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"+12125550123": true, "12125550123": true, "2125550123": true, "(212) 555-0123": true, "212.555.0123": true, "+1 (212) 555 0123": true,
		"0012125550123": true, "3125550123": false, "212555012": false, "21255501234": false, "212-555-0123 x5": false, "": false, "Ann": false,
	} {
		if got := Phone("+12125550123").Is(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if !Phone("+442079460123").Is("+44 20 7946 0123") || Phone("+442079460123").Is("2079460123") {
		t.Error("a number of another country is its digits")
	}
}
