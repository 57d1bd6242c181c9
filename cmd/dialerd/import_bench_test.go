package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gocarina/gocsv"
	"github.com/nyaruka/phonenumbers"
	"github.com/redis/go-redis/v9"

	"github.com/dialerd/dialerd/campaign"
	"github.com/dialerd/dialerd/importer"
	"github.com/dialerd/dialerd/store"
	"github.com/dialerd/dialerd/store/redistest"
)

// benchRow is a row of the list that the benchmark imports: ten columns, some of them quoted, as a CRM exports them.
type benchRow struct {
	Phone   string `csv:"Phone"`
	First   string `csv:"First Name"`
	Last    string `csv:"Last Name"`
	Email   string `csv:"Email"`
	State   string `csv:"State"`
	ZIP     string `csv:"ZIP"`
	Company string `csv:"Company"`
	Plan    string `csv:"Plan"`
	Source  string `csv:"Source"`
	Amount  string `csv:"Amount"`
}

// benchPlaces are where the people of the list live.
var benchPlaces = []struct{ area, state, zip string }{
	{"212", "NY", "100%02d"},
	{"415", "CA", "941%02d"},
	{"312", "IL", "606%02d"},
	{"305", "FL", "331%02d"},
	{"713", "TX", "770%02d"},
	{"303", "CO", "802%02d"},
	{"602", "AZ", "850%02d"},
	{"404", "GA", "303%02d"},
	{"617", "NY", "112%02d"},
	{"702", "NV", "891%02d"},
}

