package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dialerd/dialerd/campaign"
)

func TestLeadHoldsEverythingThatTheStoreTakes(t *testing.T) {
	t.Parallel()
	const text = "Name,Mobile,State,ZIP,Zone,Tags,Prio,Callback,Not before,Not after,Consent,Consent at,Colour,E-mail\n" +
		"Ann Lee,415-555-2671,CA,94110,America/Los_Angeles,a;b,7,2026-12-01 14:00,2026-11-30,2026-12-24,web form,2026-10-01T08:00:00Z,red,a@example.com\n"
	opts := options()
	opts.Columns = map[string]string{"timezone": "zone"}
	r, rows := readAll(t, text, opts)
	list := r.List()
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{{
		Line:  2,
		Cells: strings.Split(strings.TrimSpace(strings.Split(text, "\n")[1]), ","),
		Lead: &campaign.Lead{
			ID:       campaign.LeadID("default", "spring", "+14155552671"),
			Campaign: "spring",
			Key:      "+14155552671",
			Phone:    "+14155552671",
			Fields: campaign.Fields{
				Name: "Ann Lee", Email: "a@example.com", Province: "CA", ZIP: "94110", Zone: "America/Los_Angeles", Country: "US",
				Tags: []string{"a", "b"}, Priority: 7,
				NotBefore:  time.Date(2026, 11, 30, 0, 0, 0, 0, york),
				NotAfter:   time.Date(2026, 12, 25, 0, 0, 0, 0, york),
				CallbackAt: time.Date(2026, 12, 1, 14, 0, 0, 0, york),
				Consent:    "web form", ConsentAt: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC),
			},
			List:     list.ID,
			Row:      strings.Split(strings.TrimSpace(strings.Split(text, "\n")[1]), ","),
			State:    campaign.LeadNew,
			Lane:     campaign.LaneID([]string{"US-CA"}, []string{"America/Los_Angeles"}),
			Due:      time.Date(2026, 12, 1, 14, 0, 0, 0, york),
			Promised: true,
		},
	}}
	want[0].Place.Country, want[0].Place.Regions, want[0].Place.Zones = "US", []string{"US-CA"}, []string{"America/Los_Angeles"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	wantList := campaign.List{
		ID: list.ID, Source: "list.csv", Country: "US", Zone: "America/New_York",
		Columns: strings.Split(strings.Split(text, "\n")[0], ","),
		Roles: map[string]int{
			"name": 0, "phone": 1, "state": 2, "zip": 3, "timezone": 4, "tags": 5, "priority": 6, "callback_time": 7, "not_before": 8,
			"not_after": 9, "consent": 10, "consent_at": 11, "email": 13,
		},
	}
	if diff := cmp.Diff(wantList, list); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	// What the store reads again from the row is the same, and the attributes.
	want[0].Lead.Attributes = map[string]string{"Colour": "red"}
	fields, bad := list.Fields(rows[0].Cells)
	if diff := cmp.Diff(want[0].Lead.Fields, fields); diff != "" || bad != nil {
		t.Errorf("fields read again: %v\n%s", bad, diff)
	}
}

func TestListIDFollowsSourceColumnsAndRoles(t *testing.T) {
	t.Parallel()
	id := func(text string, change func(*Options)) string {
		opts := options()
		change(&opts)
		r, _ := readAll(t, text, opts)
		return r.List().ID
	}
	const text = "Phone,Mobile\n+14155552671,+12125550123\n"
	first := id(text, func(*Options) {})
	if again := id(text+"+13035550123,\n", func(*Options) {}); again != first || len(first) != 12 {
		t.Errorf("another row makes another list: %s, %s", first, again)
	}
	for name, change := range map[string]func(*Options){
		"source":  func(o *Options) { o.Source = "other.csv" },
		"roles":   func(o *Options) { o.Columns = map[string]string{"phone": "Mobile"} },
		"country": func(o *Options) { o.Country = "CA" },
	} {
		if id(text, change) == first {
			t.Errorf("another %s is the same list", name)
		}
	}
}

