package importer

import (
	"bufio"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTagsEndWhereXMLEndsThemHoweverTheyComeIn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("> it's long ", 20)
	for text, want := range map[string][]string{
		`<a><x:b c="1"/></a>`:                    {"<a>|a", `<x:b c="1"/>|b`, "</a>|a"},
		`<a b="1>2" c='"' d="'">3 > 2 "</a>`:     {`<a b="1>2" c='"' d="'">|a`, "3 >|", ` 2 "</a>|a`},
		`<a b="` + long + `">it's</a>`:           {`<a b="` + long + `">|a`, "it's</a>|a"},
		`<!-- <c "> --><!--><!-- "--><d>`:        {`<!-- <c "> -->|`, `<!--><!-- "-->|`, "<d>|d"},
		`<!--` + long + `--><d>`:                 {`<!--` + long + `-->|`, "<d>|d"},
		`<![CDATA[x:c <v>]>"]]><?x '>?><!E ><d>`: {`<![CDATA[x:c <v>]>"]]>|`, `<?x '>?>|`, "<!E >|", "<d>|d"},
		`<a b="1><c><d>`:                         {`<a b="1><c>|c`, "<d>|d"}, // damaged, which the library says
	} {
		for _, size := range []int{16, 17, 18, 19, 23, 64, sampleSize} {
			tags := &tagReader{from: bufio.NewReaderSize(strings.NewReader(text), size)}
			var got []string
			for tags.next() {
				got = append(got, string(tags.chunk)+"|"+tags.name)
			}
			if diff := cmp.Diff(want, got); diff != "" || tags.err != nil {
				t.Errorf("%s in pieces of %d: %v (-want +got)\n%s", text, size, tags.err, diff)
			}
		}
	}
}