// writeBenchList writes a list of so many rows.
func writeBenchList(b *testing.B, path string, rows int) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	_, _ = fmt.Fprintln(w, "Phone,First Name,Last Name,Email,State,ZIP,Company,Plan,Source,Amount")
	for i := range rows {
		p := benchPlaces[i%len(benchPlaces)]
		n := i / len(benchPlaces)
		phone := fmt.Sprintf("(%s) %d-%04d", p.area, 220+n/10_000, n%10_000)
		company := "Acme"
		if i%5 == 0 {
			company = `"Acme, Inc"`
		}
		zip := p.zip
		zip = fmt.Sprintf(zip, i/7%100)
		_, _ = fmt.Fprintf(w, "%s,Ann,Number%07d,ann%d@example.com,%s,%s,%s,gold plan,web form,%d.50\n", phone, i, i, p.state, zip, company, i%1000)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkImport takes a list in, in four ways one after the other on the same Redis (appendfsync always), and compares them:
//
//	straightforward  gocsv, phonenumbers, one small script for each row, a thousand of them at once
//	bare             the record's own commands, with ready-made arguments
//	import           dialerd import, a process of its own
//	again            dialerd import of the same list
//
// DIALERD_BENCH_ROWS is how many rows the list has; 50,000 unless set.
func BenchmarkImport(b *testing.B) {
	rows := benchRows()
	list := filepath.Join(b.TempDir(), "list.csv")
	writeBenchList(b, list, rows)
	took := map[string]float64{} // seconds, the sum over all rounds
	var peak int64
	for b.Loop() {
		m := &importBench{B: b, list: list, rows: rows, server: redistest.StartServer(b, redistest.Options{AppendOnly: true})}
		m.begin()
		for _, way := range []struct {
			name string
			run  func() time.Duration
		}{{"straightforward", m.straightforward}, {"bare", m.bare}, {"import", m.imported}, {"again", m.again}} {
			took[way.name] += way.run().Seconds()
		}
		peak = max(peak, m.peak)
		m.server.Stop(b)
	}
	per := func(way string) float64 { return float64(rows*b.N) / took[way] }
	b.ReportMetric(per("import"), "rows/s")
	b.ReportMetric(per("bare"), "bare-rows/s")
	b.ReportMetric(per("straightforward"), "straightforward-rows/s")
	b.ReportMetric(per("again"), "again-rows/s")
	b.ReportMetric(per("import")/per("straightforward"), "x-straightforward")
	b.ReportMetric(per("import")/per("bare"), "x-bare")
	b.ReportMetric(per("again")/per("import"), "x-again")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

// benchRows is how many rows the lists of the benchmarks have.
func benchRows() int {
	if n, err := strconv.Atoi(os.Getenv("DIALERD_BENCH_ROWS")); err == nil {
		return n
	}
	return 50_000
}

// BenchmarkImportFiveTimes imports a list and one that is five times as long. x-five-times is the speed of the long one by that of the
// short one: near 1 when speed does not depend on how long a list is.
func BenchmarkImportFiveTimes(b *testing.B) {
	rows := benchRows()
	took := map[int]float64{} // seconds, the sum over all rounds
	var peak int64
	for b.Loop() {
		for _, times := range []int{1, 5} {
			list := filepath.Join(b.TempDir(), "list.csv")
			writeBenchList(b, list, rows*times)
			m := &importBench{B: b, list: list, rows: rows * times, server: redistest.StartServer(b, redistest.Options{AppendOnly: true})}
			m.begin()
			took[times] += m.imported().Seconds()
			peak = max(peak, m.peak)
			m.server.Stop(b)
		}
	}
	short, long := float64(rows*b.N)/took[1], float64(5*rows*b.N)/took[5]
	b.ReportMetric(short, "rows/s")
	b.ReportMetric(long, "five-times-rows/s")
	b.ReportMetric(long/short, "x-five-times")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}

// importBench is one round of BenchmarkImport.
type importBench struct {
	*testing.B
	list   string
	rows   int
	server *redistest.Server
	client redis.UniversalClient
	dir    string
	peak   int64
}

// begin makes an empty record with a campaign.
func (m *importBench) begin() {
	m.Helper()
	m.client, m.dir = m.server.Client(m), m.TempDir()
	text := "campaign: spring\nagents: [{id: aB3dE9fG}]\nleads: [{source: \"" + m.list + "\", country: US}]\nconsent: {basis: \"our own customers\"}\n"
	if err := os.WriteFile(filepath.Join(m.dir, "spring.yaml"), []byte(text), 0o600); err != nil {
		m.Fatal(err)
	}
	m.dialerd("campaign", "apply", "spring.yaml")
}

// empty makes the record empty again, but for the campaign.
func (m *importBench) empty() {
	m.Helper()
	if err := m.client.FlushAll(m.Context()).Err(); err != nil {
		m.Fatal(err)
	}
	m.dialerd("campaign", "apply", "spring.yaml")
}

// dialerd runs the program and returns what it printed.
func (m *importBench) dialerd(args ...string) []byte {
	m.Helper()
	self, err := os.Executable()
	if err != nil {
		m.Fatal(err)
	}
	cmd := exec.CommandContext(m.Context(), self, args...)
	cmd.Args[0], cmd.Dir = "dialerd", m.dir
	peak := filepath.Join(m.dir, "peak")
	cmd.Env = append(os.Environ(), peakFile+"="+peak, "REDIS_URL="+m.server.URL(), "THOUGHTLY_BASE_URL=http://127.0.0.1:1", "THOUGHTLY_API_TOKEN=t", "THOUGHTLY_TEAM_ID=5c1d7e64-0f0e-4a3b-9d55-2b6a1c0f7e11")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		m.Fatalf("dialerd %v: %v\n%s", args, err, stderr.String())
	}
	told, err := os.ReadFile(peak)
	if err != nil {
		m.Fatal(err)
	}
	kib, err := strconv.ParseInt(string(told), 10, 64)
	if err != nil {
		m.Fatal(err)
	}
	m.peak = max(m.peak, kib<<10)
	return stdout.Bytes()
}

// peakFile is the variable that names a file into which the program writes at its end the most memory, in KiB, that it had at a time. What the
// system tells a process of its child counts what the child was before it became another program: a copy of this benchmark.
const peakFile = "DIALERD_TEST_PEAK"

// tellPeak writes that file, if one is named.
func tellPeak() {
	path := os.Getenv(peakFile)
	if path == "" {
		return
	}
	status, err := os.ReadFile("/proc/self/status")
	if _, rest, found := strings.Cut(string(status), "VmHWM:"); err == nil && found {
		err = os.WriteFile(path, []byte(strings.Fields(rest)[0]), 0o600)
	}
	if err != nil {
		panic(err)
	}
}

// count runs dialerd import and demands that every row became what is wanted.
func (m *importBench) count(what string) time.Duration {
	m.Helper()
	begin := time.Now()
	out := m.dialerd("import", m.list, "--campaign", "spring", "--json")
	took := time.Since(begin)
	got := map[string]any{}
	if err := json.Unmarshal(out, &got); err != nil {
		m.Fatal(err)
	}
	if n, ok := got[what].(float64); !ok || int(n) != m.rows {
		m.Fatalf("want %d %s: %s", m.rows, what, out)
	}
	return took
}

func (m *importBench) imported() time.Duration {
	m.empty()
	return m.count("added")
}

func (m *importBench) again() time.Duration { return m.count("unchanged") }

// simpleScript is what somebody would write first: the lead, when it is new, its place in the queue, and a counter.
var simpleScript = redis.NewScript(`
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
local seq = redis.call('HINCRBY', KEYS[2], 'seq', 1)
redis.call('ZADD', KEYS[3], seq, ARGV[1])
redis.call('HINCRBY', KEYS[2], 'new', 1)
return 1`)

// straightforward is the pipeline that somebody would write first.
func (m *importBench) straightforward() time.Duration {
	m.Helper()
	m.empty()
	ctx := m.Context()
	if err := simpleScript.Load(ctx, m.client).Err(); err != nil {
		m.Fatal(err)
	}
	f, err := os.Open(m.list)
	if err != nil {
		m.Fatal(err)
	}
	defer f.Close()
	begin := time.Now()
	reader, err := gocsv.NewUnmarshaller(csv.NewReader(bufio.NewReader(f)), benchRow{})
	if err != nil {
		m.Fatal(err)
	}
	pipe, rows := m.client.Pipeline(), 0
	for {
		v, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			m.Fatal(err)
		}
		row, ok := v.(benchRow)
		if !ok {
			m.Fatalf("row %T", v)
		}
		n, err := phonenumbers.Parse(row.Phone, "US")
		if err != nil || !phonenumbers.IsValidNumber(n) {
			continue
		}
		phone := phonenumbers.Format(n, phonenumbers.E164)
		record, err := json.Marshal(row)
		if err != nil {
			m.Fatal(err)
		}
		simpleScript.EvalSha(ctx, pipe, []string{"{s}leads", "{s}count", "{s}new"}, campaign.LeadID("default", "spring", phone), record)
		if rows++; rows%1000 == 0 {
			if _, err := pipe.Exec(ctx); err != nil {
				m.Fatal(err)
			}
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		m.Fatal(err)
	}
	took := time.Since(begin)
	if n := m.client.HLen(ctx, "{s}leads").Val(); n < int64(rows*99/100) {
		m.Fatalf("%d leads of %d rows", n, rows)
	}
	return took
}

// bare takes in the same leads with the record's own commands, made beforehand. Only taking in is timed.
func (m *importBench) bare() time.Duration {
	m.Helper()
	m.empty()
	ctx := m.Context()
	record := store.New(m.client, store.Options{})
	r, err := record.Campaign(ctx, "spring")
	if err != nil {
		m.Fatal(err)
	}
	f, err := os.Open(m.list)
	if err != nil {
		m.Fatal(err)
	}
	defer f.Close()
	reader, err := importer.NewReader(f, importer.Options{Plan: campaign.NewPlan(&r.Campaign), Now: time.Now(), Source: m.list, Country: "US"})
	if err != nil {
		m.Fatal(err)
	}
	if err := record.AddList(ctx, "spring", reader.List()); err != nil {
		m.Fatal(err)
	}
	took, lanes := time.Duration(0), map[string]bool{}
	for end := false; !end; {
		var batches [][]store.NewLead // some at a time, for they would not fit into memory
		for len(batches) < 40 && !end {
			leads := make([]store.NewLead, 0, importBatch)
			for len(leads) < importBatch {
				row, err := reader.Next()
				if errors.Is(err, io.EOF) {
					end = true
					break
				}
				if err != nil {
					m.Fatal(err)
				}
				if !lanes[row.Lead.Lane] {
					lanes[row.Lead.Lane] = true
					place := map[string]store.Place{row.Lead.Lane: {Zones: row.Place.Zones, Regions: row.Place.Regions}}
					if err := record.PutLanes(ctx, "spring", place); err != nil {
						m.Fatal(err)
					}
				}
				leads = append(leads, newLead(row.Lead))
			}
			batches = append(batches, leads)
		}
		begin := time.Now()
		for _, leads := range batches {
			if _, err := record.AddLeads(ctx, "spring", leads); err != nil {
				m.Fatal(err)
			}
		}
		took += time.Since(begin)
	}
	return took
}
