package simulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdminSurface(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet(), Contacts: []Contact{{Phone: phone1, Name: "Ann"}}})
	post := func(status int, path, body string) {
		t.Helper()
		c.want(status, "POST", "/_sim/"+path, body)
	}
	var list struct{ Contacts []struct{ ID string } }
	c.want(200, "GET", "/contact", "").into(t, &list)
	id := list.Contacts[0].ID
	c.call(id, "a1")
	c.call(id, "a1")
	post(204, "faults", `{"op":"call","kind":"500_after","next":1}`)
	c.want(500, "POST", "/contact/call", callBody(id, "a2"))

	var sum map[string]any
	if err := json.Unmarshal([]byte(c.want(200, "GET", "/_sim/summary?key=attempt", "").text), &sum); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"rings": 3.0, "phones": 1.0, "open_calls": 3.0, "overlaps": 2.0, "after_optout": 0.0, "twice": 1.0,
		"requests": 4.0, "throttled": 0.0, "peak": 4.0, "per_s": 60.0, "limit": 100.0, "error": nil,
		"outcomes": map[string]any{"completed": 3.0}, "faults": map[string]any{"500_after": 1.0},
		"by_op": map[string]any{"call": 3.0, "contacts": 1.0}, "by_status": map[string]any{"200": 3.0, "500": 1.0},
	}
	delete(sum, "webhooks")
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}
	var log struct {
		Rings    []Ring
		Requests []Request
	}
	for _, path := range []string{"rings?phone=%2B12125550111", "requests"} {
		if err := json.Unmarshal([]byte(c.want(200, "GET", "/_sim/"+path, "").text), &log); err != nil {
			t.Fatal(err)
		}
	}
	if len(log.Rings) != 3 || log.Rings[2].N != 3 || log.Rings[2].Metadata["attempt"] != "a2" || len(log.Requests) != 4 {
		t.Errorf("%+v", log)
	}
	post(204, "team", `{"id":"`+DefaultTeamID+`","revoked":true}`)
	c.want(401, "GET", "/user", "")
	post(204, "team", `{"id":"`+DefaultTeamID+`","foreign_requests":200}`)
	c.want(429, "GET", "/user", "")
	post(204, "reset", `{"logs_only":true}`)
	if s.Summary("").Requests != 0 || len(s.Rings()) != 0 || s.Profile().Name != "calm" {
		t.Error("logs were not cleared")
	}
	post(204, "reset", "")
	c.call(id, "a3") // preloaded contacts keep their ids
	if s.Rings()[0].N != 1 {
		t.Error("people remember what was reset")
	}
	post(204, "profile", `{"base":"messy"}`)
	post(204, "suppress", `{"phone":"`+phone1+`"}`)
	post(204, "agent", `{"id":"`+DefaultAgentID+`","status":"ARCHIVED"}`)
	post(204, "inbound", `{"team":"`+DefaultTeamID+`","agent":"`+DefaultAgentID+`","phone":"+12125550199"}`)
	c.want(204, "DELETE", "/_sim/faults", "")
	if s.Profile().Name != "messy" || len(s.Profile().Faults) != 0 {
		t.Errorf("profile %+v", s.Profile())
	}
	for path, body := range map[string]string{
		"faults": `{"kind":"nope","next":1}`, "profile": `{"x":1}`, "suppress": `{"phone":"1"}`, "team": `{"id":"x"}`, "agent": `{"id":"x"}`,
		"inbound": `{}`, "reset": `{"logs":true}`,
	} {
		post(400, path, body)
	}
	c.want(404, "GET", "/_sim/nothing", "")
}

func TestAdminSurfaceIsForLoopbackOnly(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	defer s.Close()
	for from, want := range map[string]int{"203.0.113.7:99": 403, "[2001:db8::1]:99": 403, "127.0.0.1:99": 200, "[::1]:99": 200} {
		r := httptest.NewRequest(http.MethodGet, "/_sim/rings", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("from %s: %d", from, w.Code)
		}
	}
}

func TestRingLogIsWrittenBeforeTheReply(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, c := overTCP(t, Config{Profile: quiet(), RingLog: &log})
	id := c.contact(phone1)
	for _, attempt := range []string{"a1", "a2"} {
		c.call(id, attempt)
		rings, err := readRings(strings.NewReader(log.String() + `{"at":"2026-`)) // a process was killed here
		if err != nil {
			t.Fatal(err)
		}
		if n := RingsByAttempt(rings, "attempt")[attempt]; n != 1 {
			t.Errorf("%s is not in the log", attempt)
		}
	}
	rings, _ := readRings(bytes.NewReader(log.Bytes()))
	got := s.Rings()
	for i := range got {
		got[i].At = rings[i].At
	}
	if diff := cmp.Diff(got, rings); diff != "" {
		t.Error(diff)
	}
	if _, err := readRings(strings.NewReader("{}\nx\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("bad line: %v", err)
	}
}

func TestAFullDiskIsReported(t *testing.T) {
	t.Parallel()
	s, c := overTCP(t, Config{Profile: quiet(), RingLog: full{}})
	c.call(c.contact(phone1), "a")
	if s.Err() == nil || s.Summary("").Error == nil {
		t.Error("nothing is said")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, http.ErrContentLength }

// readRings reads what was written to Config.RingLog. A last line that is cut off, as a killed process leaves it, is passed over.
func readRings(r io.Reader) ([]Ring, error) {
	var out []Ring
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		b, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("read ring log: line %d: %w", n, err)
		}
		var ring Ring
		if err := json.Unmarshal(b, &ring); err != nil {
			return out, fmt.Errorf("read ring log: line %d: %w", n, err)
		}
		out = append(out, ring)
	}
}
