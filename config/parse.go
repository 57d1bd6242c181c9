package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// What no such file has, and what would keep the parser busy for minutes.
const (
	maxLine    = 16 << 10 // bytes in a line
	maxNesting = 100      // brackets open at once
)

// parse reads the YAML documents of a file. Documents without content are left out. The parser stops at the first mistake
// of syntax, so there is at most one.
func parse(file string, text []byte) ([]ast.Node, *Problem) {
	if problem := tooMuch(text); problem != nil {
		problem.File = file
		return nil, problem
	}
	parsed, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // keys that come twice are found with the others
	if err != nil {
		problem := Problem{File: file, Message: "is not valid YAML"}
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			// Not the error's own text: it shows the lines around, and a token may stand in them.
			problem.Message += ": " + syntax.GetMessage()
			if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
				problem.Line, problem.Value = tk.Position.Line, shownLine(text, tk.Position.Line)
			}
		}
		return nil, &problem
	}
	var docs []ast.Node
	for _, doc := range parsed.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.NullType && doc.Body.Type() != ast.CommentGroupType {
			docs = append(docs, doc.Body)
		}
	}
	return docs, nil
}

// hushed finds lines that may hold a secret: by their words, by a password in a URL, or by a long word with digits in it.
var hushed = regexp.MustCompile(`(?i)token|secret|pass|key|credential|://[^ /]*@|[A-Za-z0-9_\-+=]{20}`)

// shownLine is the text of a line, for an error; nothing when a secret may stand in it.
func shownLine(text []byte, line int) string {
	n := 0
	for row := range bytes.Lines(text) {
		if n++; n == line && !hushed.Match(row) {
			return short(string(bytes.TrimSpace(row)))
		}
	}
	return ""
}

// tooMuch refuses what takes the parser time without end.
func tooMuch(text []byte) *Problem {
	depth, line := 0, 0
	for row := range bytes.Lines(text) {
		line++
		if len(row) > maxLine {
			return &Problem{Line: line, Message: fmt.Sprintf("the line is longer than %d KiB, which no such file has", maxLine>>10)}
		}
		for _, c := range row {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			}
		}
		if depth > maxNesting {
			return &Problem{Line: line, Message: fmt.Sprintf("more than %d brackets are open here; close them", maxNesting)}
		}
	}
	return nil
}
