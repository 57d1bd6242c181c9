package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
)

// dncImportJSON is what `dnc import` prints.
type dncImportJSON struct {
	dncJSON
	Rows      int            `json:"rows"`
	Duplicate int            `json:"duplicate"`
	Rejected  int            `json:"rejected"`
	Reasons   map[string]int `json:"reasons"`
}

// dncBatch is how many numbers go to the list at once.
const dncBatch = 5000

// shownRejects is how many lines that cannot be read are listed.
const shownRejects = 20

func (a *app) dncImportCommand() *cobra.Command {
	var f dncFlags
	var country, reason string
	var pairs []string
	var bulk, strict bool
	var national nationalFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Put the phones of a file on a do-not-call list",
		Long: "Puts the phones of a file on a do-not-call list: one on a line, or CSV with a column of phones. Lines that cannot be read\n" +
			"are listed; mend them, for these are people who must not be called. It may be run again. Every phone of a row counts, if\n" +
			"several columns hold phones. With each number is kept who put it there, when and why (--reason, else the file's name), which\n" +
			"takes 150 bytes of Redis a number; a list of millions goes with --bulk, and then only the whole import is in the record.\n" +
			"With --national the file is a country's own do-not-call list as of --date, whole: it takes the place of the older version at\n" +
			"once, and holds for the campaigns whose file says consent: {national_list: required}. 31 days later they call nobody until a\n" +
			"newer version is loaded. A line is a number, or an area code and a number.",
		Example: "  dialerd dnc import optouts.csv --reason \"asked by letter\"\n  dialerd dnc import optouts.csv --map phone=Handy --strict\n" +
			"  dialerd dnc import registry.txt --global --country US --bulk\n" +
			"  dialerd dnc import --national 2026-11-01_US.txt --date 2026-11-01 --country US",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if national.on {
				return a.nationalCommand(cmd, &national, f, args[0], strings.ToUpper(country))
			}
			columns, err := parseMap(pairs)
			if err != nil {
				return err
			}
			maps.Copy(columns, noKey)
			if bulk && reason != "" {
				return usagef("--bulk keeps no reason with each number: leave out --bulk, or --reason")
			}
			q, err := a.scope(cmd.Context(), f)
			if err != nil {
				return err
			}
			if country == "" {
				records, err := a.records(cmd.Context(), q.Campaign)
				if err != nil {
					return err
				}
				if all := countriesOf(records); len(all) == 1 {
					country = all[0]
				}
			}
			q.Reason, q.By, q.Bulk = cmp.Or(reason, "from "+filepath.Base(args[0])), operator(), bulk
			out, err := a.suppressFile(cmd.Context(), q, optOuts{file: args[0], country: strings.ToUpper(country), columns: columns})
			if err != nil {
				return err
			}
			if err := a.printDNCImport(out); err != nil {
				return err
			}
			if strict && out.Rejected > 0 {
				return fmt.Errorf("%s rejected (--strict)", plural(out.Rejected, "row"))
			}
			return nil
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&country, "country", "", "country of numbers without one, as in US")
	cmd.Flags().StringVar(&reason, "reason", "", "why, kept with each number (default: the file's name)")
	cmd.Flags().StringArrayVar(&pairs, "map", nil, "header of the column of phones, as in phone=Handy")
	national.flags(cmd)
	cmd.Flags().BoolVar(&bulk, "bulk", false, "keep who, when and why once for the whole list, not with each number")
	cmd.Flags().BoolVar(&strict, "strict", false, "end with 1 when lines could not be read")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) printDNCImport(out *dncImportJSON) error {
	if a.json {
		return a.printJSON(out)
	}
	a.say("%s: %s on %s, %d of them new; %s closed\n", plural(out.Rows, "row"), plural(out.Phones, "phone"), out.name(), out.Added,
		plural(out.Closed, "lead"))
	for _, reason := range slices.Sorted(maps.Keys(out.Reasons)) {
		a.say("  rejected, %s: %d\n", reason, out.Reasons[reason])
	}
	return nil
}

// optOuts is a file of phones, and how it is read.
type optOuts struct {
	file    string
	country string            // of numbers without one
	columns map[string]string // role → header
}

// suppressFile puts the phones of a file on a list.
func (a *app) suppressFile(ctx context.Context, q store.Suppression, from optOuts) (*dncImportJSON, error) {
	inputs, err := (&importer.Sources{Stdin: a.in}).Expand(from.file, "")
	if err != nil {
		return nil, err
	}
	out := &dncImportJSON{dncJSON: newDNC(q), Reasons: map[string]int{}}
	for _, in := range inputs {
		if err := a.suppressList(ctx, optOutList{q, in, from}, out); err != nil {
			return nil, err
		}
	}
	if out.Rejected > shownRejects {
		a.note("… and %d more lines that cannot be read\n", out.Rejected-shownRejects)
	}
	if err := a.quiet(ctx, store.Scope{Team: q.Team, Campaign: q.Campaign}); err != nil {
		return nil, fmt.Errorf("the phones are on the list, but whether a request is still on its way is not known: %w", err)
	}
	return out, nil
}

