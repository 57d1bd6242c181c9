package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/dialerd/dialerd/thoughtly"
)

// CheckURL says what is wrong with a public_url: Thoughtly posts what people said there, so it is https, or http on loopback. It
// shows no password that may be in it.
func CheckURL(publicURL string) error {
	const example = "such as https://d.example.com"
	if strings.TrimSpace(publicURL) == "" {
		return errors.New("public_url: is empty; set it to where Thoughtly reaches the listen address, " + example)
	}
	u, err := url.Parse(publicURL)
	if err != nil {
		return errors.New("public_url: is not a URL; set it to an address " + example) // the cause would repeat it, password included
	}
	bad := func(what string) error { return fmt.Errorf("public_url %q: %s", u.Redacted(), what) }
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Opaque != "":
		return bad("must begin with https://; set it to an address " + example)
	case u.Hostname() == "":
		return bad("names no host; set it to an address " + example)
	case u.User != nil:
		return bad("must not hold a user or password; take them out, events are let in by the secret in their path")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return bad("must end before any ? or #; take that part out")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return bad("http would show calls to everybody on the way; put a proxy with a certificate in front and write https://, or use a loopback address for trials")
	}
	return nil
}

func loopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// base is a public_url in the one spelling in which it is handed out and compared: no slash at the end, host in lower case, no
// port that goes without saying.
func base(publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return strings.TrimRight(publicURL, "/")
	}
	u.Host = strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if u.Scheme == scheme {
			u.Host = strings.TrimSuffix(u.Host, port)
		}
	}
	return strings.TrimRight(u.String(), "/")
}

// Prefix is the path of a public_url, for Handler.Prefix.
func Prefix(publicURL string) string {
	u, err := url.Parse(base(publicURL))
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// AutomationURL is where a team's Automations post to.
func AutomationURL(publicURL, team string) string {
	return base(publicURL) + automationPath + url.PathEscape(team)
}

// hooks are the subscriptions that a team needs: for each agent one for each kind of event, each at its own address.
func hooks(publicURL, secret, team string, agents []string) []thoughtly.Subscription {
	var subs []thoughtly.Subscription
	for _, agent := range agents {
		for _, kind := range []string{KindResponse, KindTransfer} {
			path := strings.Join([]string{secret, url.PathEscape(team), kind, url.PathEscape(agent)}, "/")
			subs = append(subs, thoughtly.Subscription{Type: kind, URL: base(publicURL) + hooksPath + path, Data: agent})
		}
	}
	return subs
}

// ours reads an address back; ok is false if it was not made by hooks with this public_url, whatever the secret.
func ours(publicURL, address string) (d door, ok bool) {
	rest, ok := strings.CutPrefix(address, base(publicURL)+hooksPath)
	if !ok {
		return door{}, false
	}
	d, _, ok = splitHook(rest)
	return d, ok
}
