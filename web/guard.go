package web

import (
	"net"
	"net/http"
	"strings"
)

// guard is around every request: only reads and lists that are sent in, only from where the page may be opened, and nothing that a page
// elsewhere could frame, sniff, keep or send.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case !read && (s.Imports == nil || r.Method != http.MethodPost || r.URL.Path != importsPath):
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "only GET: nothing can be changed here, use the command line", http.StatusMethodNotAllowed)
		case !s.mayAsk(r):
			http.Error(w, "this listener is for this machine only, and a page elsewhere may not ask it: open it as localhost or 127.0.0.1, "+
				"or have your proxy send that as the Host", http.StatusMisdirectedRequest)
		case !read && !ofHere(r):
			http.Error(w, "lists are taken from this machine only, for nobody has to sign in here: use dialerd import, or come through ssh -L or "+
				"kubectl port-forward", http.StatusForbidden)
		case !read && cross.Check(r) != nil:
			http.Error(w, "a page elsewhere may not send lists", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// cross finds what the browser sends for a page from elsewhere.
var cross = http.NewCrossOriginProtection()

// ofHere reports whether a request came in over loopback.
func ofHere(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return !ok || local.IP.IsLoopback()
}

// mayAsk refuses a request that reaches loopback under a name of somebody else's, which is how a page in the operator's own browser
// would read this one (DNS rebinding). On other addresses the name is the business of who opened them.
func (s *server) mayAsk(r *http.Request) bool {
	if !ofHere(r) {
		return true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	// An address is no name: nobody's DNS can point it elsewhere.
	return net.ParseIP(host) != nil || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
