package thoughtly

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// reply is a body of the API: {"data": …, "error": null}, or something bare.
type reply struct {
	root object // empty unless the body is an object
	data any    // what is under "data", or else all of it
}

// apiError is what the API said went wrong.
type apiError struct{ code, text string }

func (e *apiError) Error() string {
	if e.text == "" {
		return "the reply holds an error without text"
	}
	return e.text
}

// exists says whether the text speaks of something that is there already.
func (e *apiError) exists() bool {
	text := strings.ToLower(e.text + " " + e.code)
	return strings.Contains(text, "already exist") || strings.Contains(text, "already_exist") || strings.Contains(text, "duplicate")
}

// decodeReply reads the body of a 2xx reply. An error in it is an *apiError; no body at all is no data.
func decodeReply(body []byte) (reply, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return reply{}, nil
	}
	v, err := parse(body)
	if err != nil {
		return reply{}, errors.New("the reply is not JSON: " + excerpt(body))
	}
	m, ok := v.(map[string]any)
	if !ok {
		return reply{data: v}, nil
	}
	r := reply{root: objectOf(m), data: m}
	if failed(r.root) {
		said := apiErrorOf(m)
		return reply{}, &said
	}
	if value, there := r.root["data"]; there {
		r.data = value
	}
	return r, nil
}

// failed says whether a body says so. An error is anything but what no language would put there for one.
func failed(root object) bool {
	switch v := root["error"].(type) {
	case nil:
	case bool:
		if v {
			return true
		}
	case string:
		if v != "" {
			return true
		}
	case json.Number:
		if v.String() != "0" {
			return true
		}
	case []any:
		if len(v) > 0 {
			return true
		}
	default: // an empty object too: that is what JavaScript makes of an Error
		return true
	}
	if list, ok := root["errors"].([]any); ok && len(list) > 0 {
		return true
	}
	success, ok := root["success"].(bool)
	return ok && !success
}

// describe finds what the body of a reply that is not 2xx says, and whether it is a JSON object, as the API's are.
func describe(body []byte) (said apiError, object bool) {
	v, err := parse(body)
	if err != nil {
		return apiError{text: excerpt(body)}, false
	}
	_, object = v.(map[string]any)
	return apiErrorOf(v), object
}

// isPage reports whether a body is a page for a browser.
func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// excerpt is the beginning of a body that is not JSON.
func excerpt(body []byte) string { return string(body[:min(len(body), 64<<10)]) }

// apiErrorOf looks for text and code wherever an error may keep them.
func apiErrorOf(v any) apiError {
	switch v := v.(type) {
	case nil:
		return apiError{}
	case []any:
		var all apiError
		var texts []string
		for _, item := range v[:min(len(v), 3)] {
			one := apiErrorOf(item)
			if all.code == "" {
				all.code = one.code
			}
			if one.text != "" {
				texts = append(texts, one.text)
			}
		}
		all.text = strings.Join(texts, "; ")
		return all
	case map[string]any:
		o := objectOf(v)
		said := apiError{
			code: o.text("code", "error_code", "type", "name"),
			text: o.text("message", "detail", "description", "reason", "title", "msg"),
		}
		for _, name := range []string{"error", "errors"} {
			inner := o.get(name)
			if _, flag := inner.(bool); inner != nil && !flag {
				in := apiErrorOf(inner)
				if in.text != "" && (said.text == "" || name == "error") {
					said.text = in.text
				}
				if in.code != "" {
					said.code = in.code
				}
			}
		}
		if said.text == "" && len(v) > 0 {
			said.text = rendered(v)
		}
		return said
	}
	return apiError{text: rendered(v)}
}

// errNoList says that a reply holds no list where one is due. It is not taken for an empty one: "no such call" must not be a misreading.
var errNoList = errors.New("the reply holds no list")

// commonLists are names that lists go by, whatever is in them.
var commonLists = []string{"items", "results", "records", "rows", "list", "data"}

// list finds the list in a reply: the data itself, or under one of names, or the only list that there is.
func (r reply) list(names ...string) ([]any, error) { return listIn(r.data, names, 3) }

func listIn(v any, names []string, depth int) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	case map[string]any:
		if len(v) == 0 {
			return nil, nil
		}
		o := objectOf(v)
		for _, name := range slices.Concat(names, commonLists) {
			inner, there := o[fold(name)]
			if items, ok := inner.([]any); ok || (there && inner == nil) {
				return items, nil
			}
		}
		if inner, ok := o["data"].(map[string]any); ok && depth > 0 {
			return listIn(inner, names, depth-1)
		}
		var only []any
		lists := 0
		for _, value := range v {
			if items, ok := value.([]any); ok {
				only, lists = items, lists+1
			}
		}
		if lists == 1 {
			return only, nil
		}
	}
	return nil, errNoList
}

// single is the object that a reply is about: the data itself, its part called name, or the only element of a list.
func (r reply) single(name string) object {
	v := r.data
	if items, ok := v.([]any); ok && len(items) == 1 {
		v = items[0]
	}
	o := objectOf(v)
	if inner := o.object(name); inner != nil {
		return inner
	}
	if inner := o.object("data"); inner != nil && o.text("id") == "" {
		return inner
	}
	return o
}
