package dialer

import (
	"context"
	"strings"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/thoughtly"
)

// maxContactPages bounds the search for one contact: a phone that is found in so many others' attributes is given up.
const maxContactPages = 5

// findContact looks for the contact of a phone; "" when there is none. The API's search is loose, so the numbers are compared here.
func findContact(ctx context.Context, api *thoughtly.Client, phone campaign.Phone) (string, error) {
	for page := range maxContactPages {
		found, err := api.ListContacts(ctx, thoughtly.ListContactsRequest{
			Search: string(phone), PhonesOnly: true, Page: thoughtly.Page{Page: page, Limit: pageSize},
		})
		if err != nil {
			return "", err
		}
		for _, c := range found.Items {
			if phone.Is(c.Phone) {
				return c.ID, nil
			}
		}
		if !found.More {
			break
		}
	}
	return "", nil
}

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
