package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store/audit"
)

// auditRow is an entry as it is exported.
type auditRow struct {
	Sequence  int64           `json:"seq"`
	At        stamp           `json:"at"`
	Team      string          `json:"team"`
	Kind      string          `json:"kind"`
	Campaign  text            `json:"campaign"`
	Phone     text            `json:"phone"`
	Lead      text            `json:"lead"`
	Attempt   text            `json:"attempt"`
	Agent     text            `json:"agent"`
	CallID    text            `json:"call_id"`
	Reason    text            `json:"reason"`
	By        text            `json:"by"`
	Note      text            `json:"note"`
	Recording text            `json:"recording"`
	Data      json.RawMessage `json:"data"`
	Detail    json.RawMessage `json:"detail"`
	Forgotten bool            `json:"forgotten"` // it is about a person whose key was destroyed
}

var auditColumns = []string{
	"seq", "at", "team", "kind", "campaign", "phone", "lead", "attempt", "agent", "call_id", "reason", "by", "note", "recording", "data", "detail", "forgotten",
}

func newAuditRow(e *audit.Entry, p *audit.Private) *auditRow {
	r := &auditRow{
		Sequence: e.Sequence, At: stamp(e.At), Team: e.Team, Kind: e.Kind, Campaign: text(e.Campaign), Agent: text(e.Agent), Reason: text(e.Reason),
		By: text(e.By), Data: e.Data, Forgotten: e.Person != "" && p == nil,
	}
	if p != nil {
		r.Phone, r.Lead, r.Attempt, r.CallID, r.Note, r.Recording = text(p.Phone), text(p.Lead), text(p.Attempt), text(p.CallID), text(p.Note), text(p.Recording)
		r.Detail = p.Detail
	}
	return r
}

func (r *auditRow) cells() []string {
	at := ""
	if !time.Time(r.At).IsZero() {
		at = time.Time(r.At).UTC().Format(time.RFC3339Nano)
	}
	cells := []string{
		fmt.Sprint(r.Sequence), at, r.Team, r.Kind, string(r.Campaign), string(r.Phone), string(r.Lead), string(r.Attempt), string(r.Agent),
		string(r.CallID), string(r.Reason), string(r.By), string(r.Note), string(r.Recording), string(r.Data), string(r.Detail), fmt.Sprint(r.Forgotten),
	}
	for i := range cells {
		cells[i] = importer.Neutral(cells[i])
	}
	return cells
}

// auditExport is what `audit export` was asked for.
type auditExport struct {
	team, from, to, phone, campaign, format, file string
}

func (a *app) auditExportCommand() *cobra.Command {
	var o auditExport
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the record, or a part of it, as JSON lines or CSV",
		Long: "Writes the entries of the record that are in this data folder, one a line, in their order. Entries about a person who was\n" +
			"forgotten come without what named the person. What still waits in Redis is not among them; it is counted on stderr.",
		Example: "  dialerd audit export -o record.jsonl\n  dialerd audit export --from 2026-11-01 --to 2026-12-01 --campaign spring --format csv\n" +
			"  dialerd audit export --phone +12125550123",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.format != "csv" && o.format != "jsonl" {
				return usagef("--format %q: it is csv or jsonl", o.format)
			}
			if err := filled(cmd, "team", "from", "to", "phone", "campaign"); err != nil {
				return err
			}
			rows := 0
			write := func(w io.Writer) (err error) {
				rows, err = a.exportAudit(cmd.Context(), o, w)
				return err
			}
			if o.file == "" || o.file == "-" {
				return write(a.out)
			}
			if err := writeFile(o.file, write); err != nil {
				return err
			}
			a.note("%d entries written to %s\n", rows, o.file)
			return nil
		},
	}
	cmd.Flags().StringVar(&o.team, "team", "", "the record of this team only")
	cmd.Flags().StringVar(&o.from, "from", "", "entries from this time on")
	cmd.Flags().StringVar(&o.to, "to", "", "entries before this time")
	cmd.Flags().StringVar(&o.phone, "phone", "", "entries about this phone only")
	cmd.Flags().StringVar(&o.campaign, "campaign", "", "entries about this campaign only")
	cmd.Flags().StringVar(&o.format, "format", "jsonl", "jsonl or csv")
	cmd.Flags().StringVarP(&o.file, "output", "o", "", "file to write (default: standard output)")
	return cmd
}

