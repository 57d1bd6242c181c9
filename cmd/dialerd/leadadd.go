package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
)

func (a *app) leadAddCommand() *cobra.Command {
	var o leadFlags
	var name, key string
	var attrs []string
	cmd := &cobra.Command{
		Use:   "add PHONE --campaign NAME",
		Short: "Add one lead",
		Long: "Adds one lead as if it stood in a list of one row; --urgent puts it before all others. A lead that is there already\n" +
			"is left as it is: change it with dialerd lead set.",
		Example: "  dialerd lead add +12125550123 --campaign spring --name \"Ann Example\" --state NY --urgent\n" +
			"  dialerd lead add 2125550123 --campaign spring --country US --attr plan=gold",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name == "" {
				return usagef("--campaign NAME is missing: which campaign is the lead for?")
			}
			roles, err := o.roles(cmd)
			if err != nil {
				return err
			}
			r, err := a.record(cmd.Context(), name)
			if err != nil {
				return err
			}
			row := handRow{phone: args[0], roles: roles, urgent: o.urgent}
			if key != "" {
				row.roles[campaign.RoleKey] = key
			}
			for _, pair := range attrs {
				k, v, ok := strings.Cut(pair, "=")
				if !ok || strings.TrimSpace(k) == "" {
					return usagef("--attr %q: write name=value", pair)
				}
				row.attrs = append(row.attrs, [2]string{strings.TrimSpace(k), v})
			}
			l, err := a.addByHand(cmd.Context(), r, row)
			if err != nil {
				return err
			}
			return a.showAgain(cmd.Context(), l)
		},
	}
	cmd.Flags().StringVar(&name, "campaign", "", "campaign that the lead is for")
	cmd.Flags().StringVar(&key, "key", "", "what tells it from other leads with the same phone (default: the phone)")
	cmd.Flags().StringArrayVar(&attrs, "attr", nil, "attribute of the lead, as in plan=gold")
	o.flags(cmd)
	a.jsonFlag(cmd)
	return cmd
}

// handRow is a lead that was typed in.
type handRow struct {
	phone  string
	roles  map[string]string
	attrs  [][2]string
	urgent bool
}

// list writes the row as a list of one, so that it is read and judged just as lists are. Roles without a value are kept from
// attributes that are called like them.
func (h *handRow) list() (io.Reader, map[string]string, error) {
	head, row := []string{campaign.RolePhone}, []string{h.phone}
	columns := map[string]string{campaign.RolePhone: campaign.RolePhone}
	for _, role := range campaign.Roles() {
		if role == campaign.RolePhone {
			continue
		}
		value, ok := h.roles[role]
		if !ok {
			columns[role] = importer.NoColumn
			continue
		}
		head, row = append(head, role), append(row, value)
		columns[role] = role
	}
	for _, attr := range h.attrs {
		if slices.Contains(head, attr[0]) {
			return nil, nil, usagef("--attr %s: the name is taken; choose another, or use the flag of that name", attr[0])
		}
		head, row = append(head, attr[0]), append(row, attr[1])
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll([][]string{head, row}); err != nil {
		return nil, nil, fmt.Errorf("write the lead as a list: %w", err)
	}
	return &b, columns, nil
}

// addByHand judges a row and takes it in as a lead that was not there.
func (a *app) addByHand(ctx context.Context, r *store.Record, h handRow) (*campaign.Lead, error) {
	text, columns, err := h.list()
	if err != nil {
		return nil, err
	}
	country := ""
	if all := countriesOf([]*store.Record{r}); len(all) == 1 {
		country = all[0]
	}
	plan, err := a.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	reader, err := importer.NewReader(text, importer.Options{
		Plan: plan, Now: a.now(), Source: "by hand", Columns: columns, Country: country, Delimiter: ',', Encoding: "utf-8",
	})
	if err != nil {
		return nil, err
	}
	row, err := reader.Next()
	if err != nil {
		return nil, err
	}
	if row.Reject != nil {
		return nil, usagef("the lead cannot be taken: %s: %s", row.Reject.Reason, row.Reject.Fix)
	}
	if _, err := a.store.Lead(ctx, r.Name, row.Lead.ID); err == nil {
		return nil, fmt.Errorf("campaign %q has this lead already; change it with: dialerd lead set", r.Name)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	row.Lead.Urgent = h.urgent
	run := &importRun{
		a: a, name: r.Name, plan: plan, sum: importer.NewSummary(r.Name), lanes: map[string]bool{}, places: map[string]store.Place{},
	}
	if err := a.store.AddList(ctx, r.Name, reader.List()); err != nil {
		return nil, err
	}
	if err := run.row(ctx, nil, row); err != nil {
		return nil, err
	}
	if err := run.flush(ctx); err != nil {
		return nil, err
	}
	return row.Lead, nil
}
