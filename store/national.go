package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// NationalList is one version of a country's do-not-call list, for all teams of this Redis. It is replaced as a whole.
type NationalList struct {
	Country string // ISO 3166
	Date    time.Time
	Numbers int
	Source  string // the file that it came from
	By      string
	At      time.Time // when it was loaded

	version string
	buckets uint64
}

// nationalRecord is the list as it is kept.
type nationalRecord struct {
	Version string    `json:"v"`
	Buckets uint64    `json:"n"`
	Date    string    `json:"date"`
	Numbers int       `json:"numbers"`
	Source  string    `json:"source,omitempty"`
	By      string    `json:"by,omitempty"`
	At      time.Time `json:"at"`
}

const (
	// nationalPerBucket is how many numbers share a set: few enough for Redis to keep them as an array of integers, and enough that the
	// set's own cost is small beside them.
	nationalPerBucket = 200
	// nationalLoad is the longest time that loading a list may take: what began before that and never ended is removed.
	nationalLoad = time.Hour
)

func nationalKey(version string, bucket uint64) string {
	return teamKey(globalTeam, "national:"+version+":"+strconv.FormatUint(bucket, 10))
}

// ReplaceNational puts a list in force in place of its country's older one. Numbers are E.164 without the plus sign, in any order; they are
// sorted in place. Until the last of them is written the older list stays in force; from then on no decision that was made by it can
// begin a call. ErrConflict: the list in force is newer. It returns the list that was replaced, nil if there was none.
func (s *Store) ReplaceNational(ctx context.Context, l NationalList, numbers []uint64, now time.Time) (*NationalList, error) {
	fail := func(err error) (*NationalList, error) {
		return nil, fmt.Errorf("load national list of %s: %w", l.Country, err)
	}
	switch {
	case len(l.Country) != 2:
		return fail(fmt.Errorf("%q is not a country's two letters", l.Country))
	case l.Date.IsZero() || l.Date.After(now):
		return fail(fmt.Errorf("its date, %s, is missing or has not come yet", l.Date.Format(time.DateOnly)))
	case len(numbers) == 0:
		return fail(errors.New("it has no numbers"))
	}
	if err := s.clearNational(ctx, now); err != nil {
		return fail(err)
	}
	l.version, l.buckets = newToken(), max(1, uint64(len(numbers))/nationalPerBucket)
	gone := teamKey(globalTeam, "nationalgone")
	if err := s.client.HSet(ctx, gone, l.version, fmt.Sprintf("%d %d", l.buckets, ms(now))).Err(); err != nil {
		return fail(err)
	}
	var err error
	if l.Numbers, err = s.writeNational(ctx, &l, numbers); err != nil {
		return fail(err)
	}
	raw, err := json.Marshal(nationalRecord{
		Version: l.version, Buckets: l.buckets, Date: l.Date.UTC().Format(time.DateOnly), Numbers: l.Numbers, Source: l.Source, By: l.By, At: now.UTC(),
	})
	if err != nil {
		return fail(err)
	}
	words, err := s.run(ctx, scriptNational, globalTeam, l.Country, raw, s.by)
	if err != nil {
		return fail(errors.Join(err, s.removeNational(ctx, l.version, l.buckets)))
	}
	teams, err := s.Teams(ctx)
	if err != nil {
		return fail(err)
	}
	for _, team := range teams { // voids what was decided by the older list
		if _, err := s.run(ctx, scriptSuppress, team, "leads", "", "", 0); err != nil {
			return fail(err)
		}
	}
	for _, team := range append(teams, globalTeam) {
		if err := s.acknowledged(ctx, team, now); err != nil {
			return fail(err)
		}
	}
	if words[1] == "" {
		return nil, nil
	}
	old, err := readNational(l.Country, words[1])
	if err != nil {
		return fail(err)
	}
	if err := s.removeNational(ctx, old.version, old.buckets); err != nil {
		return fail(err)
	}
	return old, nil
}

// writeNational writes the numbers of a list that is not in force yet, and counts them, each once.
func (s *Store) writeNational(ctx context.Context, l *NationalList, numbers []uint64) (int, error) {
	slices.SortFunc(numbers, func(a, b uint64) int { return cmp.Or(cmp.Compare(a%l.buckets, b%l.buckets), cmp.Compare(a, b)) })
	numbers = slices.Compact(numbers)
	// A command for each bucket, one at a time: with so many members a round trip more costs nothing.
	for i := 0; i < len(numbers); {
		bucket := numbers[i] % l.buckets
		var members []any
		for ; i < len(numbers) && numbers[i]%l.buckets == bucket; i++ {
			members = append(members, numbers[i])
		}
		if err := s.client.SAdd(ctx, nationalKey(l.version, bucket), members...).Err(); err != nil {
			return 0, err
		}
	}
	return len(numbers), nil
}

