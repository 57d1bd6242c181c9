package dialer

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

// callbackKeys are where agents leave the time at which a person wants to be called again.
var callbackKeys = []string{"callback_time", "callback_at", "callback", "call_back_at", "call_back_time"}

// callbackTime finds that time in the record; zero when it says none that can be kept.
func callbackTime(r *thoughtly.Response, said campaign.Promise) time.Time {
	for _, from := range []map[string]string{r.Data, r.Metadata} {
		for _, key := range callbackKeys {
			for _, name := range sortedKeys(from) {
				if t := said.Read(from[name]); snake(name) == key && !t.IsZero() {
					return t
				}
			}
		}
	}
	for _, text := range slices.Concat(values(r.Data), values(r.Metadata), []string{r.Summary}) {
		var nested any
		if json.Unmarshal([]byte(text), &nested) == nil {
			if t := timeIn(nested, said); !t.IsZero() {
				return t
			}
		}
	}
	return time.Time{}
}

// promisedTo is when the person of a call that ended asked to be called again; zero when nobody knows.
func (d *Dialer) promisedTo(ctx context.Context, c *campaign.Campaign, lead *campaign.Lead, r *thoughtly.Response, ended time.Time) (time.Time, error) {
	place, err := d.Store.Place(ctx, c.Name, lead.Lane)
	if err != nil {
		return time.Time{}, err
	}
	return callbackTime(r, campaign.Promise{Zones: place.Zones, Home: c.Schedule.Location(), Ended: ended}), nil
}

// timeIn looks for the time of a callback anywhere inside a JSON value: agents nest their data points as they like.
func timeIn(v any, said campaign.Promise) time.Time {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range callbackKeys {
			for _, name := range sortedKeys(v) {
				if text, ok := v[name].(string); ok && snake(name) == key {
					if t := said.Read(text); !t.IsZero() {
						return t
					}
				}
			}
		}
		for _, key := range sortedKeys(v) {
			if t := timeIn(v[key], said); !t.IsZero() {
				return t
			}
		}
	case []any:
		for _, item := range v {
			if t := timeIn(item, said); !t.IsZero() {
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