func TestColumnsOfTheOperatorWinOverAliases(t *testing.T) {
	t.Parallel()
	const text = "Phone,Backup,State,Full Name\n+14155552671,+12125550123,NY,Ann\n"
	for name, c := range map[string]struct {
		columns map[string]string
		want    map[string]int
	}{
		"none":             {nil, map[string]int{"phone": 0, "state": 2, "name": 3}},
		"phone":            {map[string]string{"phone": "Backup"}, map[string]int{"phone": 1, "state": 2, "name": 3}},
		"no state":         {map[string]string{"state": NoColumn}, map[string]int{"phone": 0, "name": 3}},
		"case and spaces":  {map[string]string{"name": " full-name"}, map[string]int{"phone": 0, "state": 2, "name": 3}},
		"attribute as key": {map[string]string{"key": "Full Name", "name": "-"}, map[string]int{"phone": 0, "state": 2, "key": 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options()
			opts.Columns = c.columns
			r, _ := readAll(t, text, opts)
			if diff := cmp.Diff(c.want, r.List().Roles); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWrongHeadIsAnErrorThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	const text = "Phone,Full Name\n+14155552671,Ann\n"
	for name, c := range map[string]struct {
		text   string
		change func(*Options)
		want   string
	}{
		"column that is not there": {
			text, func(o *Options) { o.Columns = map[string]string{"phone": "Fone", "name": "Ful Name"} },
			`list.csv: no column is called "Ful Name" (name); the header has "Phone", "Full Name"; did you mean "Full Name"?; name the column as the list does, or - for none
no column is called "Fone" (phone); the header has "Phone", "Full Name"; name the column as the list does, or - for none`,
		},
		"role that does not exist": {
			text, func(o *Options) { o.Columns = map[string]string{"fone": "Phone"} },
			`list.csv: "fone" is not a role of a column; roles are ` + strings.Join(campaign.Roles(), ", "),
		},
		"phone is no column": {
			text, func(o *Options) { o.Columns = map[string]string{"phone": "-"} },
			`list.csv: no column is for the phone; the header has "Phone", "Full Name"; if "Phone" holds them, say --map "phone=Phone", or call it "Phone"`,
		},
		"unknown country":   {text, func(o *Options) { o.Country = "XX" }, `list.csv: country "XX" is not known: write its ISO code, such as US, CA or GB`},
		"unknown encoding":  {text, func(o *Options) { o.Encoding = "klingon" }, `list.csv: encoding "klingon" is not known; name utf-8, utf-16le, utf-16be, windows-1252 or another IANA name`},
		"unknown delimiter": {text, func(o *Options) { o.Delimiter = 'x' }, `list.csv: delimiter 'x' is none; name one of , ; | or a tab`},
		"another delimiter": {
			text, func(o *Options) { o.Delimiter = ';' },
			`list.csv: no column is for the phone; the header has "Phone,Full Name"; the cells stand apart by something else than the delimiter ';': name another, or none, then it is found out`,
		},
		"no campaign": {text, func(o *Options) { o.Plan = nil }, `read list: no campaign`},
		"broken gzip": {"\x1f\x8b\x00", func(*Options) {}, `list.csv: unpack gzip: unexpected EOF`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options()
			c.change(&opts)
			_, err := NewReader(strings.NewReader(c.text), opts)
			if diff := cmp.Diff(c.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestMissingColumnIsAHeaderError(t *testing.T) {
	t.Parallel()
	_, err := NewReader(strings.NewReader("Fone,Name\n1,2\n"), options())
	e, ok := errors.AsType[*HeaderError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if e.Role != "phone" || e.Nearest != "Fone" || !cmp.Equal(e.Headers, []string{"Fone", "Name"}) {
		t.Errorf("got %+v", e)
	}
}

func TestEncodingAndDelimiterCanBeForced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, encoding string
		delim          rune
	}{
		"windows-1252":        {"Phone|Name\n+14155552671|Zo\xeb\n", "windows-1252", 0},
		"latin1":              {"Phone|Name\n+14155552671|Zo\xeb\n", "ISO-8859-1", '|'},
		"utf-8":               {"\xef\xbb\xbfPhone;Name\n+14155552671;Zoë\n", "UTF-8", ';'},
		"utf-16le":            {"P\x00h\x00o\x00n\x00e\x00;\x00N\x00a\x00m\x00e\x00\n\x00+\x001\x004\x001\x005\x005\x005\x005\x002\x006\x007\x001\x00;\x00Z\x00o\x00\xeb\x00", "utf-16le", 0},
		"koi8 with no accent": {"Phone\tName\n+14155552671\tZo\xcb\n", "koi8-r", '\t'},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options()
			opts.Encoding, opts.Delimiter = c.encoding, c.delim
			_, rows := readAll(t, c.text, opts)
			if len(rows) != 1 || rows[0].Lead == nil || (rows[0].Lead.Name != "Zoë" && rows[0].Lead.Name != "Zoк") {
				t.Errorf("got %+v", rows)
			}
		})
	}
}

func TestEndlessLineEndsTheList(t *testing.T) {
	t.Parallel()
	_, err := NewReader(strings.NewReader("Phone\n"+strings.Repeat("x", maxRecord+1)), options())
	if err == nil || !strings.Contains(err.Error(), "line 2 is longer than 1 MiB") {
		t.Errorf("in the head: %v", err)
	}
	text := "Phone\n" + strings.Repeat("4155552671\n", 50) + strings.Repeat("x", maxRecord+1)
	r, err := NewReader(strings.NewReader(text), options())
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for ; err == nil; rows++ {
		_, err = r.Next()
	}
	if rows != 51 || !strings.Contains(err.Error(), "line 52 is longer than 1 MiB") {
		t.Errorf("after %d rows: %v", rows, err)
	}
}

func TestCellOfAMillionLettersIsReadAndARowOfManyLinesIsNot(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxRecord-100)
	_, rows := readAll(t, "Phone,Note\n4155552671,\""+long+"\"\n", options())
	if len(rows) != 1 || rows[0].Lead == nil || rows[0].Cells[1] != long {
		t.Errorf("got %d rows", len(rows))
	}
	_, rows = readAll(t, "Phone,Note\n4155552671,\""+strings.Repeat("x\n", maxLines+5)+"\"\n", options())
	if len(rows) < maxLines || rows[0].Reject == nil || rows[0].Reject.Reason != RejectQuotes {
		t.Errorf("got %d rows, first %+v", len(rows), rows[0])
	}
}

func TestReadErrorIsReported(t *testing.T) {
	t.Parallel()
	broken := errors.New("cable cut")
	_, err := NewReader(iotest.ErrReader(broken), options())
	if !errors.Is(err, broken) {
		t.Errorf("at the beginning: %v", err)
	}
	text := "Phone\n" + strings.Repeat("4155552671\n", 20_000)
	r, err := NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), options())
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, broken) {
		t.Errorf("later: %v", err)
	}
}

func TestPackedTextThatGrowsWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	pack := func(text string) []byte {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return packed.Bytes()
	}
	var packed bytes.Buffer
	packed.Write(pack("Phone\n"))
	packed.Write(bytes.Repeat(pack(strings.Repeat("4155552671\n", 100_000)), 70)) // packed once: to pack takes longest
	text := &text{}
	if err := text.read(&counter{from: &packed}, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, text.Reader); err == nil || !strings.Contains(err.Error(), "times larger than its file") {
		t.Errorf("got %v", err)
	}
}

func TestRowsBesideABrokenQuoteAreNotLost(t *testing.T) {
	t.Parallel()
	const n = 40
	for at := range n {
		for name, damage := range map[string]string{
			"open at the front": `"%s,Ann,x`, "open in the middle": `%s,"Ann,x`, "open at the end": `%s,Ann,"x`,
			"stray": `%s,"An"n,x`, "opened twice": `%s,"Ann,"x`,
		} {
			var b strings.Builder
			b.WriteString("Phone,Name,Note\n")
			for i := range n {
				phone := fmt.Sprintf("+1415555%04d", 2600+i)
				switch {
				case i == at:
					fmt.Fprintf(&b, damage+"\n", phone)
				case i%7 == 3:
					fmt.Fprintf(&b, "%s,\"Ann, \"\"A\"\"\",\"two\nlines\"\n", phone)
				case i%5 == 2:
					fmt.Fprintf(&b, "%s,\"Ann\",\"\"\n", phone)
				default:
					fmt.Fprintf(&b, "%s,Ann,x\n", phone)
				}
			}
			_, rows := readAll(t, b.String(), options())
			leads := map[string]bool{}
			for _, row := range rows {
				if row.Lead != nil {
					leads[string(row.Lead.Phone)] = true
				}
			}
			for i := range n {
				phone := fmt.Sprintf("+1415555%04d", 2600+i)
				if i != at && !leads[phone] {
					t.Errorf("%s in row %d: row %d is lost", name, at, i)
				}
			}
		}
	}
}

