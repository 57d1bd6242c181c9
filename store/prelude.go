package store

import (
	"regexp"
	"strings"
)

// luaPart is a local function or variable of a prelude. Redis runs the whole text of a script each time, and to make a function that is
// not called costs as much as to call one. So a script begins with those parts that it uses, and no others.
type luaPart struct {
	names map[string]bool // what it defines
	uses  []string
	text  string
}

var (
	luaBegin  = regexp.MustCompile(`(?m)^local `)
	luaLocals = regexp.MustCompile(`^local (?:function )?(\w+(?:, \w+)*)`)
	luaQuiet  = regexp.MustCompile(`--.*|'(?:[^'\\]|\\.)*'`)  // comments and strings, which use nothing
	luaUsed   = regexp.MustCompile(`(?:^|[^.\w])([a-z_]\w*)`) // but for fields, as in rec.s
)

// luaParts takes a prelude apart. Every line of it that begins with "local" begins a part.
func luaParts(text string) []luaPart {
	var parts []luaPart
	begins := luaBegin.FindAllStringIndex(text, -1)
	for i, at := range begins {
		end := len(text)
		if i+1 < len(begins) {
			end = begins[i+1][0]
		}
		part := luaPart{names: map[string]bool{}, text: text[at[0]:end]}
		for name := range strings.SplitSeq(luaLocals.FindStringSubmatch(part.text)[1], ", ") {
			part.names[name] = true
		}
		part.uses = luaNames(part.text)
		parts = append(parts, part)
	}
	return parts
}

// luaNames are the names that a text uses.
func luaNames(text string) []string {
	var names []string
	for _, m := range luaUsed.FindAllStringSubmatch(luaQuiet.ReplaceAllString(text, ""), -1) {
		names = append(names, m[1])
	}
	return names
}

// neededParts are the parts that a script uses, directly or by others, in their order. Who counts writes the counters in the end.
func neededParts(parts []luaPart, body string) []luaPart {
	used := map[string]bool{}
	use := func(names []string) {
		for _, name := range names {
			used[name] = true
		}
	}
	use(luaNames(body))
	needed := make([]bool, len(parts))
	for i := len(parts) - 1; i >= 0; i-- { // a part uses only what stands before it
		for name := range parts[i].names {
			needed[i] = needed[i] || used[name] || name == "write_counters" && used["tally"]
		}
		if needed[i] {
			use(parts[i].uses)
		}
	}
	var out []luaPart
	for i, p := range parts {
		if needed[i] {
			out = append(out, p)
		}
	}
	return out
}
