package importer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"github.com/dialerd/dialerd/region"
)

// library is what the phone library makes of a text; "" when it is no valid number.
func library(text, country string) string {
	n, err := phonenumbers.Parse(text, country)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

// nanpForms are the ways that lists write North American numbers.
var nanpForms = []string{
	"%03d%03d%04d", "(%03d) %03d-%04d", "%03d-%03d-%04d", "%03d.%03d.%04d", "+1%03d%03d%04d", "1%03d%03d%04d", "+1 (%03d) %03d-%04d",
	"1-%03d-%03d-%04d", "%03d %03d %04d", " %03d%03d%04d ", "(%03d)%03d-%04d", "+1.%03d.%03d.%04d",
}

// TestPhonesAreReadAsTheLibraryReadsThem compares the way that nearly every number takes with the phone library: over every area code
// that digits can make, with exchanges and forms at random. They may differ where the tables know an area code that the library does not,
// and in the fictional numbers 555-0100 to 555-0199, which are kept.
//
// DIALERD_NANP_INPUTS is how many numbers are tried.
func TestPhonesAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	inputs := 200_000
	if testing.Short() {
		inputs = 3_000
	}
	if n, err := strconv.Atoi(os.Getenv("DIALERD_NANP_INPUTS")); err == nil {
		inputs = n
	}
	random := rand.New(rand.NewPCG(1, uint64(inputs)))
	known := map[string]bool{}
	for _, a := range region.Default().AreaCodes() {
		known[a.Code] = a.Country != ""
	}
	whole := map[string]bool{} // area codes → the library takes every exchange of them; of some islands it takes a few
	wholly := func(area string) bool {
		all, asked := whole[area]
		if !asked {
			all = true
			for exchange := 200; exchange < 1000 && all; exchange++ {
				all = library(fmt.Sprintf("+1%s%d5678", area, exchange), "") != ""
			}
			whole[area] = all
		}
		return all
	}
	differ, read := 0, 0
	for i := range inputs {
		area, exchange, line := i%1000, random.IntN(1000), random.IntN(10_000)
		text := fmt.Sprintf(nanpForms[random.IntN(len(nanpForms))], area, exchange, line)
		want := library(text, "US")
		got := ""
		if p, err := region.ParsePhone(text, "US"); err == nil {
			got = p.E164
		}
		if got != "" {
			read++
		}
		if got == want {
			continue
		}
		code := fmt.Sprintf("%03d", area)
		newer := want == "" && known[code] && !wholly(code)
		fictional := want == "" && exchange == 555 && line/100 == 1
		// 00 and 011 before a number, which the library reads as part of it, are read as the prefixes that they are.
		prefix := want == "" && area < 20
		if !newer && !fictional && !prefix {
			if differ++; differ <= 20 {
				t.Errorf("%q: got %q, the library says %q", text, got, want)
			}
		}
	}
	if differ > 0 || read < inputs/3 {
		t.Errorf("%d differences among %d numbers, %d of them read", differ, inputs, read)
	}
}
