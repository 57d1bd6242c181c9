package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lifeOf rings one phone and returns the webhook of the end and the record as it is listed then.
func lifeOf(t *testing.T, p Profile) (posted, listed map[string]any) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &hooks{}
		_, c := inBubble(t, Config{Seed: 5, Profile: p, Client: h.client()})
		c.subscribe(EventResponse, DefaultAgentID)
		c.call(c.contact(phone1), "a1")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(h.all()); n != 1 {
			t.Fatalf("%d webhooks", n)
		}
		var data map[string][]map[string]any
		c.want(200, "GET", "/interview/"+DefaultAgentID+"/responses", "").into(t, &data)
		posted, listed = h.all()[0].body, data["responses"][0]
	})
	return posted, listed
}

func TestRealRecordsLookAsReceivedInTheWild(t *testing.T) {
	t.Parallel()
	posted, listed := lifeOf(t, quiet(func(p *Profile) { p.People.Talk = Span{90, 90} }))
	if diff := cmp.Diff(posted, listed); diff != "" {
		t.Errorf("webhook and listing differ:\n%s", diff)
	}
	var keys []string
	for k := range posted {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	want := strings.Fields(`ai_name contact conversation_history created duration_ms end_time id interview metadata
		phone_number recording_url start_time status summary_data team transcript type updated version`)
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Error(diff)
	}
	if posted["duration_ms"] != "90000" || posted["type"] != "PHONE_CALL" || posted["status"] != "COMPLETED" {
		t.Errorf("duration %v, type %v, status %v", posted["duration_ms"], posted["type"], posted["status"])
	}
	if diff := cmp.Diff(map[string]any{"attempt": "a1"}, posted["metadata"]); diff != "" {
		t.Error(diff)
	}
	start, _ := time.Parse(time.RFC3339, posted["start_time"].(string))
	end, _ := time.Parse(time.RFC3339, posted["end_time"].(string))
	if end.Sub(start) < 90*time.Second {
		t.Errorf("from %s to %s", start, end)
	}
	if !strings.HasPrefix(posted["transcript"].(string), "Agent: Hi Ann,") {
		t.Errorf("transcript %q", posted["transcript"])
	}
}

func TestDocumentedRecordsLookAsDocumented(t *testing.T) {
	t.Parallel()
	posted, listed := lifeOf(t, quiet(func(p *Profile) {
		p.Records.Shape = ShapeDocumented
		p.People.Talk = Span{90, 90}
	}))
	call, _ := posted["call"].(map[string]any)
	if posted["event"] != EventResponse || call["interview_id"] != DefaultAgentID || call["status"] != "success" ||
		call["duration_seconds"] != 90.0 || call["direction"] != "outbound" || call["outcome"] != "qualified" {
		t.Errorf("webhook %v", posted)
	}
	if diff := cmp.Diff(map[string]any{"attempt": "a1"}, posted["custom_fields"]); diff != "" {
		t.Error(diff)
	}
	first := posted["transcript"].([]any)[0].(map[string]any)
	if first["speaker"] != "ai" || first["step"] != 1.0 || first["node_id"] == "" {
		t.Errorf("first line %v", first)
	}
	if listed["id"] != call["id"] || listed["status"] != "success" || listed["transcript"] == nil {
		t.Errorf("listed %v", listed)
	}
}

func TestHowOutcomesShow(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		o                    Outcome
		status, label, spoke string
	}{
		{Completed, "COMPLETED", "qualified", "offer"},
		{HangUp, "COMPLETED", "", "hello?"},
		{NotInterested, "COMPLETED", "not_interested", "not interested"},
		{Callback, "COMPLETED", "callback", "call"},
		{OptOut, "COMPLETED", "do_not_call", "stop calling me"},
		{WrongNumber, "COMPLETED", "wrong_number", "wrong number"},
		{Transferred, "TRANSFERRED", "transferred", "colleague"},
		{Voicemail, "LEFT_VOICEMAIL", "voicemail", "after the tone"},
		{NoAnswer, "NO_ANSWER", "", ""},
		{Busy, "BUSY", "", ""},
		{Failed, "FAILED", "", ""},
		{Cancelled, "CANCELLED", "", ""},
		{Suppressed, "SUPPRESSED", "", ""},
		{Strange, "DIVERTED_TO_SCREENER", "", "offer"},
	} {
		t.Run(string(k.o), func(t *testing.T) {
			t.Parallel()
			posted, _ := lifeOf(t, quiet(always(k.o)))
			summary, _ := posted["summary_data"].(map[string]any)
			label, _ := summary["outcome"].(string)
			if posted["status"] != k.status || label != k.label || posted["end_time"] == nil {
				t.Errorf("status %v, outcome %q, end %v", posted["status"], label, posted["end_time"])
			}
			said := strings.ToLower(posted["transcript"].(string))
			if !strings.Contains(said, k.spoke) || (k.spoke == "") != (said == "") {
				t.Errorf("transcript %q", said)
			}
			if answered := k.spoke != ""; answered != (posted["recording_url"] != nil) || answered == (posted["duration_ms"] == "0") {
				t.Errorf("recording %v, duration %v", posted["recording_url"], posted["duration_ms"])
			}
			points, _ := summary["data_points"].(map[string]any)
			when, promised := points["callback_time"].(string)
			if promised != (k.o == Callback) {
				t.Fatalf("data points %v", points)
			}
			if promised {
				end, _ := time.Parse(time.RFC3339, posted["end_time"].(string))
				at, err := time.Parse(time.RFC3339, when)
				if ahead := at.Sub(end); err != nil || ahead < time.Hour-time.Second || ahead > 48*time.Hour {
					t.Errorf("callback at %q, the call ended at %s", when, end)
				}
			}
		})
	}
}

