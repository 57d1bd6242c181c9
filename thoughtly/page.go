package thoughtly

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// MaxLimit is the most that a page can hold.
const MaxLimit = 50

// defaultLimit is the API's own.
const defaultLimit = 20

// Page says which part of a list to read.
type Page struct {
	Page  int // from 0
	Limit int // 1 to 50; 0 means the API's default of 20
}

// List is one page of a list.
type List[T any] struct {
	Items []T
	// Total is how many there are on all pages, -1 if the API did not say.
	Total int
	// More says whether there may be another page.
	More bool
}

// check says why the page cannot be asked for.
func (p Page) check() string {
	if p.Page < 0 {
		return fmt.Sprintf("page: must not be negative (got %d)", p.Page)
	}
	if p.Limit < 0 || p.Limit > MaxLimit {
		return fmt.Sprintf("limit: must be 1 to %d (got %d)", MaxLimit, p.Limit)
	}
	return ""
}

func (p Page) put(q url.Values) {
	if p.Page > 0 {
		q.Set("page", strconv.Itoa(p.Page))
	}
	if p.Limit > 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
}

func (p Page) limit() int {
	if p.Limit > 0 {
		return p.Limit
	}
	return defaultLimit
}

// errNoRecord says that a list holds something else than records. Skipping it could hide a call.
var errNoRecord = errors.New("the reply's list holds something that is no record")

// pageOf reads the page of a list that r asked for, its elements by decode.
func pageOf[T any](got reply, r request, decode func(object, map[string]any) T) (List[T], error) {
	items, err := got.list(r.lists...)
	if err != nil {
		return List[T]{}, err
	}
	out := List[T]{Total: -1, Items: make([]T, 0, len(items))}
	for _, item := range items {
		if item == nil {
			continue
		}
		m := mapOf(item)
		if len(m) == 0 {
			return List[T]{}, errNoRecord
		}
		out.Items = append(out.Items, decode(objectOf(m), m))
	}
	out.Total, out.More = got.extent(r.page, len(items))
	return out, nil
}

// extent finds out whether the list goes on after n elements of page p. The documents promise no total, so a full page means that it may.
func (r reply) extent(p Page, n int) (total int, more bool) {
	total = -1
	var places []object
	for _, o := range []object{objectOf(r.data), r.root} {
		places = append(places, o, o.object("pagination", "page_info", "meta", "paging"))
	}
	seen := p.Page*p.limit() + n
	for _, o := range places {
		if t, err := strconv.Atoi(o.text("total", "total_count", "total_items", "total_records")); err == nil && t >= 0 {
			return t, n > 0 && seen < t
		}
		// "count" is the total in some bodies and the length of the page in others.
		if t, err := strconv.Atoi(o.text("count")); err == nil && t > n {
			return t, n > 0 && seen < t
		}
		if pages, err := strconv.Atoi(o.text("pages", "total_pages", "page_count")); err == nil && pages > 0 {
			return -1, n > 0 && p.Page+1 < pages
		}
	}
	return total, n >= p.limit()
}
