package store

import (
	"bufio"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/store/redistest"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	type want struct {
		Addrs            []string
		User, Password   string
		DB               int
		Master, Network  string
		Cluster, TLS     bool
		SentinelPassword string
	}
	for url, w := range map[string]want{
		"redis://h":                                {Addrs: []string{"h:6379"}},
		"redis://127.0.0.1:7000/3":                 {Addrs: []string{"127.0.0.1:7000"}, DB: 3},
		"redis://[::1]:7000?db=2":                  {Addrs: []string{"[::1]:7000"}, DB: 2},
		"redis://:s%40c%2Fret@h:1/0":               {Addrs: []string{"h:1"}, Password: "s@c/ret"},
		"rediss://bob:raw@pass@h":                  {Addrs: []string{"h:6379"}, User: "bob", Password: "raw@pass", TLS: true},
		"redis://a:1,b:2":                          {Addrs: []string{"a:1", "b:2"}, Cluster: true},
		"redis+cluster://a":                        {Addrs: []string{"a:6379"}, Cluster: true},
		"rediss+cluster://u:p@a,b":                 {Addrs: []string{"a:6379", "b:6379"}, User: "u", Password: "p", Cluster: true, TLS: true},
		"redis+sentinel://a,b:7/mymaster":          {Addrs: []string{"a:26379", "b:7"}, Master: "mymaster"},
		"sentinel://:p@a:1,b:2/m/4":                {Addrs: []string{"a:1", "b:2"}, Password: "p", Master: "m", DB: 4},
		"redis+sentinel://a/m?sentinel_password=x": {Addrs: []string{"a:26379"}, Master: "m", SentinelPassword: "x"},
		"unix:///run/redis.sock":                   {Addrs: []string{"/run/redis.sock"}, Network: "unix"},
		"unix://u:p@/run/redis.sock?db=5":          {Addrs: []string{"/run/redis.sock"}, Network: "unix", User: "u", Password: "p", DB: 5},
	} {
		a, err := parseAddress(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got := want{
			a.Addrs, a.Username, a.Password, a.DB, a.MasterName, a.network, a.IsClusterMode, a.TLSConfig != nil, a.SentinelPassword,
		}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", url, diff)
		}
	}
}

func TestNoErrorShowsThePassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"127.0.0.1:6379":                           "not a URL",
		"http://:hunter2@h":                        "unknown scheme",
		"redis+magic://:hunter2@h":                 "unknown scheme",
		"redis://:hunter2@":                        "no host",
		"redis://:hunter2@h:port":                  `host "h:port"`,
		"redis://:hunter2@h:99999":                 "want host:port",
		"redis://:hunter2@h/none":                  `database "none"`,
		"redis://:hunter2@h/1?db=2":                "stands both",
		"redis://:hunter2@h?colour=red":            `unknown setting "colour"`,
		"redis://:hunter2@h?sentinel_password=%zz": "key=value",
		"redis://:hunter2%zz@h":                    "percent sign",
		"redis+sentinel://:hunter2@h":              "name of the master",
		"redis+cluster://:hunter2@h/3":             "one database",
		"unix://:hunter2@":                         "no path",
		"redis://:hunter2@127.0.0.1:1":             "is Redis running there",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := Open(ctx, url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", url, err)
		}
	}
}

func TestOpenConnects(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.Options{})
	client, err := Open(t.Context(), server.URL()+"?db=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := New(client, Options{}).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	o := client.(*redis.Client).Options()
	if o.MaxRetries != 0 || !o.ContextTimeoutEnabled || o.DB != 1 {
		t.Errorf("retries %d, context timeout %t, db %d", o.MaxRetries, o.ContextTimeoutEnabled, o.DB)
	}
}

func TestOpenSaysWhatIsWrongWithThePassword(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.Options{})
	if err := server.Client(t).ConfigSet(t.Context(), "requirepass", "hunter2").Err(); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		server.URL(): "name the password",
		strings.Replace(server.URL(), "://", "://:wrongsecret@", 1): "check user and password",
	} {
		_, err := Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "wrongsecret") {
			t.Errorf("got %v, want something about %q", err, want)
		}
	}
	client, err := Open(t.Context(), strings.Replace(server.URL(), "://", "://:hunter2@", 1))
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
}

// loading is a server that answers a number of pings as Redis does while it reads its data.
func loading(t *testing.T, pings int64) (addr string) {
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var left atomic.Int64
	left.Store(pings)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					word := strings.ToLower(lines.Text())
					answer := ""
					switch {
					case word == "ping" && left.Add(-1) >= 0:
						answer = "-LOADING Redis is loading the dataset in memory\r\n"
					case word == "ping":
						answer = "+PONG\r\n"
					case word == "hello" || word == "client":
						answer = "-ERR unknown command\r\n"
					}
					if _, err := conn.Write([]byte(answer)); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestOpenWaitsWhileRedisLoads(t *testing.T) {
	t.Parallel()
	client, err := Open(t.Context(), "redis://"+loading(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, "redis://"+loading(t, 1<<40)); err == nil || !strings.Contains(err.Error(), "LOADING") {
		t.Errorf("got %v, want that it still loads", err)
	}
}
