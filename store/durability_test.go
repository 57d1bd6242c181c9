package store

import (
	"strings"
	"testing"

	"github.com/dialerd/dialerd/store/redistest"
)

func TestDurabilityNamesWhatMayLoseCalls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options redistest.Options
		unsafe  []string
	}{
		"nothing is kept":    {redistest.Options{}, []string{"appendonly yes"}},
		"all is kept":        {redistest.Options{AppendOnly: true}, nil},
		"synced each second": {redistest.Options{AppendOnly: true, Args: []string{"--appendfsync", "everysec"}}, []string{"appendfsync everysec"}},
		"evicts": {
			redistest.Options{AppendOnly: true, Args: []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}},
			[]string{"maxmemory-policy allkeys-lru"},
		},
		"would evict, has no limit": {
			redistest.Options{AppendOnly: true, Args: []string{"--maxmemory-policy", "allkeys-lru"}}, []string{"maxmemory-policy allkeys-lru, maxmemory 0"},
		},
		"all at once": {
			redistest.Options{Args: []string{"--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"}},
			[]string{"appendonly yes", "maxmemory-policy volatile-ttl"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := New(redistest.StartServer(t, c.options).Client(t), Options{}).Durability(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if d.Version == "" || len(d.RunID) != 40 || d.Role != "master" || len(d.Unknown) > 0 {
				t.Errorf("got %+v", d)
			}
			if len(d.Unsafe) != len(c.unsafe) || d.Safe() != (len(c.unsafe) == 0) {
				t.Fatalf("got %q, want something about %q", d.Unsafe, c.unsafe)
			}
			if strings.Contains(strings.Join(c.unsafe, " "), "maxmemory-policy") != (d.Evicts != "") {
				t.Errorf("Evicts is %q", d.Evicts)
			}
			for i, want := range c.unsafe {
				if !strings.Contains(d.Unsafe[i], want) {
					t.Errorf("got %q, want something about %q", d.Unsafe[i], want)
				}
			}
		})
	}
}

func TestDurabilityOfAServerThatDoesNotSay(t *testing.T) {
	t.Parallel()
	d, err := New(redistest.Mini(t), Options{}).Durability(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !d.Safe() || len(d.Unknown) == 0 {
		t.Errorf("got %+v, want all of it unknown", d)
	}
}

func TestDurabilityOfAReplica(t *testing.T) {
	t.Parallel()
	var d Durability
	d.Role, d.AppendOnly, d.Fsync, d.RunID = "slave", "yes", "always", "x"
	d.judge()
	if len(d.Unsafe) != 1 || !strings.Contains(d.Unsafe[0], "replica") {
		t.Errorf("got %q", d.Unsafe)
	}
}
