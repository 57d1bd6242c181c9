package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatATerminalObeysIsShown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\tü ✓\n":                  "plain\tü ✓\n",
		"\x1b[31mred\x07\r\x7f\u009b1m": `\u001b[31mred\u0007\u000d\u007f\u009b1m`,
		"a\u202eb\u2066c\u2028d":        `a\u202eb\u2066c\u2028d`,
		"not \xff UTF-8":                "not \ufffd UTF-8",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := oneLine("a\nb\x1b"); got != `a\nb\u001b` {
		t.Errorf("got %q", got)
	}
}

// Nothing of a list, its file's name, or a note reaches a terminal as a command, in any way of showing it; --json has all as it is.
func TestAListCannotCommandATerminal(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.must("campaign", "apply", c.write("spring.yaml", "campaign: spring\nagents: [{id: aB3dE9fG}]\nconsent: {basis: \"our own customers\"}\n"))
	const evil = "\x1b]0;x\x07\u202e"
	list := c.write("a"+evil+".csv", "Phone,Na"+evil+"me,Zip\n2125550123,Ann"+evil+",x"+evil+"\n12,b,\n")
	all := ""
	for _, args := range [][]string{
		{"import", list, "--campaign", "spring", "--country", "US", "--dry-run"},
		{"import", list, "--campaign", "spring", "--country", "US"},
		{"import", list + "x", "--campaign", "spring"},
		{"lead", "show", "+12125550123", "--campaign", "spring"},
		{"lead", "hold", "+12125550123", "--campaign", "spring", "--note", "note" + evil},
		{"lead", "list", "--campaign", "spring"},
		{"why", "+12125550123"},
		{"import", "--withdraw", list, "--campaign", "spring"},
	} {
		var out bytes.Buffer
		c.app(&out, &out).run(t.Context(), args)
		if strings.ContainsAny(out.String(), "\x1b\x07\u202e") {
			t.Errorf("%v: got %q", args[:2], out.String())
		}
		all += out.String()
	}
	if !strings.Contains(all, `\u001b]0;x\u0007\u202e`) {
		t.Errorf("what is left out is not shown: %s", all)
	}
	var lead struct {
		Attributes map[string]string `json:"attributes"`
	}
	if err := json.Unmarshal([]byte(c.must("lead", "show", "+12125550123", "--campaign", "spring", "--json")), &lead); err != nil || lead.Attributes["Na"+evil+"me"] != "Ann"+evil {
		t.Errorf("got %+v, %v", lead, err)
	}
}
