package thoughtly

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rawServer answers each connection with serve, told how many there were before. It closes with the test.
func rawServer(t *testing.T, serve func(n int, c *net.TCPConn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = ln.Close(); all.Wait() })
	all.Go(func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { defer c.Close(); serve(n, c.(*net.TCPConn)) })
		}
	})
	return "http://" + ln.Addr().String()
}

// readRequest reads one request with its body.
func readRequest(r *bufio.Reader) error {
	req, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err
}

func reset(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }

// onceRead serves a connection's first request with then.
func onceRead(then func(c *net.TCPConn)) func(int, *net.TCPConn) {
	return func(_ int, c *net.TCPConn) {
		if readRequest(bufio.NewReader(c)) == nil {
			then(c)
		}
	}
}

func writes(text string) func(*net.TCPConn) {
	return func(c *net.TCPConn) { _, _ = io.WriteString(c, text) }
}

func TestEveryFailureOnTheWireSaysWhetherTheCallMayHaveRung(t *testing.T) {
	t.Parallel()
	var (
		unused   = Reply{}
		lost     = Reply{Sent: true}
		answered = Reply{Sent: true, Answered: true}
	)
	hold := func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }
	tests := []struct {
		name  string
		url   func(t *testing.T) string
		set   func(c *Client)
		kind  Kind
		slot  Reply
		cause error
		says  string
	}{
		{name: "refused", url: func(t *testing.T) string { return closedPort(t) }, kind: KindNotSent, slot: unused, cause: syscall.ECONNREFUSED},
		{name: "no such host", url: func(*testing.T) string { return "http://api.example.com" }, set: func(c *Client) {
			c.wire().dial = func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true}}
			}
		}, kind: KindNotSent, slot: unused, says: "no such host"},
		{name: "dialling takes too long", url: func(*testing.T) string { return "http://api.example.com" }, set: func(c *Client) {
			c.Timeout = 50 * time.Millisecond
			c.wire().dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		}, kind: KindNotSent, slot: unused, cause: errDeadline},
		{name: "no TLS there", url: func(t *testing.T) string {
			return strings.Replace(newAPI(t, says(200, "")).URL, "http", "https", 1)
		}, kind: KindNotSent, slot: unused, says: "tls"},
		{name: "certificate of a stranger", url: func(t *testing.T) string {
			s := httptest.NewUnstartedServer(says(200, ""))
			s.Config.ErrorLog = quiet
			s.StartTLS()
			t.Cleanup(s.Close)
			return s.URL
		}, kind: KindNotSent, slot: unused, says: "certificate"},
		{name: "TLS handshake never ends", url: func(t *testing.T) string {
			return strings.Replace(rawServer(t, func(_ int, c *net.TCPConn) { hold(c) }), "http", "https", 1)
		}, set: func(c *Client) { c.Timeout = 50 * time.Millisecond }, kind: KindNotSent, slot: unused, cause: errDeadline},
		{name: "closed after the request", url: func(t *testing.T) string { return rawServer(t, onceRead(func(*net.TCPConn) {})) }, kind: KindAmbiguous, slot: lost, cause: io.EOF},
		{name: "reset after the request", url: func(t *testing.T) string { return rawServer(t, onceRead(reset)) }, kind: KindAmbiguous, slot: lost, cause: syscall.ECONNRESET},
		{name: "no reply in time", url: func(t *testing.T) string { return rawServer(t, onceRead(hold)) }, set: func(c *Client) { c.Timeout = 50 * time.Millisecond }, kind: KindAmbiguous, slot: lost, cause: errDeadline, says: "no reply by the deadline"},
		{name: "a reply that is no HTTP and shows the token", url: func(t *testing.T) string { return rawServer(t, onceRead(writes(token+"\r\n\r\n"))) }, kind: KindAmbiguous, slot: lost},
		{name: "endless headers", url: func(t *testing.T) string {
			return rawServer(t, onceRead(writes("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")))
		}, kind: KindAmbiguous, slot: lost},
		{name: "the reply breaks off", url: func(t *testing.T) string {
			return rawServer(t, onceRead(writes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":{}")))
		}, kind: KindAmbiguous, slot: answered, cause: io.ErrUnexpectedEOF, says: "broke off"},
		{name: "the reply is a drip", url: func(t *testing.T) string {
			return rawServer(t, onceRead(func(c *net.TCPConn) { writes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")(c); hold(c) }))
		}, set: func(c *Client) { c.Timeout = 50 * time.Millisecond }, kind: KindAmbiguous, slot: answered, cause: errDeadline, says: "deadline"},
		{name: "the reply is huge", url: func(t *testing.T) string {
			return newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				for range maxBody>>10 + 2 {
					_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<10))
				}
			}).URL
		}, kind: KindAmbiguous, slot: answered, says: "longer than 4 MiB"},
		{name: "a huge refusal is a refusal", url: func(t *testing.T) string {
			return newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				for range maxBody>>10 + 2 {
					_, _ = w.Write(bytes.Repeat([]byte("no "), 350))
				}
			}).URL
		}, kind: KindRejected, slot: answered},
		{name: "a zipped reply nobody asked for", url: func(t *testing.T) string {
			return newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = z.Write(bytes.Repeat([]byte(" "), 2*maxBody))
				_ = z.Close()
			}).URL
		}, kind: KindAmbiguous, slot: answered, says: "not JSON"},
		{name: "switching protocols", url: func(t *testing.T) string {
			return rawServer(t, onceRead(writes("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")))
		}, kind: KindAmbiguous, slot: answered},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, l := newClient(t, tt.url(t))
			if tt.set != nil {
				tt.set(c)
			}
			_, err := place(t, c)
			e := failure(t, err)
			if e.Kind != tt.kind || e.MayHaveRung() != (tt.kind == KindAmbiguous) || e.Sent != tt.slot.Sent {
				t.Errorf("got %v, sent %t, may have rung %t", err, e.Sent, e.MayHaveRung())
			}
			if e.Kind == KindNotSent && !tt.slot.Sent {
				if again, after := e.Retry(); !again || after <= 0 || e.Fault() != FaultNetwork {
					t.Errorf("retry %t after %s, fault %s", again, after, e.Fault())
				}
			}
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("cause is %v, want %v", errors.Unwrap(err), tt.cause)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("says %q, want %q in it", err, tt.says)
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), token) {
					t.Errorf("%T shows the token: %q", err, err)
				}
			}
			if _, replies := l.account(); !cmp.Equal(replies, []Reply{tt.slot}) {
				t.Errorf("slots %+v, want %+v", replies, tt.slot)
			}
		})
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