// filter reads what was asked for.
func (a *app) auditFilter(ctx context.Context, o *auditExport) (audit.Filter, error) {
	f := audit.Filter{Campaign: o.campaign}
	var err error
	if o.campaign != "" {
		r, err := a.record(ctx, o.campaign)
		if err != nil {
			return f, err
		}
		if o.team == "" {
			o.team = r.Team
		}
	}
	if o.from != "" {
		if f.From, err = a.time(ctx, o.campaign, "--from", o.from); err != nil {
			return f, err
		}
	}
	if o.to != "" {
		if f.To, err = a.time(ctx, o.campaign, "--to", o.to); err != nil {
			return f, err
		}
	}
	if o.phone != "" {
		phone, err := a.phone(ctx, o.phone, o.campaign)
		if err != nil {
			return f, err
		}
		o.phone, f.Mine = string(phone), true
	}
	return f, nil
}

func (a *app) exportAudit(ctx context.Context, o auditExport, w io.Writer) (rows int, err error) {
	f, err := a.auditFilter(ctx, &o)
	if err != nil {
		return 0, err
	}
	teams, err := a.auditTeams(ctx, o.team)
	if err != nil {
		return 0, err
	}
	put, flush := auditWriter(o.format, w)
	for _, team := range teams {
		st, err := a.store.Audit(ctx, team)
		if err != nil {
			return rows, err
		}
		if st.Backlog > 0 {
			a.note("team %s: %d entries wait in Redis and are not among these (dialerd audit archive)\n", team, st.Backlog)
		}
		r, err := a.auditReader(team, o.phone)
		if errors.Is(err, audit.ErrNone) || err == nil && st.Head != nil && st.Head.Archive != r.ID() {
			if st.Head != nil {
				return rows, &audit.ElsewhereError{Team: team, Archive: st.Head.Archive, Host: st.Head.Host}
			}
			continue
		}
		if err != nil {
			return rows, fmt.Errorf("team %s: %w", team, err)
		}
		if err := r.Each(ctx, f, func(e *audit.Entry, p *audit.Private) error { rows++; return put(newAuditRow(e, p)) }); err != nil {
			return rows, fmt.Errorf("team %s: %w", team, err)
		}
	}
	return rows, flush()
}

// auditReader reads a team's record: with the key of one phone, or with all.
func (a *app) auditReader(team, phone string) (*audit.Reader, error) {
	if phone != "" {
		return audit.NewReaderFor(a.auditDir(team), phone)
	}
	return audit.NewReader(a.auditDir(team))
}

// auditWriter writes rows in a format.
func auditWriter(format string, w io.Writer) (put func(*auditRow) error, flush func() error) {
	if format == "jsonl" {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return func(r *auditRow) error {
			if err := e.Encode(r); err != nil {
				return fmt.Errorf("write the record: %w", err)
			}
			return nil
		}, func() error { return nil }
	}
	out := csv.NewWriter(w)
	head := true
	return func(r *auditRow) error {
			if head {
				head = false
				if err := out.Write(auditColumns); err != nil {
					return fmt.Errorf("write the record: %w", err)
				}
			}
			if err := out.Write(r.cells()); err != nil {
				return fmt.Errorf("write the record: %w", err)
			}
			return nil
		}, func() error {
			out.Flush()
			if err := out.Error(); err != nil {
				return fmt.Errorf("write the record: %w", err)
			}
			return nil
		}
}
