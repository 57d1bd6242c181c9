package dialer

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

// callbackKeys are where agents leave the time at which a person wants to be called again.
var callbackKeys = []string{"callback_time", "callback_at", "callback", "call_back_at", "call_back_time"}

// farthest is how far ahead a callback can be promised. Beyond it a machine misheard.
const farthest = 366 * 24 * time.Hour

// callbackTime finds that time in the record; zero when it says none. A time without an offset is read in the campaign's zone.
func callbackTime(r *thoughtly.Response, zone *time.Location) time.Time {
	for _, from := range []map[string]string{r.Data, r.Metadata} {
		for _, key := range callbackKeys {
			for _, name := range sortedKeys(from) {
				if t := promised(from[name], r, zone); snake(name) == key && !t.IsZero() {
					return t
				}
			}
		}
	}
	for _, text := range slices.Concat(values(r.Data), values(r.Metadata), []string{r.Summary}) {
		var nested any
		if json.Unmarshal([]byte(text), &nested) == nil {
			if t := timeIn(nested, r, zone); !t.IsZero() {
				return t
			}
		}
	}
	return time.Time{}
}

// promised reads one time; zero when it is none that could have been promised.
func promised(text string, r *thoughtly.Response, zone *time.Location) time.Time {
	t, err := campaign.ParseTime(text, zone)
	if text == "" || err != nil || (!r.EndedAt.IsZero() && t.Sub(r.EndedAt) > farthest) {
		return time.Time{}
	}
	return t
}

// timeIn looks for the time of a callback anywhere inside a JSON value: agents nest their data points as they like.
func timeIn(v any, r *thoughtly.Response, zone *time.Location) time.Time {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range callbackKeys {
			for _, name := range sortedKeys(v) {
				if text, ok := v[name].(string); ok && snake(name) == key {
					if t := promised(text, r, zone); !t.IsZero() {
						return t
					}
				}
			}
		}
		for _, key := range sortedKeys(v) {
			if t := timeIn(v[key], r, zone); !t.IsZero() {
				return t
			}
		}
	case []any:
		for _, item := range v {
			if t := timeIn(item, r, zone); !t.IsZero() {
				return t
			}
		}
	}
	return time.Time{}
}

func values(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, key := range sortedKeys(m) {
		out = append(out, m[key])
	}
	return out
}