// A server that closes the connection instead of answering makes net/http send the request again on a new one, if it may.
func TestNothingIsSentTwiceWhenAKeptConnectionCloses(t *testing.T) {
	t.Parallel()
	for name, shut := range map[string]func(*net.TCPConn){"closed": func(*net.TCPConn) {}, "reset": reset} {
		var arrived atomic.Int32
		url := rawServer(t, func(_ int, c *net.TCPConn) {
			r := bufio.NewReader(c)
			for n := 0; readRequest(r) == nil; n++ {
				arrived.Add(1)
				if n == 1 {
					shut(c)
					return
				}
				writes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")(c)
			}
		})
		search := func(c *Client) error {
			_, err := c.SearchCalls(t.Context(), SearchCallsRequest{AgentID: "a"})
			return err
		}
		post := func(c *Client) error { _, err := place(t, c); return err }
		for what, do := range map[string]func(*Client) error{"POST": post, "GET": search, "DELETE": func(c *Client) error { return c.DeleteContact(t.Context(), "x") }} {
			arrived.Store(0)
			c, l := newClient(t, url)
			if err := search(c); err != nil {
				t.Fatal(err)
			}
			e := failure(t, do(c))
			if n := arrived.Load(); n != 2 || e.Kind != KindAmbiguous {
				t.Errorf("%s %s: %d requests arrived for 2, error %v", what, name, n, e)
			}
			if _, replies := l.account(); !cmp.Equal(replies, []Reply{{Sent: true, Answered: true}, {Sent: true}}) {
				t.Errorf("%s %s: slots %+v", what, name, replies)
			}
		}

		arrived.Store(0) // the control: net/http by itself does send again
		plain := &http.Client{Transport: &http.Transport{}}
		for range 2 {
			if resp, err := plain.Get(url); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}
		plain.CloseIdleConnections()
		if n := arrived.Load(); n != 3 {
			t.Errorf("control %s: %d requests arrived, want 3: this test cannot fail any more", name, n)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		a := newAPI(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/contact/call/elsewhere", status) })
		c, l := newClient(t, a.URL)
		if _, err := place(t, c); failure(t, err).Status != status {
			t.Errorf("%d: got %v", status, err)
		}
		if classes, _ := l.account(); len(a.requests()) != 1 || len(classes) != 1 {
			t.Errorf("%d: %d requests on %d slots", status, len(a.requests()), len(classes))
		}
	}
}

func TestCallsOverTLSUseHTTP1AndKeepTheConnection(t *testing.T) {
	t.Parallel()
	a := &api{}
	var conns atomic.Int32
	a.Server = httptest.NewUnstartedServer(a.keep(says(200, `{"data":{"call_id":"r1"}}`)))
	a.EnableHTTP2 = true
	a.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	a.StartTLS()
	t.Cleanup(a.Close)
	c, _ := newClient(t, a.URL)
	trust(c, a.Certificate())
	for range 3 {
		call, err := place(t, c)
		if err != nil || call.ID != "r1" {
			t.Fatal(call, err)
		}
	}
	for _, r := range a.requests() {
		if r.proto != "HTTP/1.1" {
			t.Errorf("sent as %s", r.proto)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections for 3 calls in a row", conns.Load())
	}
}

// The farewell of TLS would count as a part of the request, which then might have rung.
func TestClosingTLSWritesNothing(t *testing.T) {
	t.Parallel()
	cert := testCertificate(t)
	after := make(chan int64, 1)
	url := rawServer(t, func(_ int, c *net.TCPConn) {
		if err := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}).HandshakeContext(t.Context()); err != nil {
			t.Error(err)
		}
		n, _ := io.Copy(io.Discard, c)
		after <- n
	})
	for _, held := range []bool{true, false} {
		c, _ := newClient(t, url)
		trust(c, cert.Leaf)
		secured, err := c.wire().dialTLS(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		var l *lease
		if held {
			l = secured.(*conn).guard.arm(time.Now().Add(time.Minute))
		}
		_ = secured.Close()
		if n := <-after; n != 0 || l.abort() != 0 {
			t.Errorf("held %t: %d bytes arrived, %d counted", held, n, l.abort())
		}
	}
}

func trust(c *Client, cert *x509.Certificate) {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	c.wire().tls.RootCAs = pool
}

func TestAtTheDeadlineTheConnectionIsResetAndNotUsedAgain(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			var conns atomic.Int32
			cert := testCertificate(t)
			url := rawServer(t, func(n int, tcp *net.TCPConn) {
				conns.Add(1)
				var c net.Conn = tcp
				if scheme == "https" {
					c = tls.Server(tcp, &tls.Config{Certificates: []tls.Certificate{cert}})
				}
				r := bufio.NewReader(c)
				for readRequest(r) == nil {
					if n == 0 {
						_, err := r.ReadByte() // no answer: the client must end this
						ended <- err
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				}
			})
			c, _ := newClient(t, strings.Replace(url, "http", scheme, 1))
			trust(c, cert.Leaf)
			p := acquire(t, c)
			begun := time.Now()
			_, err := p.Call(t.Context(), CallRequest{ContactID: "c", AgentID: "a"}, p.Now().Add(100*time.Millisecond))
			if took := time.Since(begun); !errors.Is(err, errDeadline) || took < 50*time.Millisecond || took > 3*time.Second {
				t.Errorf("after %s: %v", took, err)
			}
			if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the server saw %v, want a reset", err)
			}
			if _, err := place(t, c); err != nil || conns.Load() != 2 {
				t.Errorf("the next call: %v, over connection %d", err, conns.Load())
			}
		})
	}
}

