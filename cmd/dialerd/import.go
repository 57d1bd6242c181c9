package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
)

// importMemory is what Go may take for the import of a list of any size, in bytes: with the program itself that is less than 100 MiB. It is
// for the command alone: a daemon has its own needs.
const importMemory = 56 << 20

// importOptions are what the flags of import say.
type importOptions struct {
	columns  map[string]string // role → header, before what the campaign says
	country  string
	form     listForm
	rejects  string
	dryRun   bool
	tolerant bool        // a list that cannot be read does not keep the others from being read
	silent   bool        // no progress
	once     bool        // the lists are moved away when they were read; what is called like them later is another list
	work     *importWork // what hears of the progress instead; nil = nobody
}

// check says what is wrong with how the lists are said to be written, before one is opened.
func (o *importOptions) check() error {
	return importer.Options{Country: o.country, Encoding: o.form.encoding, Delimiter: o.form.delim()}.Check()
}

func (a *app) importCommand() *cobra.Command {
	var o importOptions
	var name string
	var maps []string
	var strict bool
	var withdraw, watch string
	cmd := &cobra.Command{
		Use:   "import [FILE…] --campaign NAME",
		Short: "Read lead lists into a campaign",
		Long: "Reads lists into a campaign that was applied before; without FILE, the campaign's own lists.\n" +
			"Every row becomes a lead, a duplicate or a reject with its reason and what to do about it; importing twice is\n" +
			"importing once. A FILE that one of the campaign's leads entries names is read with that entry's columns and\n" +
			"country; --map and --country win over them. FILE is CSV in any dialect or an Excel workbook, packed or not (gzip, zip); it\n" +
			"may be -, a pattern in quotes, an https URL, or gsheet://ID/TAB. Several columns may hold phones: --map phone=Mobile,Home\n" +
			"calls Home when Mobile is a wrong number or a dead one. --watch reads every list that is put into a folder once it\n" +
			"has not changed for 5 seconds, and moves it to done/ or failed/ in there; a list that is written more slowly had better\n" +
			"be moved in when it is whole. --withdraw takes the leads of an imported list out again, as far as none was called.\n" +
			"What was set on a lead by hand stays. Rejected rows are an answer, not a failure: the exit code is 0, with\n" +
			"--strict 1.",
		Example: "  dialerd import leads.csv --campaign spring --map phone=Mobile --country US\n" +
			"  dialerd import leads.xlsx --sheet March --campaign spring\n" +
			"  dialerd import --withdraw leads.csv --campaign spring\n" +
			"  dialerd import --campaign spring\n" +
			"  dialerd import leads.csv --campaign spring --dry-run --json",
		RunE: func(cmd *cobra.Command, files []string) error {
			if name == "" {
				return usagef("--campaign NAME is missing: which campaign are the leads for?")
			}
			var err error
			if o.columns, err = parseMap(maps); err != nil {
				return err
			}
			o.country = strings.ToUpper(o.country)
			if err := o.check(); err != nil {
				return usage(err)
			}
			r, err := a.record(cmd.Context(), name)
			if err != nil {
				return err
			}
			if os.Getenv("GOMEMLIMIT") == "" {
				debug.SetMemoryLimit(importMemory)
			}
			switch {
			case withdraw != "" && (len(files) > 0 || watch != "" || o.dryRun):
				return usagef("--withdraw takes leads out; name no FILE, --watch or --dry-run with it")
			case withdraw != "":
				return a.withdraw(cmd.Context(), r, withdraw)
			case o.rejects == "-":
				return usagef("--rejects -: rejected rows go into a file, as standard output is for the result: name one")
			case watch != "" && (len(files) > 0 || o.dryRun || o.rejects != ""):
				return usagef("--watch reads what comes into its folder; name no FILE, --dry-run or --rejects with it")
			}
			// The first signal ends the import, so that no part of a list stays behind on disk; the next one ends the program.
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			if watch != "" {
				return a.watch(ctx, r.Name, watch, o)
			}
			lists, err := a.lists(r, files, o)
			if err != nil {
				return err
			}
			sum, err := a.importAll(ctx, r, lists, o)
			if sum != nil { // what was read counts, even if not all was
				err = errors.Join(err, a.printImport(sum, r.Schedule.Location()))
			}
			if err != nil {
				return ended(ctx, err, o.dryRun)
			}
			if strict && sum.Rejected > 0 {
				return fmt.Errorf("%s rejected (--strict)", plural(sum.Rejected, "row"))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "campaign", "", "campaign that the leads are for")
	f.StringArrayVar(&maps, "map", nil, "header of the column for a role, as in phone=Mobile; - as header: no column")
	f.StringVar(&o.country, "country", "", "country of numbers without one, as in US")
	f.StringVar(&o.form.sheet, "sheet", "", "sheet of a workbook (default: the first that can be seen)")
	f.StringVar(&o.form.encoding, "encoding", "", "encoding of the lists, as in windows-1252 (default: found out)")
	f.StringVar(&o.form.delimiter, "delimiter", "", "what stands between cells: , ; | or tab (default: found out)")
	f.StringVar(&o.rejects, "rejects", "", "file for rejected rows (default: data_dir/rejects/CAMPAIGN-LIST.csv, or -2 where that is another list's or was changed)")
	f.BoolVar(&o.dryRun, "dry-run", false, "change nothing, count what would happen")
	f.StringVar(&withdraw, "withdraw", "", "take the leads of this list out again: its file, or the name of its file")
	f.StringVar(&watch, "watch", "", "folder whose lists are read as they come, until the command is ended")
	f.BoolVar(&strict, "strict", false, "end with 1 when rows were rejected")
	a.jsonFlag(cmd)
	return cmd
}

// ended is the error of an import that a signal may have ended: what came of the signal is said in words, and what went wrong beside it
// stays as it is.
func ended(ctx context.Context, err error, dryRun bool) error {
	others := besideCancel(err)
	switch {
	case ctx.Err() == nil || !errors.Is(err, context.Canceled):
		return err
	case dryRun:
		err = errors.New("ended by a signal; nothing was changed")
	default:
		err = errors.New("ended by a signal; what was read before is in the campaign: import the list again to go on, nothing comes twice")
	}
	return errors.Join(append([]error{err}, others...)...)
}

// besideCancel are those of joined errors that did not come of a context's end.
func besideCancel(err error) (others []error) {
	// An error of fmt may wrap several too, and is one all the same.
	if joined, ok := err.(interface{ Unwrap() []error }); ok && errors.Join(joined.Unwrap()...).Error() == err.Error() {
		for _, e := range joined.Unwrap() {
			others = append(others, besideCancel(e)...)
		}
		return others
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return []error{err}
}

// parseMap reads --map role=Header.
func parseMap(pairs []string) (map[string]string, error) {
	columns := map[string]string{}
	for _, pair := range pairs {
		role, header, ok := strings.Cut(pair, "=")
		role = strings.TrimSpace(role)
		switch {
		case !ok || header == "":
			return nil, usagef("--map %q: write role=Header, as in phone=Mobile", pair)
		case !slices.Contains(campaign.Roles(), role):
			return nil, usagef("--map: %q is not a role; the roles are %s", role, strings.Join(campaign.Roles(), ", "))
		case columns[role] != "":
			return nil, usagef("--map: %s is given twice", role)
		}
		columns[role] = header
	}
	return columns, nil
}

// printImport says what became of the rows; zone is the campaign's own.
func (a *app) printImport(sum *imported, zone *time.Location) error {
	if a.json {
		return a.printJSON(sum)
	}
	a.say("%s", importText(sum))
	if sum.Preview != nil {
		sum.Preview.print(a.out, zone)
	}
	return nil
}

// importText is an import's counts for people.
func importText(sum *imported) string {
	var b strings.Builder
	if sum.Preview != nil {
		b.WriteString("dry run, nothing was changed\n")
	}
	fmt.Fprintf(&b, "%s: %s: %d added, %d updated, %d unchanged, %d duplicate, %d rejected\n", sum.Campaign, plural(sum.Rows, "row"),
		sum.Added, sum.Updated, sum.Unchanged, sum.Duplicate, sum.Rejected)
	if sum.Suppressed+sum.Held > 0 {
		fmt.Fprintf(&b, "  of the added: %d suppressed, %d held\n", sum.Suppressed, sum.Held)
	}
	for _, reason := range slices.Sorted(maps.Keys(sum.Reasons)) {
		fmt.Fprintf(&b, "  rejected, %s: %d\n", reason, sum.Reasons[reason])
	}
	if sum.RejectsFile != nil {
		fmt.Fprintf(&b, "  rejected rows are in %s; mend them there and import that file\n", *sum.RejectsFile)
	}
	if sum.Error != "" {
		b.WriteString("  not all rows were read\n")
	}
	return b.String()
}
