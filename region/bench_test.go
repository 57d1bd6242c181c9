package region

import (
	"testing"
	"time"
)

var benchTime = time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)

func benchPlace(b *testing.B) *Compiled {
	b.Helper()
	return place(b, "US-FL US-TX|America/New_York America/Chicago America/Denver")
}

func TestAskingAgainAllocatesNothing(t *testing.T) {
	c := place(t, "US-FL US-TX|America/New_York America/Chicago America/Denver")
	week := Always()
	shut := benchTime.Add(12 * time.Hour)
	key := c.Key()
	for name, f := range map[string]func(){
		"open":   func() { c.Window(benchTime, &week, 5*time.Minute, time.Minute) },
		"closed": func() { c.Window(shut, &week, 5*time.Minute, time.Minute) },
		"ByKey":  func() { _, _ = Default().ByKey(key) },
		"caps":   func() { _, _ = c.CapsAt(benchTime), c.NeedsConsentAt(benchTime) },
		"worked out while open": func() {
			m := memo{week: &week, close: 5 * time.Minute, open: time.Minute}
			c.answer(benchTime, &m)
		},
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkWindow is what every decision pays: the answer of before, as long as it is good.
func BenchmarkWindow(b *testing.B) {
	c, week := benchPlace(b), Always()
	b.ReportAllocs()
	for b.Loop() {
		c.Window(benchTime, &week, 5*time.Minute, time.Minute)
	}
}

// BenchmarkAnswer is what is paid when the answer of before is used up: two states, three zones.
func BenchmarkAnswer(b *testing.B) {
	c, week := benchPlace(b), Always()
	for name, at := range map[string]time.Time{"open": benchTime, "closed": benchTime.Add(12 * time.Hour)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := memo{week: &week, close: 5 * time.Minute, open: time.Minute}
				c.answer(at, &m)
			}
		})
	}
	never := place(b, "US-HI FR|Pacific/Honolulu Europe/Paris")
	b.Run("never", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m memo
			never.answer(benchTime, &m)
		}
	})
}

func BenchmarkByKey(b *testing.B) {
	key := benchPlace(b).Key()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Default().ByKey(key)
	}
}

func BenchmarkZone(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Zone("America/Chicago")
	}
}

func BenchmarkParsePhone(b *testing.B) {
	for name, text := range map[string]string{"plain": "(850) 555-2671", "library": "+44 20 7946 0123"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = ParsePhone(text, "US")
			}
		})
	}
}

func BenchmarkLocate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Locate(Signals{Phone: "+18505552671", State: "Florida", ZIP: "32401"})
	}
}

func BenchmarkParseTables(b *testing.B) {
	for b.Loop() {
		if _, err := parseEmbedded(); err != nil {
			b.Fatal(err)
		}
	}
}
