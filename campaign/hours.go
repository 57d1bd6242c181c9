package campaign

import "github.com/dialerd/dialerd/region"

// Week is the campaign's own hours on each weekday, in the lead's local time.
type Week = region.Week
