package region

// Span is a time of day in minutes from local midnight, half open: From is in it, To is not. 0 ≤ From < To ≤ 1440.
type Span struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Week is the open spans of each weekday, Sunday first as in time.Weekday. A day without spans is closed.
type Week [7][]Span

// Always is the week that is never closed.
func Always() Week {
	var w Week
	for d := range w {
		w[d] = []Span{{0, 24 * 60}}
	}
	return w
}
