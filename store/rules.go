package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
)

// OperatorRules is what the operator added to the law, for all teams of this Redis.
type OperatorRules struct {
	Number int64 // rises with every change; 0 = there never were any
	Added  campaign.Amendment
	At     time.Time
	By     string
}

// ApplyRules puts what the operator adds to the law in force, in place of what was there; an empty amendment takes everything away. The
// same again makes no new number. It is checked first: a daemon that could not read it would call nobody.
//
// The rules are written first, then every team's epoch rises: Facts reads the epoch first and the number of the rules last, so a
// decision by the old rules is either seen to be one, or refused by Begin as stale. When it returns, no call begins by the old rules
// any more; Quiet counts the requests that are on their way. After an error the same call has to be made again.
func (s *Store) ApplyRules(ctx context.Context, added campaign.Amendment, now time.Time) (number int64, changed bool, err error) {
	if _, err := campaign.NewRulebook(1, added); err != nil {
		return 0, false, fmt.Errorf("apply rules: %w", err)
	}
	doc, err := json.Marshal(added)
	if err != nil {
		return 0, false, fmt.Errorf("apply rules: %w", err)
	}
	sum := sha256.Sum256(doc)
	r, err := s.run(ctx, scriptRules, globalTeam, doc, hex.EncodeToString(sum[:8]), ms(now), s.by)
	if err != nil {
		return 0, false, fmt.Errorf("apply rules: %w", err)
	}
	if number, err = strconv.ParseInt(r[1], 10, 64); err != nil {
		return 0, false, fmt.Errorf("apply rules: %w", err)
	}
	teams, err := s.Teams(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("apply rules: %w", err)
	}
	for _, team := range teams {
		if _, err := s.run(ctx, scriptRulesTeam, team, number, doc, ms(now), s.by); err != nil {
			return 0, false, fmt.Errorf("apply rules for team %q: %w", team, err)
		}
	}
	for _, team := range append(teams, globalTeam) {
		if err := s.acknowledged(ctx, team, now); err != nil {
			return 0, false, fmt.Errorf("apply rules for team %q: %w", team, err)
		}
	}
	return number, !r.again(), nil
}

// Rules reads what the operator added to the law.
func (s *Store) Rules(ctx context.Context) (OperatorRules, error) {
	h, err := s.client.HGetAll(ctx, teamKey(globalTeam, "rules")).Result()
	if err != nil {
		return OperatorRules{}, fmt.Errorf("read the operator's rules: %w", err)
	}
	if h["n"] == "" {
		return OperatorRules{}, nil
	}
	out := OperatorRules{At: fromMS(h["at"]), By: h["by"]}
	var errs [2]error
	out.Number, errs[0] = strconv.ParseInt(h["n"], 10, 64)
	errs[1] = json.Unmarshal([]byte(h["doc"]), &out.Added)
	if err := errors.Join(errs[:]...); err != nil {
		return OperatorRules{}, fmt.Errorf("read the operator's rules: %w", err)
	}
	return out, nil
}

// book is a rulebook that was made ready, and of what.
type book struct {
	of    string
	rules *campaign.Rulebook
}

// Rulebook is the law that decisions are made under now. As long as the operator's rules stay the same it is the same pointer. When they
// cannot be read, or do not fit this program's tables, there is none, and nothing may be called.
func (s *Store) Rulebook(ctx context.Context) (*campaign.Rulebook, error) {
	h, err := s.client.HMGet(ctx, teamKey(globalTeam, "rules"), "n", "sum").Result()
	if err != nil {
		return nil, fmt.Errorf("read the operator's rules: %w", err)
	}
	of := fmt.Sprint(h...)
	if b := s.book.Load(); b != nil && b.of == of {
		return b.rules, nil
	}
	added, err := s.Rules(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := campaign.NewRulebook(added.Number, added.Added)
	if err != nil {
		return nil, fmt.Errorf("%w\nThe tables of this program close what the operator's rules open, or lack a region: apply other rules, or "+
			"run one version in the whole fleet", err)
	}
	if h[0] != nil && fmt.Sprint(h[0]) != strconv.FormatInt(added.Number, 10) {
		return rules, nil // changed between the two looks: good, but not to be kept under the first one's name
	}
	s.book.Store(&book{of, rules})
	return rules, nil
}

// rulesNumber reads the number of the operator's rules from a command of Facts.
func rulesNumber(cmd *redis.StringCmd) int64 { return int64(atoi(cmd.Val())) }
