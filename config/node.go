package config

import (
	"github.com/goccy/go-yaml/ast"
)

// each calls f for every key of a mapping, in order, with nil for a key without a value. A key that comes twice is a
// mistake and read once. It reports whether the node was a mapping at all.
func (d *decoder) each(path string, node ast.Node, f func(key string, value ast.Node)) bool {
	node = d.resolve(path, node)
	mapping, ok := node.(ast.MapNode)
	if !ok {
		d.wrong(path, node, "a mapping, as in {key: value}")
		return false
	}
	if !d.has(path) { // else it stands where its key stands
		d.mark(path, node.GetToken().Position.Line, "")
	}
	seen := map[string]int{}
	for iter := mapping.MapRange(); iter.Next(); {
		keyNode := iter.Key()
		key, line, ok := keyText(keyNode)
		if !ok {
			d.fail(path, "has a key that is not a plain word; merge keys (<<) and keys of several parts are not read")
			continue
		}
		if first, twice := seen[key]; twice {
			d.mark(join(path, key), line, "")
			d.fail(join(path, key), "is given twice, in line %d too; keep one", first)
			continue
		}
		seen[key] = line
		d.mark(join(path, key), line, "")
		f(key, d.resolve(join(path, key), iter.Value()))
	}
	return true
}

// keyText is the word that a key is.
func keyText(node ast.MapKeyNode) (key string, line int, ok bool) {
	var n ast.Node = node
	if k, is := n.(*ast.MappingKeyNode); is {
		n = k.Value
	}
	if n == nil || n.GetToken() == nil {
		return "", 0, false
	}
	line = n.GetToken().Position.Line
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, line, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return n.GetToken().Value, line, true
	}
	return "", line, false
}

// resolve follows anchors and aliases. It is nil for a value that is not there.
func (d *decoder) resolve(path string, node ast.Node) ast.Node {
	for range 100 {
		if d.nodes++; d.nodes > maxNodes {
			if d.nodes == maxNodes+1 {
				d.fail(path, "is more than anybody reads: the document's aliases make more than %d values", maxNodes)
			}
			return nil
		}
		switch n := node.(type) {
		case *ast.AnchorNode:
			if n.Name != nil && n.Name.GetToken() != nil {
				d.anchors[n.Name.GetToken().Value] = n.Value
			}
			node = n.Value
		case *ast.AliasNode:
			name := ""
			if n.Value != nil && n.Value.GetToken() != nil {
				name = n.Value.GetToken().Value
			}
			target, ok := d.anchors[name]
			if !ok {
				d.mark(path, n.GetToken().Position.Line, "*"+name)
				d.fail(path, "refers to an anchor that does not stand above it; write &%s before the value that is meant", name)
				return nil
			}
			node = target
		case *ast.NullNode:
			return nil
		default:
			return node
		}
	}
	return nil
}

// wrong notes that a node has the wrong shape.
func (d *decoder) wrong(path string, node ast.Node, want string) {
	if node == nil {
		if !d.has(path) {
			d.mark(path, 0, "")
		}
		d.fail(path, "has no value; give it %s", want)
		return
	}
	text, is := scalarText(node)
	if !is {
		text = ""
	}
	d.mark(path, node.GetToken().Position.Line, text)
	d.fail(path, "is %s; want %s", shape(node), want)
}

// shape says what a node is, for people.
func shape(node ast.Node) string {
	switch node.(type) {
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.TagNode:
		return "a value with a YAML tag"
	}
	return "a single value"
}

// scalarText is what a single value says, as it was written.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// text reads a single value as it was written and notes where it stands.
func (d *decoder) text(path string, node ast.Node, want string) (string, bool) {
	node = d.resolve(path, node)
	text, ok := scalarText(node)
	if !ok {
		d.wrong(path, node, want)
		return "", false
	}
	d.mark(path, node.GetToken().Position.Line, text)
	return text, true
}
