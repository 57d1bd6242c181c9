package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/webhook"
)

// phonePattern finds a phone in text, however its digits are grouped: with its country code, or, in North America, without.
func phonePattern(phone campaign.Phone) *regexp.Regexp {
	const gap = `[\s().+/\\-]{0,3}`
	digits, code := string(phone[1:]), ""
	if len(digits) == 11 && digits[0] == '1' {
		code, digits = `(?:1`+gap+`)?`, digits[1:]
	}
	return regexp.MustCompile(`(?:^|[^0-9])` + code + strings.Join(strings.Split(digits, ""), gap) + `(?:$|[^0-9])`)
}

// forgetFiles erases a person from what this machine keeps of webhooks and rejects.
func (a *app) forgetFiles(phone campaign.Phone, out *forgetJSON) error {
	s, err := a.load()
	if err != nil {
		return err
	}
	pattern := phonePattern(phone)
	names := func(line []byte) bool {
		var kept struct {
			Binary []byte `json:"body_base64"`
		}
		return pattern.Match(line) || json.Unmarshal(line, &kept) == nil && pattern.Match(kept.Binary)
	}
	for _, dir := range []string{"webhooks", "spool"} {
		n, err := webhook.Forget(filepath.Join(s.DataDir, dir), names)
		out.Kept += n
		if err != nil {
			return err
		}
	}
	paths, err := filepath.Glob(filepath.Join(s.DataDir, "rejects", "*"))
	if err != nil {
		return fmt.Errorf("forget rejects: %w", err)
	}
	for _, path := range paths {
		p := rejectsPlace{known: rejectsKnown(s.DataDir)}
		note := p.written(path)
		n, err := forgetRows(path, pattern)
		if err == nil && n > 0 {
			err = p.again(path, note)
		}
		out.Rejects += n
		if err != nil {
			return fmt.Errorf("forget rejects: %w", err)
		}
	}
	return nil
}

// forgetRows writes a file of rejects anew without the rows that name a phone. One that cannot be read as a table is removed.
func forgetRows(path string, pattern *regexp.Regexp) (int, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // G304: the folder is the operator's own setting
	if err != nil || !pattern.Match(raw) {
		return 0, err
	}
	rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return 1, os.Remove(path)
	}
	erased := 0
	err = writeFile(path, func(w io.Writer) error {
		out := csv.NewWriter(w)
		for _, row := range rows {
			if pattern.MatchString(strings.Join(row, "\n")) {
				erased++
				continue
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
	return erased, err
}

// rewriteTime is the longest that forget waits for Redis to write its append-only file anew.
const rewriteTime = time.Minute

// forgetHistory has Redis write its append-only file anew: the old one still holds every command that named the person.
func (a *app) forgetHistory(ctx context.Context, out *forgetJSON) error {
	kept, err := a.store.Durability(ctx)
	if err != nil {
		return err
	}
	if kept.AppendOnly == "no" {
		return nil
	}
	if out.Redis, err = a.store.Rewrite(ctx, rewriteTime); err != nil {
		out.Remains = append(out.Remains, "commands that named the person, in Redis' append-only file until it is written anew (BGREWRITEAOF): "+err.Error())
	}
	return nil
}