func TestConsentIsJudgedAtTheTimeOfTheImport(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	const arkansas, california = "5015550123", "4155552671"
	for name, c := range map[string]struct {
		consent campaign.Consent
		rules   string
		phone   string
		cells   string
		reason  campaign.Reason
	}{
		"not required":                       {campaign.Consent{}, "legal", california, ",", ""},
		"required and there":                 {campaign.Consent{Required: true}, "legal", california, "web form,", ""},
		"required and missing":               {campaign.Consent{Required: true}, "legal", california, ",", "no_consent"},
		"required and said no":               {campaign.Consent{Required: true}, "legal", california, "No,", "no_consent"},
		"young enough":                       {campaign.Consent{Required: true, MaxAge: 30 * day}, "legal", california, "web,2026-10-25", ""},
		"too old":                            {campaign.Consent{Required: true, MaxAge: 30 * day}, "legal", california, "web,2026-10-22", "no_consent"},
		"of an unknown age":                  {campaign.Consent{Required: true, MaxAge: 30 * day}, "legal", california, "web,", "no_consent"},
		"of an unreadable age":               {campaign.Consent{Required: true, MaxAge: 30 * day}, "legal", california, "web,10/30/2026", "no_consent"},
		"state that bars automated calls":    {campaign.Consent{}, "legal", arkansas, ",", "no_consent"},
		"the same with evidence":             {campaign.Consent{}, "legal", arkansas, "web,", ""},
		"the same with a basis":              {campaign.Consent{Basis: "our customers"}, "legal", arkansas, ",", ""},
		"a no stands above a basis":          {campaign.Consent{Basis: "our customers"}, "legal", california, "no,", "no_consent"},
		"dated in the future":                {campaign.Consent{Required: true, MaxAge: 30 * day}, "legal", california, "web,2027-10-25", "no_consent"},
		"the same without rules":             {campaign.Consent{}, "none", arkansas, ",", ""},
		"the same without rules, required":   {campaign.Consent{Required: true}, "none", arkansas, ",", "no_consent"},
		"toll-free comes before the consent": {campaign.Consent{Required: true}, "legal", "8005550123", ",", "toll_free"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options()
			opts.Plan = plan(func(k *campaign.Campaign) { k.Consent, k.Calling.Rules = c.consent, c.rules })
			_, rows := readAll(t, "Phone,Consent,Consent date\n"+c.phone+","+c.cells+"\n", opts)
			lead := rows[0].Lead
			want := campaign.LeadNew
			if c.reason != "" {
				want = campaign.LeadHeld
			}
			if lead.State != want || lead.Reason != c.reason || (lead.Note == "") != (c.reason == "") {
				t.Errorf("got %s %s (%s)", lead.State, lead.Reason, lead.Note)
			}
		})
	}
}

func TestPlacesWhoseWindowsNeverMeetAreHeld(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Plan = plan(func(c *campaign.Campaign) {
		for d := range c.Calling.Hours {
			c.Calling.Hours[d] = campaign.Week{{{From: 9 * 60, To: 10 * 60}}}[0]
		}
	})
	_, rows := readAll(t, "Phone,State\n4155552671,NY\n4155552672,CA\n", opts)
	if l := rows[0].Lead; l.State != campaign.LeadHeld || l.Reason != campaign.ReasonNoWindow || l.Note == "" || l.Lane == "" {
		t.Errorf("California and New York, 9 to 10: got %s %s (%s) lane %q", l.State, l.Reason, l.Note, l.Lane)
	}
	if l := rows[1].Lead; l.State != campaign.LeadNew {
		t.Errorf("California alone: got %s %s (%s)", l.State, l.Reason, l.Note)
	}
}

func TestDuplicatesAreFoundAcrossTheListsOfOneRun(t *testing.T) {
	t.Parallel()
	opts := options()
	opts.Seen = NewSeen()
	readAll(t, "Phone\n4155552671\n", opts)
	opts.Source = "second.csv"
	_, rows := readAll(t, "Phone\n2125550123\n+1 415 555 2671\n", opts)
	if rows[0].Lead == nil || rows[1].Duplicate == nil || rows[1].Duplicate.First != 2 || opts.Seen.Len() != 2 {
		t.Errorf("got %+v", rows)
	}
}

func TestErrorsDoNotRepeatPeoplesData(t *testing.T) {
	t.Parallel()
	_, err := NewReader(strings.NewReader("Ann Lee,4155552671\nBob,2125550123\n"), options())
	if err == nil || strings.Contains(err.Error(), "Ann") || strings.Contains(err.Error(), "4155552671") {
		t.Errorf("got %v", err)
	}
	_, rows := readAll(t, "Phone,Name\n12345,Ann\n", options())
	if s := fmt.Sprintf("%+v", rows[0].Reject); strings.Contains(s, "12345") || strings.Contains(s, "Ann") {
		t.Errorf("got %s", s)
	}
}

func TestBytesReadReachTheSizeOfTheInput(t *testing.T) {
	t.Parallel()
	text := "Phone\n" + strings.Repeat("4155552671\n", 1000)
	r, _ := readAll(t, text, options())
	if got := r.BytesRead(); got != int64(len(text)) {
		t.Errorf("got %d of %d", got, len(text))
	}
}
