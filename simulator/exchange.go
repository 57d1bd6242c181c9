package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody is the largest request body in bytes.
const maxBody = 1 << 20

// exchange is one request on its way to a reply.
type exchange struct {
	r     *http.Request
	op    *operation
	id    string // {id} of the path
	body  []byte
	team  *team
	phone string   // whom it is about, when it says so
	fault *Fault   // what goes wrong with it
	entry *Request // in the log
}

// reply is what an operation answers. With an empty message, it is data.
type reply struct {
	status  int
	data    any
	message string
	header  http.Header
	raw     []byte // replaces the envelope
}

func ok(data any) reply { return reply{status: http.StatusOK, data: data} }

func refuse(status int, message string) reply { return reply{status: status, message: message} }

// ServeHTTP answers the twelve operations, and the admin surface under /_sim/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	if r.Body == nil {
		r.Body = http.NoBody // a client's request handed over as it is
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		panic(http.ErrAbortHandler) // it never arrived as a whole
	}
	lag, before := s.latency()
	if !s.pause(r.Context(), before) {
		panic(http.ErrAbortHandler)
	}
	x := &exchange{r: r, body: body}
	rep := s.arrive(x)
	if x.fault != nil {
		s.goWrong(w, x, rep, lag-before) //nolint:contextcheck // x carries the request
		return
	}
	if rep == nil {
		done := x.op.handle(s, x)
		rep = &done
	}
	s.pause(r.Context(), lag-before)
	s.finish(w, x, *rep)
}

func (s *Server) latency() (total, before time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts.arrivals++
	l := s.profile.API.Latency
	total = l.draw(roll(s.cfg.Seed, "latency", strconv.Itoa(s.facts.arrivals)))
	return total, time.Duration(float64(total) * l.Before)
}

// arrive logs and counts a request and decides its fault. It returns the reply of what gets no further.
func (s *Server) arrive(x *exchange) *reply {
	op, id, status := route(x.r.Method, x.r.URL.Path)
	x.op, x.id = op, id
	about := x.about()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	x.team = s.authenticate(x.r.Header)
	x.entry = s.logRequest(x, now)
	if x.team == nil {
		if op == nil || !op.open {
			r := refuse(http.StatusUnauthorized, "x-api-token and team_id of one active team are required")
			return &r
		}
	} else {
		if x.phone == "" && about.ContactID != "" {
			if c := x.team.contacts.byID[about.ContactID]; c != nil {
				x.phone = c.Phone
			}
		}
		x.entry.Phone = x.phone
		if wait := x.team.limiter.arrive(s.cfg.Limit, now); wait > 0 {
			r := refuse(http.StatusTooManyRequests, "too many requests")
			if s.cfg.Limit.RetryAfter {
				r.header = retryAfter(wait)
			}
			return &r
		}
		x.fault = s.pickFault(x, now)
	}
	if op == nil {
		r := refuse(status, strings.ToLower(http.StatusText(status)))
		return &r
	}
	return nil
}

// about is what a body says of whom it is about; it fills x.phone.
func (x *exchange) about() (about struct {
	ContactID string `json:"contact_id"`
	Phone     string `json:"phone_number"`
},
) {
	if x.op != nil && (x.op.name == OpCall || x.op.name == OpCreate) {
		_ = json.Unmarshal(x.body, &about) // a bad body is about nobody; the operation says what is wrong with it
		x.phone = about.Phone
	}
	return about
}

func retryAfter(wait time.Duration) http.Header {
	h := http.Header{}
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return h
}

// finish notes the status and writes the reply.
func (s *Server) finish(w http.ResponseWriter, x *exchange, rep reply) {
	body := rep.raw
	s.mu.Lock()
	x.entry.Status = rep.status
	if body == nil {
		body = s.envelope(x, rep)
	}
	s.mu.Unlock()
	maps.Copy(w.Header(), rep.header)
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(body) //nolint:gosec // JSON, and a client that has gone cannot be told
}

// envelope is the body of every regular reply: {data, error}. The mutex is held.
func (s *Server) envelope(x *exchange, rep reply) []byte {
	op := opNone
	if x.op != nil {
		op = x.op.name
	}
	shape, d := s.profile.Records.Shape, roll(s.cfg.Seed, "envelope", op, strconv.Itoa(len(s.requests)))
	out := map[string]any{"data": rep.data, "error": nil}
	switch {
	case rep.message != "":
		code := strings.ReplaceAll(strings.ToLower(http.StatusText(rep.status)), " ", "_")
		forms := []any{
			map[string]any{"message": rep.message},
			map[string]any{"code": code, "message": rep.message},
			rep.message,
			[]any{map[string]any{"message": rep.message}},
		}
		switch shape {
		case ShapeDocumented:
			out["data"], out["error"] = map[string]any{}, forms[1]
		case ShapeMixed:
			out["data"], out["error"] = pick[any](d, nil, map[string]any{}), pick(d, forms...)
		case ShapeReal:
			fallthrough
		default:
			out["error"] = forms[0]
		}
	case shape == ShapeMixed && d.hit(0.3):
		delete(out, "error") // documented as null or absent
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic("simulator: a reply that is no JSON: " + err.Error())
	}
	return append(b, '\n')
}
