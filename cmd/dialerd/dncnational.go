package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/region"
	"github.com/dialerd/dialerd/store"
)

// nationalFlags are what `dnc import` takes for a national list.
type nationalFlags struct {
	on   bool
	date string
	skip bool
}

func (n *nationalFlags) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&n.on, "national", false, "the file is a country's whole do-not-call list; it replaces the older version")
	cmd.Flags().StringVar(&n.date, "date", "", "with --national: the day that the list is of, as in 2026-11-01")
	cmd.Flags().BoolVar(&n.skip, "skip-unreadable", false, "with --national: load the list although some lines cannot be read")
}

// nationalJSON is what `dnc import --national` prints.
type nationalJSON struct {
	Scope      string  `json:"scope"` // national
	Country    string  `json:"country"`
	Date       string  `json:"date"`
	GoodUntil  stamp   `json:"good_until"` // after this the campaigns that ask for it call nobody
	Rows       int     `json:"rows"`
	Numbers    int     `json:"numbers"` // each once
	Rejected   int     `json:"rejected"`
	Replaced   *string `json:"replaced"` // date of the version before
	ReplacedNo int     `json:"replaced_numbers"`
}

// nationalCommand loads a national list.
func (a *app) nationalCommand(cmd *cobra.Command, n *nationalFlags, f dncFlags, file, country string) error {
	ctx := cmd.Context()
	if f.team != "" || f.campaign != "" || f.global {
		return usagef("--national is for all teams, and campaigns ask for it by themselves: leave out --team, --campaign and --global")
	}
	date, err := time.Parse(time.DateOnly, n.date)
	if err != nil {
		return usagef("--date %q: write the day that the list is of, as in 2026-11-01", n.date)
	}
	if country == "" {
		return usagef("--country is missing: whose list is it, as in US?")
	}
	st, err := a.open(ctx)
	if err != nil {
		return err
	}
	inputs, err := (&importer.Sources{Stdin: a.in}).Expand(file, "")
	if err != nil {
		return err
	}
	out := &nationalJSON{Scope: "national", Country: country, Date: n.date, GoodUntil: stamp(date.Add(campaign.NationalAge))}
	var numbers []uint64
	for _, in := range inputs {
		if numbers, err = a.readNational(ctx, in, country, numbers, out); err != nil {
			return err
		}
	}
	if out.Rejected > 0 && !n.skip {
		return fmt.Errorf("%s of %d cannot be read, and these are people who must not be called; the list was not loaded\nMend them, or load the rest with "+
			"--skip-unreadable", plural(out.Rejected, "line"), out.Rows)
	}
	old, err := st.ReplaceNational(ctx, store.NationalList{Country: country, Date: date, Source: file, By: operator()}, numbers, a.now())
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w\nA list is never replaced by an older one", err)
	}
	if err != nil {
		return err
	}
	lists, err := st.NationalLists(ctx)
	if err != nil {
		return err
	}
	for _, l := range lists {
		if l.Country == country {
			out.Numbers = l.Numbers
		}
	}
	if old != nil {
		was := old.Date.Format(time.DateOnly)
		out.Replaced, out.ReplacedNo = &was, old.Numbers
	}
	if err := a.quiet(ctx, store.Scope{}); err != nil {
		return fmt.Errorf("the list is in force, but whether a request is still on its way is not known: %w", err)
	}
	if a.json {
		return a.printJSON(out)
	}
	a.say("%s: %s on the national list of %s of %s, good until %s\n", plural(out.Rows, "row"), plural(out.Numbers, "number"), country, n.date, out.GoodUntil)
	if old != nil {
		a.say("it takes the place of the list of %s (%s)\n", *out.Replaced, plural(old.Numbers, "number"))
	}
	return nil
}

// readNational reads the numbers of a file, one on a line.
func (a *app) readNational(ctx context.Context, in importer.Input, country string, numbers []uint64, out *nationalJSON) ([]uint64, error) {
	body, err := in.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	show := newProgress(a, in.Name, in.Size)
	defer show.end()
	r := bufio.NewReaderSize(body, 1<<16)
	read := int64(0)
	for line := 1; ; line++ {
		text, err := r.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", in.Name, err)
		}
		read += int64(len(text))
		if text := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))); len(text) > 0 {
			n, ok := nationalNumber(text, country)
			switch {
			case ok:
				out.Rows++
				numbers = append(numbers, n)
			case line == 1 && !bytes.ContainsAny(text, "0123456789"): // the header
			default:
				out.Rows++
				out.Rejected++
				if out.Rejected <= shownRejects {
					a.note("%s:%d: is no number of %s\n", in.Name, line, country)
				}
			}
		}
		if line%10_000 == 0 {
			show.at(read, out.Rows)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		if err != nil {
			return numbers, nil
		}
	}
}

// nationalNumber reads a line: a number, alone or in the first column, or an area code and a number in the first two. The plain North
// American forms, of which there are millions, are read without the phone library.
func nationalNumber(line []byte, country string) (uint64, bool) {
	cells := strings.FieldsFunc(string(line), func(r rune) bool { return r == ',' || r == ';' || r == '\t' || r == '|' })
	for i := range cells {
		cells[i] = strings.Trim(cells[i], `" `)
	}
	if len(cells) == 0 {
		return 0, false
	}
	first := cells[0]
	if len(cells) > 1 && plainDigits(first) && len(first) == 3 && plainDigits(cells[1]) && len(cells[1]) == 7 {
		first += cells[1]
	}
	if nanp := country == "US" || country == "CA"; nanp && plainDigits(first) && len(first) == 10 && first[0] >= '2' && first[3] >= '2' {
		n, err := strconv.ParseUint("1"+first, 10, 64)
		return n, err == nil
	}
	p, err := region.ParsePhone(first, country)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(p.E164, "+"), 10, 64)
	return n, err == nil
}

func plainDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}