func TestOptOutIsSpokenInEveryShape(t *testing.T) {
	t.Parallel()
	for _, shape := range []Shape{ShapeReal, ShapeDocumented, ShapeMixed} {
		for seed := range 40 {
			p := quiet(always(OptOut), func(p *Profile) { p.Records.Shape, p.Records.Unlabelled = shape, 1 })
			s := New(Config{Seed: uint64(seed), Profile: p})
			c := &call{
				id: fmt.Sprint(seed), team: s.teams[DefaultToken], contact: &contact{}, metadata: map[string]any{},
				meeting: p.People.meet(uint64(seed), phone1, 1), created: time.Unix(1, 0), connected: time.Unix(2, 0), ended: time.Unix(9, 0),
			}
			for _, body := range []any{s.posted(c, EventResponse), s.listed(c)} {
				b, err := json.Marshal(body)
				if text := strings.ToLower(string(b)); err != nil || !strings.Contains(text, "stop calling me") || strings.Contains(text, "do_not_call") {
					t.Fatalf("%s, seed %d: %s %v", shape, seed, b, err)
				}
			}
			s.Close()
		}
	}
}

func TestVagueCallbacksHaveNoTime(t *testing.T) {
	t.Parallel()
	posted, _ := lifeOf(t, quiet(always(Callback), func(p *Profile) { p.People.Vague = 1 }))
	points := posted["summary_data"].(map[string]any)["data_points"].(map[string]any)
	if _, err := time.Parse(time.RFC3339, points["callback_time"].(string)); err == nil {
		t.Errorf("a time: %v", points)
	}
}

func TestMetadataComesBackOrNot(t *testing.T) {
	t.Parallel()
	echoed := func(posted map[string]any) any {
		m, _ := posted["metadata"].(map[string]any)
		return m["attempt"]
	}
	posted, _ := lifeOf(t, quiet(func(p *Profile) { p.Records.Echo = EchoNever }))
	if v, is := posted["metadata"]; !is || v != nil {
		t.Errorf("metadata %v, want null", v)
	}
	posted, _ = lifeOf(t, quiet(func(p *Profile) { p.Records.System = 1 }))
	if echoed(posted) != "a1" || posted["metadata"].(map[string]any)["system"] == nil {
		t.Errorf("metadata %v, want ours and system", posted["metadata"])
	}
	synctest.Test(t, func(t *testing.T) {
		h := &hooks{}
		s, c := inBubble(t, Config{Profile: quiet(func(p *Profile) { p.Records.Echo = EchoMixed }), Client: h.client()})
		c.subscribe(EventResponse, DefaultAgentID)
		id := c.contact(phone1)
		for range 40 {
			c.call(id, "a1")
		}
		time.Sleep(time.Hour)
		n := 0
		for _, k := range h.all() {
			if echoed(k.body) == "a1" {
				n++
			}
		}
		if n < 8 || n > 32 || len(s.Rings()) != 40 {
			t.Errorf("%d of %d echoed", n, len(s.Rings()))
		}
	})
}

func TestReplyToACall(t *testing.T) {
	t.Parallel()
	for reply, holds := range map[CallReply]string{
		ReplyEmpty: `{}`, ReplyRecord: `"status":"NOT_STARTED"`, ReplyCallID: `"call_id":"`, ReplyForeignID: `"id":"`,
	} {
		t.Run(string(reply), func(t *testing.T) {
			t.Parallel()
			s, c := overTCP(t, Config{Profile: quiet(func(p *Profile) { p.API.CallReply = reply })})
			a := c.call(c.contact(phone1), "a")
			if !strings.Contains(string(a.data), holds) {
				t.Errorf("data %s", a.data)
			}
			names := strings.Contains(string(a.data), s.Rings()[0].CallID)
			if names != (reply == ReplyRecord || reply == ReplyCallID) {
				t.Errorf("data %s, the call is %s", a.data, s.Rings()[0].CallID)
			}
		})
	}
}