func TestACallerWhoGivesUpCutsTheConnection(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	arrived := make(chan struct{})
	url := rawServer(t, func(_ int, c *net.TCPConn) {
		r := bufio.NewReader(c)
		_ = readRequest(r)
		close(arrived)
		_, err := r.ReadByte()
		ended <- err
	})
	c, l := newClient(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	p := acquire(t, c)
	_, err := p.Call(ctx, CallRequest{ContactID: "c", AgentID: "a"}, p.Now().Add(time.Minute))
	if e := failure(t, err); !errors.Is(err, context.Canceled) || !e.MayHaveRung() || e.Fault() != FaultOurs {
		t.Errorf("got %v", err)
	}
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server saw %v, want a reset", err)
	}
	if _, replies := l.account(); !cmp.Equal(replies, []Reply{{Sent: true}}) {
		t.Errorf("slots %+v", replies)
	}
}

// What was written in part may be acted on by a careless server, so it counts as sent.
func TestHalfARequestCountsAsSent(t *testing.T) {
	t.Parallel()
	url := rawServer(t, func(_ int, c *net.TCPConn) {
		_, _ = io.ReadFull(c, make([]byte, 100))
		reset(c)
	})
	c, l := newClient(t, url)
	p := acquire(t, c)
	_, err := p.Call(t.Context(), CallRequest{ContactID: "c", AgentID: "a", Metadata: map[string]string{"k": strings.Repeat("x", 64<<20)}}, p.Now().Add(time.Minute))
	if e := failure(t, err); !e.Sent || !e.MayHaveRung() {
		t.Errorf("got %v, sent %t", err, e.Sent)
	}
	if _, replies := l.account(); !cmp.Equal(replies, []Reply{{Sent: true}}) {
		t.Errorf("slots %+v", replies)
	}
}

