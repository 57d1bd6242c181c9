package dialer

import (
	"context"
	"errors"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

// maxContactPages bounds the search for one contact: a phone that is found in so many others' attributes is given up.
const maxContactPages = 5

// findContact looks for the contact of a phone; "" when there is none. The API's search is loose, so the numbers are compared here. Where
// it finds a page of others, or has no effect, the newest contacts are looked through: what was made in doubt is among them.
func findContact(ctx context.Context, api *thoughtly.Client, phone campaign.Phone) (string, error) {
	q := thoughtly.ListContactsRequest{Search: string(phone), PhonesOnly: true, Page: thoughtly.Page{Limit: pageSize}}
	for range maxContactPages {
		found, err := api.ListContacts(ctx, q)
		if failure, told := errors.AsType[*thoughtly.Error](err); told && failure.Kind == thoughtly.KindRejected && q.Sort != "" {
			q.Sort, q.SortDirection, q.Page.Page = "", "", 1 // it does not sort
			continue
		}
		if err != nil {
			return "", err
		}
		var best *thoughtly.Contact
		for i := range found.Items {
			if c := &found.Items[i]; phone.Is(c.Phone) && preferred(c, best) {
				best = c
			}
		}
		if best != nil {
			return best.ID, nil
		}
		if !found.More {
			break
		}
		if q.Page.Page++; q.Page.Page == 1 && q.Sort == "" {
			q.Sort, q.SortDirection, q.Page.Page = byNewest, newestFirst, 0
		}
	}
	return "", nil
}

// How the API is asked for the newest of a list first.
const (
	byNewest    = "created"
	newestFirst = "desc"
)

// attributes are what the contact keeps: the list's own columns, and which lead it is.
func attributes(name string, lead *campaign.Lead) map[string]any {
	a := make(map[string]any, len(lead.Attributes)+2)
	for _, column := range sortedKeys(lead.Attributes) {
		key := metadataKey(column)
		if _, taken := a[key]; !taken && usable(key) {
			a[key] = lead.Attributes[column]
		}
	}
	a[MetaCampaign] = name
	a[MetaLead] = lead.ID
	return a
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}
