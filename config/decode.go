package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// maxNodes bounds how much of a document is read, so that aliases of aliases cannot grow without end.
const maxNodes = 200_000

// decoder fills structs from one YAML document and notes every mistake on the way. The tags of the structs' fields say what
// is allowed, and the JSON Schemas are made from the same tags:
//
//	yaml:"name"      the key
//	min:"1"          the least number or length of time
//	above:"0"        a number or length of time must be more than this
//	oneof:"a b"      the words that are allowed
//	required:"true"  the key must be there
//	doc:"…"          one line for the schema
type decoder struct {
	file     string
	problems Problems
	bad      map[string]bool  // fields that have a mistake
	at       map[string]place // where each field stands, by its path
	anchors  map[string]ast.Node
	nodes    int
	expand   func(string) (string, error) // replaces ${NAME} in values; nil where that is not done
}

// place is where a value came from and how it was written.
type place struct {
	file  string // file or "environment"
	field string // when the field is called something else there
	line  int
	text  string
}

// custom is a value that reads its own YAML, because it has several forms.
type custom interface {
	decode(d *decoder, path string, node ast.Node)
}

// defaulter is a list element that has defaults of its own.
type defaulter interface {
	setDefaults()
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	redisType    = reflect.TypeFor[RedisURL]()
)

func newDecoder(file string) *decoder {
	return &decoder{file: file, at: map[string]place{}, bad: map[string]bool{}, anchors: map[string]ast.Node{}}
}

// fail notes a mistake in the field at path. A field that is not in the file is reported at the line of what holds it.
func (d *decoder) fail(path, format string, args ...any) {
	d.bad[path] = true
	p := Problem{File: d.file, Field: path, Message: fmt.Sprintf(format, args...)}
	for at := path; ; at = parent(at) {
		if place, ok := d.at[at]; ok {
			p.File, p.Line = place.file, place.line
			if at == path {
				p.Value = short(place.text)
				if place.field != "" {
					p.Field = place.field
				}
			}
			break
		}
		if at == "" {
			break
		}
	}
	d.problems = append(d.problems, p)
}

// failed reports whether a mistake was noted in one of the fields.
func (d *decoder) failed(paths ...string) bool {
	return slices.ContainsFunc(paths, func(path string) bool { return d.bad[path] })
}

// has reports whether the field at path was given.
func (d *decoder) has(path string) bool {
	_, ok := d.at[path]
	return ok
}

// parent is the path of what holds the field: teams[0].rate for teams[0].rate.per, teams for teams[0].
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// join is the path of a key inside of path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// mark notes where a field stands.
func (d *decoder) mark(path string, line int, text string) {
	d.at[path] = place{file: d.file, line: line, text: text}
}

// value reads a node into v, which can be set.
func (d *decoder) value(path string, node ast.Node, v reflect.Value, tag reflect.StructTag) {
	if v.CanAddr() {
		if c, ok := reflect.TypeAssert[custom](v.Addr()); ok {
			c.decode(d, path, node)
			return
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == secretType || v.Type() == redisType {
			d.scalar(path, node, v, tag)
			return
		}
		d.structure(path, node, v)
	case reflect.Slice:
		d.list(path, node, v, tag)
	case reflect.Map:
		d.dictionary(path, node, v)
	default:
		d.scalar(path, node, v, tag)
	}
}

// structure reads a mapping into a struct, key by key.
func (d *decoder) structure(path string, node ast.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].name
	}
	ok := d.each(path, node, func(key string, value ast.Node) {
		at := join(path, key)
		i := slices.Index(names, key)
		if i < 0 {
			d.fail(at, "is not a key that is known here%s", cmp.Or(didYouMean(key, names), "; known are "+strings.Join(names, ", ")))
			return
		}
		if value == nil {
			d.absent(at)
			return
		}
		d.value(at, value, v.Field(fields[i].index), fields[i].tag)
	})
	if !ok {
		return
	}
	for _, f := range fields {
		if at := join(path, f.name); f.tag.Get("required") == "true" && !d.has(at) {
			d.fail(at, "is missing; %s", f.tag.Get("doc"))
		}
	}
}

// list reads a sequence into a slice.
func (d *decoder) list(path string, node ast.Node, v reflect.Value, tag reflect.StructTag) {
	node = d.resolve(path, node)
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		d.wrong(path, node, "a list, as in [a, b]")
		return
	}
	if !d.has(path) {
		d.mark(path, seq.GetToken().Position.Line, "")
	}
	items := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, value := range seq.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		item := items.Index(i)
		if def, ok := reflect.TypeAssert[defaulter](item.Addr()); ok {
			def.setDefaults()
		}
		if value = d.resolve(at, value); value == nil {
			if !d.failed(at) {
				d.mark(at, seq.GetToken().Position.Line, "")
				d.fail(at, "has no value; give it one, or remove it")
			}
			continue
		}
		d.value(at, value, item, tag)
	}
	v.Set(items)
}

// absent notes that a key has no value, unless something else was said about it.
func (d *decoder) absent(path string) {
	if !d.failed(path) {
		d.fail(path, "has no value; give it one, or remove the key")
	}
}

// dictionary reads a mapping into a map with text for keys.
func (d *decoder) dictionary(path string, node ast.Node, v reflect.Value) {
	entries := reflect.MakeMap(v.Type())
	d.each(path, node, func(key string, value ast.Node) {
		at := join(path, key)
		if value == nil {
			d.absent(at)
			return
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		d.value(at, value, entry, "")
		entries.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), entry)
	})
	v.Set(entries)
}

// field is one key of a struct.
type field struct {
	name  string
	index int
	tag   reflect.StructTag
}

// fieldsOf lists the keys of a struct in order.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields = append(fields, field{name: name, index: i, tag: t.Field(i).Tag})
		}
	}
	return fields
}