// Many callers give up at every stage of a request; what arrived was never more than what they were told may have been sent.
func TestWhatIsCalledNotSentNeverArrives(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	arrived := map[string]int{}
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		arrived[r.Header.Get("User-Agent")]++
		mu.Unlock()
		says(200, `{}`)(w, r)
	})
	base, _ := newClient(t, a.URL)
	var all sync.WaitGroup
	var told sync.Map
	gate := make(chan struct{}, 8)
	for i := range 400 {
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			c := base.As(ClassCall)
			c.UserAgent = "n" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
			p, err := c.Acquire(t.Context(), ClassCall)
			if err != nil {
				t.Error(err)
				return
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := time.AfterFunc(time.Duration(i%40)*20*time.Microsecond, cancel)
			defer stop.Stop()
			_, err = p.Call(ctx, CallRequest{ContactID: "c", AgentID: "a"}, p.Now().Add(time.Duration(200+i*5)*time.Microsecond))
			e, _ := errors.AsType[*Error](err)
			told.Store(c.UserAgent, e == nil || e.Sent)
		})
	}
	all.Wait()
	a.Close() // waits for what the server still works on
	mu.Lock()
	defer mu.Unlock()
	for name, n := range arrived {
		if sent, _ := told.Load(name); n > 1 || sent != true {
			t.Errorf("%s arrived %d times, and its caller was told sent=%v", name, n, sent)
		}
	}
}
