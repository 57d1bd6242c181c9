package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Durability is what a Redis server says about keeping what it was told.
type Durability struct {
	Version    string
	RunID      string // changes when the server was restarted
	Role       string // master or slave
	Replicas   int
	AppendOnly string // yes, no; "" when it does not say
	Fsync      string // always, everysec, no; "" when it does not say
	MaxMemory  int64  // bytes, 0 = no limit
	Policy     string // what is thrown away at MaxMemory; "" when it does not say

	// Old says that the server lacks commands that the scripts use. Empty = it does not, or does not tell its version.
	Old string
	// Evicts says that the server throws away what it was told, do-not-call lists included, while it runs. Empty = it does not.
	Evicts string
	// Unsafe says, one sentence each, what may lose the record of a call that rang. Empty = nothing is known to.
	Unsafe []string
	// Unknown says what the server did not tell.
	Unknown []string
}

// Safe reports whether nothing speaks against calling real people on this server.
func (d Durability) Safe() bool { return len(d.Unsafe) == 0 }

// Durability asks the server how it keeps its data. Servers that answer only some of the questions (miniredis, managed ones)
// are no error: what they do not say is in Unknown. Of a cluster, all masters are asked, and the first one's answers are returned
// with what is unsafe or unknown about any.
func (s *Store) Durability(ctx context.Context) (Durability, error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		d, err := durabilityOf(ctx, s.client)
		if err != nil {
			return Durability{}, fmt.Errorf("ask redis how it keeps data: %w", err)
		}
		return d, nil
	}
	var mu sync.Mutex
	var all []Durability
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		d, err := durabilityOf(ctx, node)
		if err != nil {
			return fmt.Errorf("%s: %w", node.Options().Addr, err)
		}
		for i := range d.Unsafe {
			d.Unsafe[i] = node.Options().Addr + ": " + d.Unsafe[i]
		}
		for i := range d.Unknown {
			d.Unknown[i] = node.Options().Addr + ": " + d.Unknown[i]
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, d)
		return nil
	})
	if err != nil {
		return Durability{}, fmt.Errorf("ask the redis cluster how it keeps data: %w", err)
	}
	if len(all) == 0 {
		return Durability{}, fmt.Errorf("ask the redis cluster how it keeps data: it has no masters")
	}
	slices.SortFunc(all, func(a, b Durability) int { return strings.Compare(a.RunID, b.RunID) })
	d := all[0]
	for _, other := range all[1:] {
		d.Unsafe = append(d.Unsafe, other.Unsafe...)
		d.Unknown = append(d.Unknown, other.Unknown...)
		d.Evicts, d.Old = cmp.Or(d.Evicts, other.Evicts), cmp.Or(d.Old, other.Old)
	}
	return d, nil
}

func durabilityOf(ctx context.Context, client redis.UniversalClient) (Durability, error) {
	var d Durability
	info := map[string]string{}
	for _, section := range []string{"server", "replication", "persistence", "memory"} {
		text, err := client.Info(ctx, section).Result()
		if err != nil && !isReply(err) {
			return d, err
		}
		for line := range strings.SplitSeq(text, "\n") {
			if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				info[k] = v
			}
		}
	}
	conf := map[string]string{}
	for _, name := range []string{"appendonly", "appendfsync", "maxmemory", "maxmemory-policy"} {
		got, err := client.ConfigGet(ctx, name).Result()
		if err != nil && !isReply(err) {
			return d, err
		}
		conf[name] = got[name]
	}
	d.Version, d.RunID, d.Role = info["redis_version"], info["run_id"], info["role"]
	d.Replicas, _ = strconv.Atoi(info["connected_slaves"]) // absent = none
	d.AppendOnly, d.Fsync, d.Policy = conf["appendonly"], conf["appendfsync"], conf["maxmemory-policy"]
	if d.AppendOnly == "" {
		d.AppendOnly = map[string]string{"0": "no", "1": "yes"}[info["aof_enabled"]]
	}
	if d.Policy == "" {
		d.Policy = info["maxmemory_policy"]
	}
	memory := conf["maxmemory"]
	if memory == "" {
		memory = info["maxmemory"]
	}
	d.MaxMemory, _ = strconv.ParseInt(memory, 10, 64) // absent = no limit
	d.judge()
	return d, nil
}

// leastMajor and leastMinor are the oldest version of Redis that knows every command of the scripts.
const leastMajor, leastMinor = 6, 2

// older reports whether a version is known to be before major.minor.
func older(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return err1 == nil && err2 == nil && (a < major || a == major && b < minor)
}

// isReply reports whether the server itself said no, in place of not being reached.
func isReply(err error) bool {
	_, ok := err.(redis.Error) //nolint:errorlint // go-redis returns a server's error reply unwrapped
	return ok
}

// judge says in words what the settings mean for the record.
func (d *Durability) judge() {
	if older(d.Version, leastMajor, leastMinor) {
		d.Old = fmt.Sprintf("it is version %s, and the record needs %d.%d or newer (XTRIM MINID): use a newer redis-server", d.Version, leastMajor, leastMinor)
	}
	switch {
	case d.AppendOnly == "no":
		d.Unsafe = append(d.Unsafe, "it keeps no append-only file, so a restart forgets calls that rang and they would ring again: "+
			"set appendonly yes and appendfsync always")
	case d.AppendOnly == "":
		d.Unknown = append(d.Unknown, "it does not say whether it keeps an append-only file (CONFIG GET appendonly, INFO persistence): "+
			"without one a restart forgets calls that rang")
	case d.Fsync == "everysec" || d.Fsync == "no":
		d.Unsafe = append(d.Unsafe, fmt.Sprintf("it syncs its append-only file with appendfsync %s, so a power cut forgets the calls "+
			"of its last seconds and they would ring again: set appendfsync always", d.Fsync))
	case d.Fsync == "":
		d.Unknown = append(d.Unknown, "it does not say how often it syncs its append-only file (CONFIG GET appendfsync)")
	}
	if d.Policy != "" && d.Policy != "noeviction" {
		d.Evicts = fmt.Sprintf("it throws data away once its memory is full (maxmemory-policy %s, maxmemory %d), do-not-call lists included: "+
			"set maxmemory-policy noeviction", d.Policy, d.MaxMemory)
		d.Unsafe = append(d.Unsafe, d.Evicts)
	}
	if d.Role == "slave" {
		d.Unsafe = append(d.Unsafe, "it is a replica and takes no writes: name its master")
	}
	if d.RunID == "" {
		d.Unknown = append(d.Unknown, "it does not say its run id (INFO server), so a restart is noticed late")
	}
}
