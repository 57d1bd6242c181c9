package campaign

import "github.com/dialerd/dialerd/region"

// KnownCountry reports whether a list may say that its numbers are of this country: code is its two letters, in capitals.
func KnownCountry(code string) bool { return region.KnownCountry(code) }
