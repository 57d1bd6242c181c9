package campaign

import (
	"log/slog"
	"strings"
)

// Phone is a telephone number in E.164 form ("+15551234567"). It masks itself wherever it is logged.
type Phone string

// Masked shows only the country or area part and the last two digits: enough to recognise, too little to call.
func (p Phone) Masked() string {
	s := string(p)
	if len(s) < 7 {
		return strings.Repeat("*", len(s))
	}
	return s[:4] + strings.Repeat("*", len(s)-6) + s[len(s)-2:]
}

// LogValue masks the number in logs.
func (p Phone) LogValue() slog.Value { return slog.StringValue(p.Masked()) }