// removeNational removes the numbers of a list that is not in force.
func (s *Store) removeNational(ctx context.Context, version string, buckets uint64) error {
	const part = 200
	for first := uint64(0); first < buckets; first += part {
		var keys []string
		for b := first; b < min(buckets, first+part); b++ {
			keys = append(keys, nationalKey(version, b))
		}
		if err := s.client.Unlink(ctx, keys...).Err(); err != nil {
			return fmt.Errorf("remove the national list that was replaced: %w", err)
		}
	}
	return s.client.HDel(ctx, teamKey(globalTeam, "nationalgone"), version).Err()
}

// clearNational removes what loads that ended early left behind.
func (s *Store) clearNational(ctx context.Context, now time.Time) error {
	left, err := s.client.HGetAll(ctx, teamKey(globalTeam, "nationalgone")).Result()
	if err != nil {
		return err
	}
	for _, version := range slices.Sorted(maps.Keys(left)) {
		count, at, _ := strings.Cut(left[version], " ")
		buckets, err := strconv.ParseUint(count, 10, 64)
		if err != nil || now.Sub(fromMS(at)) < nationalLoad {
			continue
		}
		if err := s.removeNational(ctx, version, buckets); err != nil {
			return err
		}
	}
	return nil
}

// NationalLists reads which national lists are in force, in the order of their countries.
func (s *Store) NationalLists(ctx context.Context) ([]NationalList, error) {
	all, err := s.client.HGetAll(ctx, teamKey(globalTeam, "national")).Result()
	if err != nil {
		return nil, fmt.Errorf("read national lists: %w", err)
	}
	var lists []NationalList
	for _, country := range slices.Sorted(maps.Keys(all)) {
		l, err := readNational(country, all[country])
		if err != nil {
			return nil, fmt.Errorf("read national lists: %w", err)
		}
		lists = append(lists, *l)
	}
	return lists, nil
}

func readNational(country, raw string) (*NationalList, error) {
	var r nationalRecord
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return nil, fmt.Errorf("list of %s: %w", country, err)
	}
	date, err := time.Parse(time.DateOnly, r.Date)
	if err != nil || r.Buckets == 0 {
		return nil, fmt.Errorf("list of %s: its record is damaged", country)
	}
	return &NationalList{
		Country: country, Date: date, Numbers: r.Numbers, Source: r.Source, By: r.By, At: r.At, version: r.Version, buckets: r.Buckets,
	}, nil
}

// OnNational says of each country's list whether it has a phone.
func (s *Store) OnNational(ctx context.Context, countries []string, phone campaign.Phone) ([]campaign.National, error) {
	if len(countries) == 0 {
		return nil, nil
	}
	pipe := s.client.Pipeline()
	lists := s.askNational(ctx, pipe, countries)
	if err := execAll(ctx, pipe); err != nil {
		return nil, fmt.Errorf("read national lists: %w", err)
	}
	return s.onNational(ctx, lists, countries, phone)
}

// askNational adds the question for the lists of some countries to a pipeline; nil when there are none.
func (s *Store) askNational(ctx context.Context, pipe redis.Pipeliner, countries []string) *redis.SliceCmd {
	if len(countries) == 0 {
		return nil
	}
	return pipe.HMGet(ctx, teamKey(globalTeam, "national"), countries...)
}

// onNational looks a phone up in the lists that askNational found. The numbers of a list that was replaced since are gone, and every
// number seems free: but then the teams' epochs have risen, and what is decided on that is refused.
func (s *Store) onNational(ctx context.Context, lists *redis.SliceCmd, countries []string, phone campaign.Phone) ([]campaign.National, error) {
	if lists == nil {
		return nil, nil
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(string(phone), "+"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("phone %s: %w", phone.Masked(), errPhone)
	}
	found := make([]campaign.National, len(countries))
	on := make([]*redis.BoolCmd, len(countries))
	pipe := s.client.Pipeline()
	for i, country := range countries {
		found[i].Country = country
		raw := stringAt(lists, i)
		if raw == "" {
			continue
		}
		l, err := readNational(country, raw)
		if err != nil {
			return nil, err
		}
		found[i].Date = l.Date
		on[i] = pipe.SIsMember(ctx, nationalKey(l.version, number%l.buckets), number)
	}
	if pipe.Len() == 0 {
		return found, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, fmt.Errorf("look up national lists: %w", err)
	}
	for i := range found {
		found[i].Listed = on[i] != nil && on[i].Val()
	}
	return found, nil
}
