package thoughtly

import (
	"bytes"
	"fmt"
	"testing"
)

func BenchmarkDecodeEvent(b *testing.B) {
	var wide bytes.Buffer
	wide.WriteString(`{"id":"r"`)
	for i := range 50_000 {
		fmt.Fprintf(&wide, `,"k%d":{"a":%d}`, i, i)
	}
	wide.WriteString(`}`)
	for name, body := range map[string][]byte{
		"real":          []byte(bodies[8]),
		"wide_1MB":      wide.Bytes(),
		"deep_metadata": []byte(`{"metadata":` + string(bytes.Repeat([]byte(`{"a":`), 9000)) + `1` + string(bytes.Repeat([]byte(`}`), 9000)) + `}`),
		"lines_1MB":     []byte(`{"id":"r","transcript":"` + string(bytes.Repeat([]byte(`x\n`), 350_000)) + `"}`),
		"texts_1MB":     []byte(`{"id":"r","transcript":"` + string(bytes.Repeat([]byte(`a: b\n`), 150_000)) + `"}`),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeEvent(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRefusalOf4MiB(b *testing.B) {
	c := &Client{Token: token}
	for name, unit := range map[string]string{"text": "no ", "tags": "<p>", "digits": "1 ", "open": "<", "dots": "1."} {
		body := bytes.Repeat([]byte(unit), maxBody/len(unit))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = c.read(request{op: opCall}, attempt{status: 500, body: body, sent: true})
			}
		})
	}
}