// optOutList is one list of a file of phones, and where its phones go.
type optOutList struct {
	q    store.Suppression
	in   importer.Input
	from optOuts
}

func (a *app) suppressList(ctx context.Context, l optOutList, out *dncImportJSON) error {
	q, in := l.q, l.in
	body, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	// The lists of leads and of opt-outs are read in the same way; only the phones of these are used.
	plan := campaign.NewPlan(&campaign.Campaign{Name: "dnc", Team: "dnc", Calling: campaign.Calling{Rules: campaign.RulesNone}})
	text, added := withHeader(body, l.from.country)
	reader, err := importer.NewReader(text, importer.Options{Plan: plan, Now: a.now(), Source: in.Name, Country: l.from.country, Columns: l.from.columns})
	if err != nil {
		return err
	}
	show := newProgress(a, in.Name, in.Size)
	defer show.end()
	q.Phones = nil
	flush := func() error {
		sum, err := a.store.Suppress(ctx, q, a.now())
		out.Phones, out.Added, out.Closed = out.Phones+len(q.Phones), out.Added+sum.Added, out.Closed+sum.Closed
		q.Phones = q.Phones[:0]
		return err
	}
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return flush()
		}
		if err != nil {
			return errors.Join(err, flush())
		}
		out.Rows++
		switch {
		case row.Duplicate != nil:
			out.Duplicate++
		case row.Reject != nil:
			out.Rejected++
			out.Reasons[row.Reject.Reason]++
			if out.Rejected <= shownRejects {
				a.note("%s:%d: %s: %s\n", in.Name, row.Line-added, row.Reject.Reason, row.Reject.Fix)
			}
		default:
			q.Phones = append(q.Phones, row.Lead.Phone)
			for _, phone := range row.Lead.Phones {
				if phone != row.Lead.Phone {
					q.Phones = append(q.Phones, phone)
				}
			}
		}
		if len(q.Phones) >= dncBatch {
			if err := flush(); err != nil {
				return err
			}
		}
		show.at(reader.BytesRead(), out.Rows)
	}
}

// noKey keeps a column of keys from making two of one phone.
var noKey = map[string]string{campaign.RoleKey: importer.NoColumn}

// withHeader puts a header before a text that begins with a phone, and says how many lines that added.
func withHeader(r io.Reader, country string) (io.Reader, int) {
	b := bufio.NewReader(r)
	start, _ := b.Peek(b.Size()) // what cannot be read shows when the list is
	line, _, _ := bytes.Cut(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")), []byte("\n"))
	for _, delimiter := range []string{",", ";", "\t", "|"} {
		cells := strings.Split(strings.TrimSuffix(string(line), "\r"), delimiter)
		if len(cells) == 1 && delimiter != "|" {
			continue
		}
		for i, c := range cells {
			if _, err := region.ParsePhone(strings.Trim(c, `" `), cmp.Or(country, "US")); err != nil {
				continue
			}
			head := make([]string, len(cells))
			for j := range head {
				head[j] = fmt.Sprintf("column%d", j+1)
			}
			head[i] = campaign.RolePhone
			if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) {
				_, _ = b.Discard(3) // they were just peeked at
			}
			return io.MultiReader(strings.NewReader(strings.Join(head, delimiter)+"\n"), b), 1
		}
	}
	return b, 0
}

func (a *app) dncExportCommand() *cobra.Command {
	var f dncFlags
	var file string
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Write a do-not-call list as CSV",
		Long:    "Writes a do-not-call list as CSV, in the order of the numbers: phone, scope, team, campaign, reason, by, at.",
		Example: "  dialerd dnc export --global -o dnc.csv\n  dialerd dnc export --campaign spring",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := a.scope(cmd.Context(), f)
			if err != nil {
				return err
			}
			write := func(w io.Writer) error { return a.exportDNC(cmd.Context(), q, w) }
			if file == "" || file == "-" {
				return write(a.out)
			}
			return writeFile(file, write)
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVarP(&file, "output", "o", "", "file to write (default: standard output)")
	return cmd
}

func (a *app) exportDNC(ctx context.Context, q store.Suppression, w io.Writer) error {
	type line struct {
		phone campaign.Phone
		info  store.SuppressionInfo
	}
	var lines []line
	err := a.store.EachSuppressed(ctx, q.Scope, q.Team, q.Campaign, func(p campaign.Phone, info store.SuppressionInfo) error {
		lines = append(lines, line{p, info})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(a.phone, b.phone) })
	out := csv.NewWriter(w)
	if err := out.Write([]string{"phone", "scope", "team", "campaign", "reason", "by", "at"}); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	for _, l := range lines {
		if err := out.Write([]string{
			string(l.phone), string(q.Scope), q.Team, q.Campaign, importer.Neutral(l.info.Reason), importer.Neutral(l.info.By), cell(l.info.At),
		}); err != nil {
			return fmt.Errorf("write the list: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	return nil
}
