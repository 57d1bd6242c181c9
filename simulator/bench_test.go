package simulator

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// The fake must not be what bounds a measurement of the fleet: a call with its webhook, through memory.
func BenchmarkCall(b *testing.B) {
	h := InMemory(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	p := quiet()
	p.API.CallReply = ReplyCallID
	s := New(Config{Profile: p, Limit: Limit{NoFixed: true, NoSliding: true}, Speed: 1e9, Client: &http.Client{Transport: h}})
	defer s.Close()
	hc := &http.Client{Transport: s.Transport()}
	send := func(path, body string) {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://fake"+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header = http.Header{"X-Api-Token": {DefaultToken}, "Team_id": {DefaultTeamID}, "Content-Type": {"application/json"}}
		res, err := hc.Do(r)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(err, res)
		}
		_ = res.Body.Close()
	}
	send("/webhooks/subscribe", `{"type":"NEW_RESPONSE","url":"http://hooks.example/x"}`)
	send("/contact/create", `{"phone_number":"`+phone1+`"}`)
	id := s.teams[DefaultToken].contacts.order[0].id
	for b.Loop() {
		send("/contact/call", callBody(id, "a"))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