// A mixed world must reach every form that a client has to read.
func TestMixedWorldsShowEveryForm(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	see := func(form string, is bool) {
		if is {
			all[form] = true
		}
	}
	synctest.Test(t, func(t *testing.T) {
		for seed := range 12 {
			h := &hooks{}
			_, c := inBubble(t, Config{
				Seed: uint64(seed), Client: h.client(), Limit: Limit{NoFixed: true, NoSliding: true},
				Profile: quiet(func(p *Profile) { p.Records.Shape, p.API.CallReply = ShapeMixed, ReplyMixed }),
			})
			c.subscribe(EventResponse, DefaultAgentID)
			for i := range 20 {
				a := c.call(c.contact(fmt.Sprintf("+1212555%04d", i)), "a")
				see("call: empty", string(a.data) == "{}")
				see("call: record", strings.Contains(string(a.data), `"start_time"`))
				see("call: call_id", strings.Contains(string(a.data), `{"call_id"`))
				see("call: nested", strings.Contains(string(a.data), `{"response":{"id"`))
				see("no error key", len(a.err) == 0)
			}
			time.Sleep(time.Hour)
			for _, k := range h.all() {
				call, is := k.body["call"].(map[string]any)
				see("hook: documented", is)
				see("hook: metadata in call", call["metadata"] != nil)
				see("hook: wrapped", k.body["type"] == EventResponse && k.body["data"] != nil)
				see("hook: real", k.body["type"] == "PHONE_CALL")
				_, number := k.body["duration_ms"].(float64)
				see("hook: duration is a number", number)
				_, lines := k.body["transcript"].([]any)
				see("hook: transcript is an array", lines && !is)
				see("hook: real with custom_fields", k.body["custom_fields"] != nil && !is)
				status, _ := k.body["status"].(string)
				see("hook: status synonym", status == "FINISHED")
			}
			a := c.want(200, "GET", "/interview/"+DefaultAgentID+"/responses", "")
			see("list: bare", strings.HasPrefix(string(a.data), "["))
			see("list: responses", strings.HasPrefix(string(a.data), `{"responses":`))
			see("list: other key", strings.HasPrefix(string(a.data), `{"calls":`))
			a = c.want(404, "GET", "/contact/x", "")
			see("error: text", strings.HasPrefix(string(a.err), `"`))
			see("error: object", strings.HasPrefix(string(a.err), `{"message`))
			see("error: code", strings.HasPrefix(string(a.err), `{"code`))
			see("error: array", strings.HasPrefix(string(a.err), `[`))
		}
	})
	if want := 20; len(all) != want {
		t.Errorf("%d forms of %d seen: %v", len(all), want, all)
	}
}

func TestListingOfCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := inBubble(t, Config{Profile: quiet(func(p *Profile) {
			p.People.Phones = map[string][]Outcome{phone2: {NoAnswer}}
			p.API.ListLag = 30
		})})
		for i, phone := range []string{phone1, phone2, phone3} {
			c.call(c.contact(phone), fmt.Sprint("try-", i))
			time.Sleep(time.Second)
		}
		list := func(query string) (phones []string) {
			t.Helper()
			var data struct {
				Responses []struct {
					Phone string `json:"phone_number"`
				}
			}
			c.want(200, "GET", "/interview/"+DefaultAgentID+"/responses?"+query, "").into(t, &data)
			for _, k := range data.Responses {
				phones = append(phones, k.Phone)
			}
			return phones
		}
		if got := list(""); got != nil {
			t.Errorf("listed before the lag is over: %v", got)
		}
		time.Sleep(10 * time.Minute)
		for query, want := range map[string][]string{
			"":                              {phone3, phone2, phone1},
			"limit=2":                       {phone3, phone2},
			"limit=2&page=1":                {phone1},
			"page=9":                        nil,
			"search=try-1":                  {phone2},
			"search=%2B12125550111":         {phone1},
			"search=nothing":                nil,
			"status=NO_ANSWER":              {phone2},
			"status=failure":                {phone2},
			"status=success&status=failure": {phone3, phone2, phone1},
			"job_id=7":                      nil,
			"response_tags=vip":             nil,
		} {
			if diff := cmp.Diff(want, list(query)); diff != "" {
				t.Errorf("%s:\n%s", query, diff)
			}
		}
		set := func(f func(*API)) {
			p := s.Profile()
			f(&p.API)
			if err := s.SetProfile(p); err != nil {
				t.Fatal(err)
			}
		}
		set(func(a *API) { a.Order = OrderOldest })
		if diff := cmp.Diff([]string{phone1, phone2}, list("limit=2")); diff != "" {
			t.Error(diff)
		}
		set(func(a *API) { a.Order, a.Search, a.ListTotal = OrderRandom, SearchPhone, true })
		both := append(list("limit=2"), list("limit=2&page=1")...)
		slices.Sort(both)
		if diff := cmp.Diff([]string{phone1, phone2, phone3}, both); diff != "" {
			t.Errorf("pages in random order lose calls:\n%s", diff)
		}
		if got := list("search=try-1"); got != nil {
			t.Errorf("search=phone looked at metadata: %v", got)
		}
		set(func(a *API) { a.Search = SearchIgnored })
		if got := list("search=nothing"); len(got) != 3 {
			t.Errorf("search=ignored: %v", got)
		}
	})
}
