package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A lead is shown with every phone that it may be called on, and with its tags.
func TestALeadIsShownWithItsPhonesAndTags(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	c.must("import", c.write("a.csv", "Mobile,Home,Tags\n2125550123,3125550124,vip; gold\n2125550125,,\n"), "--campaign", "spring", "--country", "US",
		"--map", "phone=Mobile,Home")
	out := c.must("lead", "show", "+12125550123", "--campaign", "spring")
	for _, want := range []string{"phones         +12125550123, then +13125550124\n", "tags           vip, gold\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in %s", want, out)
		}
	}
	for phone, want := range map[string]map[string]any{
		"+12125550123": {"phones": []any{"+12125550123", "+13125550124"}, "tags": []any{"vip", "gold"}},
		"+12125550125": {"phones": []any{}, "tags": []any{}},
	} {
		lead, _ := c.json("lead", "show", phone, "--campaign", "spring").(map[string]any)
		if diff := cmp.Diff(want, map[string]any{"phones": lead["phones"], "tags": lead["tags"]}); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", phone, diff)
		}
	}
}
