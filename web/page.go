package web

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
)

// sections are the parts of the page that change, each by itself.
var sections = []string{"headline", "attention", "board", "fleet", "clock"}

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"bar": bar, "group": group, "join": strings.Join, "outcomes": outcomes, "percent": percent, "whole": whole,
}).ParseFS(files, "templates/*.html"))

// view is what the templates see.
type view struct {
	*Status
	Headline string
	Stale    string // why Status is not of now
	Version  string
	Rules    string
	Zones    string
	Assets   string
}

// view reads what there is to show. When the record cannot be read it is what was known last.
func (s *server) view(ctx context.Context) (v *view, ok bool) {
	v = &view{Version: s.Version, Assets: s.assets}
	v.Rules, v.Zones = campaign.Versions()
	status, err := s.Source.Status(ctx)
	if err != nil {
		v.Stale = err.Error()
		v.Headline = "The record cannot be read."
		if status = s.Source.known(); status == nil {
			status = &Status{}
		}
		v.Status = status
		return v, false
	}
	v.Status, v.Rules = status, s.Source.rules()
	if err := s.ready(ctx); err != nil {
		copied := *status
		copied.Attention = append([]Notice{{Level: LevelWarning, Text: "This daemon is not ready: " + err.Error() + "."}}, status.Attention...)
		v.Status = &copied
	}
	v.Headline = headline(v.Status)
	return v, true
}

// page is the whole page as it is now; it needs no script.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	v, ok := s.view(r.Context())
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "page", v); err != nil {
		s.Log.Error("page cannot be rendered", "err", err)
		http.Error(w, "the page cannot be rendered; see the log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = b.WriteTo(w) // a client that has gone away is nobody's trouble
}

// render is one section of the page.
func (v *view) render(section string) (string, error) {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, section, v); err != nil {
		return "", fmt.Errorf("render %s: %w", section, err)
	}
	return b.String(), nil
}

// segment is one part of a bar, in thousandths of it.
type segment struct {
	Class string
	X, W  int
}

// bar are the segments of a campaign's leads. A state with few leads among many is still seen.
func bar(l Leads) []segment {
	const width, least = 1000, 6
	if l.Total <= 0 {
		return nil
	}
	var out []segment
	sum, widest := 0, 0
	for _, p := range l.Parts() {
		if p.N == 0 {
			continue
		}
		out = append(out, segment{Class: string(p.State), W: max(least, p.N*width/l.Total)})
		sum += out[len(out)-1].W
		if out[len(out)-1].W > out[widest].W {
			widest = len(out) - 1
		}
	}
	if len(out) == 0 {
		return nil
	}
	out[widest].W += width - sum // rounding, taken from where it shows least
	x := 0
	for i := range out {
		out[i].X = x
		x += out[i].W
	}
	return out
}

// percent is a share in thousandths, at most all.
func percent(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return min(1000, part*1000/whole)
}

// outcome is a disposition for people, with its count.
type outcome struct {
	Word string
	N    int
}

// outcomes are the dispositions that there are, the most frequent first.
func outcomes(counts map[campaign.Disposition]int) []outcome {
	var out []outcome
	for _, d := range most(counts) {
		if counts[d] > 0 {
			out = append(out, outcome{strings.ReplaceAll(string(d), "_", " "), counts[d]})
		}
	}
	return out
}

// whole writes a number of minutes without its fraction.
func whole(v *float64) string {
	if v == nil {
		return group(v)
	}
	return group(int64(math.Round(*v)))
}

// group writes a number with thin spaces between thousands.
func group(v any) string {
	var n int64
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int64:
		n = v
	case *int:
		n = int64(*v)
	case *float64:
		if v == nil {
			return "–"
		}
		if *v != float64(int64(*v)) {
			return strconv.FormatFloat(*v, 'f', 2, 64)
		}
		n = int64(*v)
	default:
		return fmt.Sprint(v)
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	return digits
}

// Clock is when the status was read.
func (v *view) Clock() string { return v.At.Format("15:04:05") }

// Silent reports whether a daemon missed its last heartbeats.
func (v *view) Silent(d DaemonStatus) bool { return v.At.Sub(d.Seen) > 25*time.Second }

// TeamCampaigns are the campaigns of a team, those that are done or the others.
func (v *view) TeamCampaigns(team string, done bool) []*CampaignStatus {
	var out []*CampaignStatus
	for _, c := range v.Campaigns {
		if c.Team == team && (c.State == campaign.Done) == done {
			out = append(out, c)
		}
	}
	return out
}
