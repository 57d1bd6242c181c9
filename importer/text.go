package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sampleSize is how much of a list is looked at to find out how it is written, in bytes.
const sampleSize = 64 << 10

// counter counts what is read through it.
type counter struct {
	from io.Reader
	n    atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// text is a list as bytes in an encoding that ASCII is a part of: UTF-8, or Windows-1252 in those rows that are not UTF-8.
type text struct {
	*bufio.Reader
	mixed    bool          // rows that are not UTF-8 are Windows-1252
	inline   *inlineSheets // of a workbook whose texts are put into their cells; nil = it is none
	table    *table        // the rows of a sheet, which are no text
	hidden   atomic.Int64  // rows of it that its spreadsheet does not show
	sheets   string        // which sheet it is, and which others there are; "" = there is no other
	warnings []string
	ends     []func() error // to be called when it was read
}

// close lets go of what was opened to read the text, the last one first.
func (t *text) close() error {
	var errs []error
	for _, end := range slices.Backward(t.ends) {
		errs = append(errs, end())
	}
	t.ends = nil
	return errors.Join(errs...)
}

// sample is the beginning of the text.
func (t *text) sample() ([]byte, error) {
	head, err := t.Peek(sampleSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read: %w", err)
	}
	return head, nil
}

// read unpacks and decodes a list. Which encoding it has is found out by rule: a byte order mark, else the pattern of zero bytes
// that UTF-16 has, else UTF-8, and row by row Windows-1252 where it is not that.
func (t *text) read(input *counter, name, sheet string) error {
	if from, ok := input.from.(*table); ok {
		t.table = from
		return nil
	}
	t.Reader = bufio.NewReaderSize(input, sampleSize)
	if err := t.unpack(input, sheet); err != nil || t.table != nil {
		return err
	}
	head, err := t.sample()
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(head)) == 0 {
		return errors.New("the file is empty; want a header line and one row for each lead")
	}
	if name != "" {
		return t.force(name)
	}
	if what := notText(head); what != "" {
		return errors.New(what)
	}
	switch order, marked := wide(head); {
	case order != nil:
		t.decode(unicode.UTF16(*order, unicode.UseBOM))
		if !marked {
			t.warnings = append(t.warnings, "the file has no byte order mark and was read as UTF-16")
		}
	case bytes.IndexByte(head, 0) >= 0:
		return errors.New("the file is not text: it has zero bytes in it; export the list as CSV")
	default:
		t.mixed = true
	}
	return t.skipMark()
}

// force takes the encoding that the operator names.
func (t *text) force(name string) error {
	enc, err := encodingCalled(name)
	if err != nil {
		return err
	}
	if canonical, err := htmlindex.Name(enc); err != nil || canonical != "utf-8" {
		t.decode(enc)
	}
	return t.skipMark()
}

// encodingCalled finds an encoding; without a name it is nil.
func encodingCalled(name string) (encoding.Encoding, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // as the comment says
	}
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("encoding %q is not known; name utf-8, utf-16le, utf-16be, windows-1252 or another IANA name", name)
	}
	return enc, nil
}

func (t *text) decode(enc encoding.Encoding) {
	t.Reader = bufio.NewReaderSize(transform.NewReader(t.Reader, enc.NewDecoder()), sampleSize)
}

// skipMark drops byte order marks; some programs write two.
func (t *text) skipMark() error {
	for {
		head, err := t.Peek(3)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read: %w", err)
		}
		if !bytes.Equal(head, []byte("\xef\xbb\xbf")) {
			return nil
		}
		if _, err := t.Discard(3); err != nil {
			return fmt.Errorf("read: %w", err)
		}
	}
}

// notText names the files that people take for lists by mistake.
func notText(head []byte) string {
	lower := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(head[:min(len(head), 512)], []byte("\xef\xbb\xbf"))))
	switch {
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return "the file is an old Excel workbook, or one with a password; save it as .xlsx without one, or as CSV (UTF-8)"
	case bytes.HasPrefix(head, []byte("%PDF")):
		return "the file is a PDF document; want a CSV file"
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")):
		return "the file is a web page, perhaps a login page; want a CSV file, so check the link"
	case markup.Match(lower):
		return "the file is a table for a web page or XML, which some programs call .xls; open it in a spreadsheet and save it as .xlsx, or as CSV (UTF-8)"
	case jsonText.Match(lower):
		return "the file is JSON; want a CSV file or a workbook (.xlsx)"
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return "the file is UTF-32; save it as UTF-8"
	}
	return ""
}

// What begins files that are no lists.
var (
	markup   = regexp.MustCompile(`^<(\?xml|table|head|meta|style|body|div|script)\b`)
	jsonText = regexp.MustCompile(`^(\{\s*"|\[\s*[\[{])`)
)

// wide finds UTF-16, by its mark or by where the zero bytes stand: in text of Latin letters every second byte is one.
func wide(head []byte) (order *unicode.Endianness, marked bool) {
	little, big := unicode.LittleEndian, unicode.BigEndian
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return &little, true
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return &big, true
	}
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	pairs := len(head) / 2
	switch {
	case zeros[1]*10 > pairs*4 && zeros[0]*20 < pairs:
		return &little, false
	case zeros[0]*10 > pairs*4 && zeros[1]*20 < pairs:
		return &big, false
	}
	return nil, false
}

// maxRatio is how many times larger than its packed form a text may be, once it is larger than freeSize. Lists pack 5 to 20 times.
const (
	maxRatio = 200
	freeSize = 64 << 20
)

// unpacker reads a packed text and stops where it grows without end.
type unpacker struct {
	packed func() int64 // bytes that it was made of so far
	free   int64        // bytes that any text may have
	from   io.Reader
	n      int64
}

func (u *unpacker) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("unpack: the file is cut off before its end; copy it again")
	}
	u.n += int64(n)
	if u.n > u.free && u.n > maxRatio*u.packed() {
		return 0, fmt.Errorf("unpack: the text is more than %d times larger than its file, which no list is", maxRatio)
	}
	return n, err
}

// utf8Text is a row as UTF-8; latin reports that it was Windows-1252.
func utf8Text(row []byte) (decoded []byte, latin bool) {
	if utf8.Valid(row) {
		return row, false
	}
	decoded, err := charmap.Windows1252.NewDecoder().Bytes(row)
	if err != nil {
		return bytes.ToValidUTF8(row, []byte("�")), true
	}
	return decoded, true
}

// clip keeps a value short enough for an error text.
func clip(s string) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "�"))
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
