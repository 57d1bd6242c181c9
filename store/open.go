package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// The forms of address that Open reads, for error texts and documentation.
const addressForms = "redis://[user:password@]host:port/db, rediss://… (TLS), unix:///path/to/socket?db=0, " +
	"redis+sentinel://host:port,host:port/master/db or redis+cluster://host:port,host:port"

// address is what a Redis URL says.
type address struct {
	redis.UniversalOptions
	network string // "unix", or "" for TCP
	shown   string // the URL without what must not be shown
}

// Open connects to the Redis that a URL names and waits until it answers; a server that is still loading its data is waited for
// until ctx ends. The client never runs a command twice by itself, and gives up when the context of a call ends.
//
// The forms are redis:// and rediss:// (TLS), unix://, sentinel ("redis+sentinel://host:port,host:port/master/db", or sentinel://)
// and cluster ("redis+cluster://host:port,host:port", or several hosts). Passwords with special letters are percent-encoded; the
// query may hold sentinel_username and sentinel_password. No error shows a password.
func Open(ctx context.Context, rawURL string) (redis.UniversalClient, error) {
	a, err := parseAddress(rawURL)
	if err != nil {
		return nil, err
	}
	client := a.client()
	if err := Wait(ctx, client); err != nil {
		_ = client.Close() // it never worked
		return nil, fmt.Errorf("connect to %s: %w%s", a.shown, err, advice(err))
	}
	return client, nil
}

// Wait waits until Redis answers, as long as the only thing against it is that it still loads its data.
func Wait(ctx context.Context, client redis.UniversalClient) error {
	const pause = 100 * time.Millisecond
	var loading error
	for {
		err := client.Ping(ctx).Err()
		switch {
		case redis.HasErrorPrefix(err, "LOADING"):
			loading = err
		case err != nil && loading != nil && ctx.Err() != nil:
			return loading // more telling than that the time is over
		default:
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return loading
		case <-timer.C:
		}
	}
}

// advice says how to mend what stands against a connection.
func advice(err error) string {
	var op *net.OpError
	switch {
	case redis.HasErrorPrefix(err, "NOAUTH"):
		return "; name the password in the URL: redis://:PASSWORD@host:port"
	case redis.HasErrorPrefix(err, "WRONGPASS"):
		return "; check user and password in the URL"
	case errors.As(err, &op):
		return "; is Redis running there, and is the URL right?"
	}
	return ""
}

// mostConnections of one process: for its workers (64 unless told otherwise), and for webhooks beside them. Where Redis syncs each write
// to disk it does so once for all that came in meanwhile: those who wait for a connection here miss that.
const mostConnections = 128

func (a *address) client() redis.UniversalClient {
	o := a.UniversalOptions
	o.PoolSize = mostConnections
	o.MaxRetries = -1 // a lost reply must not run a script twice behind our back
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if a.network == "unix" {
		simple := o.Simple()
		simple.Network = a.network
		return redis.NewClient(simple)
	}
	return redis.NewUniversalClient(&o)
}

// parseAddress reads a Redis URL. It does so by hand: net/url knows one host only, and shows the password in its errors.
func parseAddress(raw string) (*address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return nil, fmt.Errorf("redis: not a URL; want %s", addressForms)
	}
	rest, query, _ := strings.Cut(rest, "?")
	user := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, rest = rest[:at], rest[at+1:]
	}
	a := &address{shown: scheme + "://" + rest}
	name, secret, _ := strings.Cut(user, ":")
	var err1, err2 error
	a.Username, err1 = url.PathUnescape(name)
	a.Password, err2 = url.PathUnescape(secret)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("redis %s: user or password: a percent sign must be written %%25", a.shown)
	}
	if err := a.fill(scheme, rest, query); err != nil {
		return nil, fmt.Errorf("redis %s: %w; want %s", a.shown, err, addressForms)
	}
	return a, nil
}

// fill reads what stands behind user and password.
func (a *address) fill(scheme, rest, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("what follows the question mark is not key=value&key=value")
	}
	transport, kind, _ := strings.Cut(scheme, "+")
	if transport == "sentinel" {
		transport, kind = "redis", "sentinel"
	}
	switch {
	case transport == "unix" && kind == "":
		a.network, a.Addrs = "unix", []string{rest}
		if rest == "" {
			return errors.New("no path to the socket")
		}
		return a.settings(values, "db")
	case transport != "redis" && transport != "rediss":
		return fmt.Errorf("unknown scheme %q", scheme)
	}
	hosts, path, _ := strings.Cut(rest, "/")
	port := "6379"
	if kind == "sentinel" {
		port = "26379"
	}
	if a.Addrs, err = splitHosts(hosts, port); err != nil {
		return err
	}
	if transport == "rediss" {
		host, _, _ := net.SplitHostPort(a.Addrs[0])
		a.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
		if len(a.Addrs) > 1 || kind != "" {
			a.TLSConfig.ServerName = "" // each host by its own name
		}
	}
	switch kind {
	case "":
		a.IsClusterMode = len(a.Addrs) > 1
	case "cluster":
		a.IsClusterMode = true
	case "sentinel":
		a.MasterName, path, _ = strings.Cut(path, "/")
		if a.MasterName == "" {
			return errors.New("no name of the master after the hosts")
		}
	default:
		return fmt.Errorf("unknown scheme %q", scheme)
	}
	if path != "" {
		if values.Has("db") {
			return errors.New("the database stands both in the path and behind the question mark")
		}
		values.Set("db", path)
	}
	if a.IsClusterMode && values.Has("db") {
		return errors.New("a cluster has one database only, name none")
	}
	return a.settings(values, "db", "sentinel_username", "sentinel_password")
}

func (a *address) settings(values url.Values, known ...string) error {
	for key := range values {
		found := false
		for _, k := range known {
			found = found || k == key
		}
		if !found {
			return fmt.Errorf("unknown setting %q", key)
		}
	}
	if db := values.Get("db"); db != "" {
		n, err := strconv.Atoi(db)
		if err != nil || n < 0 {
			return fmt.Errorf("database %q is not a number", db)
		}
		a.DB = n
	}
	a.SentinelUsername, a.SentinelPassword = values.Get("sentinel_username"), values.Get("sentinel_password")
	return nil
}

func splitHosts(hosts, port string) ([]string, error) {
	var addrs []string
	for host := range strings.SplitSeq(hosts, ",") {
		if host == "" {
			return nil, errors.New("no host")
		}
		h, p, err := net.SplitHostPort(host)
		if err != nil {
			h, p = strings.Trim(host, "[]"), port
		}
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 || h == "" {
			return nil, fmt.Errorf("host %q: want host:port", host)
		}
		addrs = append(addrs, net.JoinHostPort(h, p))
	}
	return addrs, nil
}
