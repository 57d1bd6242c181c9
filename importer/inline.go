package importer

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// inlined writes a workbook anew with every text in its own cell, and returns the file; nil when the library may read the workbook as it
// is. Spreadsheets keep each text once and put its number into the cells. The library remembers where every text is, some 60 bytes each,
// which is more than an import may take when a sheet has a million of them; and when it cannot read one, it leaves all that come after it
// out without a word.
func (t *text) inlined(z *zip.Reader) (*os.File, error) {
	part, err := partOf(z, "xl/sharedStrings.xml")
	if err != nil || part.UncompressedSize64 <= xmlInMemory {
		return nil, nil //nolint:nilnil // without texts, or with few of them, there is nothing to do
	}
	texts, err := readTexts(part)
	if errors.Is(err, errUncommon) {
		return nil, nil //nolint:nilnil // as the comment says
	}
	if err != nil {
		return nil, fmt.Errorf("read the texts of the workbook: %w", err)
	}
	defer texts.close()
	file, err := os.CreateTemp("", "dialerd-list-*")
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	t.ends = append(t.ends, func() error { return errors.Join(file.Close(), os.Remove(file.Name())) })
	to := zip.NewWriter(file)
	for _, f := range z.File {
		if err := texts.pass(f, to); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", clip(f.Name), err)
		}
	}
	if err := to.Close(); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return file, nil
}

// headPart reports whether a part says what the sheets are called, where they are, and how numbers are shown.
func headPart(name string) bool {
	switch name {
	case "[content_types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml":
		return true
	}
	return strings.HasPrefix(name, "xl/theme/")
}

// pass writes a part of the old workbook into the new one.
func (s *sharedTexts) pass(f *zip.File, to *zip.Writer) error {
	name := strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))
	switch {
	case headPart(name) && f.UncompressedSize64 > freeSize:
		return fmt.Errorf("it is larger than %d MiB, so this is no list", freeSize>>20)
	case headPart(name):
		return to.Copy(f)
	case !strings.HasPrefix(name, "xl/worksheets/") || !strings.HasSuffix(name, ".xml"):
		return nil
	}
	body, err := openEntry(f)
	if err != nil {
		return err
	}
	defer body.Close()
	part, err := to.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(&bounded{to: part, left: maxWorkbook}, sampleSize)
	return errors.Join(s.inline(body, out), out.Flush())
}

// bounded is a part of a workbook that may not grow without end: a long text may stand in every cell.
type bounded struct {
	to   io.Writer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fmt.Errorf("unpacked it is larger than %d GiB, which no list is", maxWorkbook>>30)
	}
	return b.to.Write(p)
}

// inline copies a sheet and puts the texts where their numbers stand.
func (s *sharedTexts) inline(sheet io.Reader, out *bufio.Writer) error {
	tags := newTags(sheet)
	var cell sharedCell // that the tags are inside of
	for tags.next() {
		switch {
		case tags.name == "c" && tags.opens():
			cell.write(out, inlineText)
			if cell.begin(tags); cell.open {
				continue
			}
		case tags.name == "v" && tags.opens() && cell.open && !tags.empty():
			if err := s.value(tags, &cell, out); err != nil {
				return err
			}
			continue
		}
		cell.write(out, inlineText) // without a value it has no text
		if _, err := out.Write(tags.chunk); err != nil {
			return err
		}
	}
	if tags.err != nil {
		return tags.err
	}
	cell.write(out, inlineText)
	_, err := out.Write(tags.chunk) // what stands behind the last tag
	return err
}

// sharedCell is the tag that a cell begins with which has the number of a text.
type sharedCell struct {
	open          bool
	before, after []byte // what stands before and behind its type
	plain         bool   // no style says how to show it
}

const (
	inlineText = ` t="inlineStr"`
	// plainText is the type of texts that the library takes as they are. It reads them in half the time.
	plainText = ` t="str"`
)

// sharedType and styled are attributes of cells.
var (
	sharedType = regexp.MustCompile(`\st\s*=\s*(?:"s"|'s')`)
	styled     = regexp.MustCompile(`\ss\s*=`)
)

// begin takes the tag of a cell; open says whether it has the number of a text.
func (c *sharedCell) begin(tags *tagReader) {
	c.open = false
	from := bytes.Index(tags.tag, []byte(` t="s"`)) // nearly every one
	to := from + len(` t="s"`)
	if from < 0 {
		at := sharedType.FindIndex(tags.tag)
		if at == nil {
			return
		}
		from, to = at[0], at[1]
	}
	tag := len(tags.chunk) - len(tags.tag) - len(">")
	c.open, c.plain = true, !styled.Match(tags.tag)
	c.before, c.after = append(c.before[:0], tags.chunk[:tag+from]...), append(c.after[:0], tags.chunk[tag+to:]...)
}

// write writes the tag with another type, once. An error comes up again with whatever is written next.
func (c *sharedCell) write(out *bufio.Writer, as string) {
	if c.open {
		_, _ = out.Write(c.before)
		_, _ = out.WriteString(as)
		_, _ = out.Write(c.after)
	}
	c.open = false
}

// value writes a cell with the text whose number it has.
func (s *sharedTexts) value(tags *tagReader, cell *sharedCell, out *bufio.Writer) error {
	prefix := strings.TrimSuffix(string(tags.fullName()), "v")
	between := bytes.Clone(tags.before())
	if !tags.next() {
		return errors.Join(tags.err, errors.New("it ends inside of a cell"))
	}
	number := string(bytes.TrimSpace(tags.before()))
	n, err := strconv.Atoi(number)
	if err != nil || tags.name != "v" || tags.opens() {
		return fmt.Errorf("a cell has %q for the number of its text; open the file in a spreadsheet and save it again", clip(number))
	}
	words, err := s.text(n)
	if err != nil {
		return err
	}
	as, opened, closed := inlineText, "<"+prefix+"is><"+prefix+"t>", "</"+prefix+"t></"+prefix+"is>"
	if cell.plain && !bytes.Contains(words, []byte("_x")) { // _x000D_ is a character
		as, opened, closed = plainText, "<"+prefix+"v>", "</"+prefix+"v>"
	}
	cell.write(out, as)
	_, _ = out.Write(between)
	_, _ = out.WriteString(opened)
	_, _ = out.Write(words)
	_, err = out.WriteString(closed) // with what went wrong before
	return err
}

// tagReader cuts XML behind each tag, without reading it as XML.
type tagReader struct {
	from  *bufio.Reader
	chunk []byte // what stands before the tag, and the tag; good until the next one
	tag   []byte // what stands between < and >
	name  string // without its prefix and slash
	err   error
}

func newTags(from io.Reader) *tagReader {
	return &tagReader{from: bufio.NewReaderSize(from, sampleSize)}
}

// next goes on to the next tag. At the end, chunk is what stands behind the last one.
func (t *tagReader) next() bool {
	var err error
	t.chunk, err = t.from.ReadSlice('>')
	for errors.Is(err, errFull) && len(t.chunk) < maxRecord {
		var more []byte
		t.chunk = bytes.Clone(t.chunk)
		more, err = t.from.ReadSlice('>')
		t.chunk = append(t.chunk, more...)
	}
	switch {
	case errors.Is(err, errFull):
		t.err = fmt.Errorf("a text is longer than %d MiB, so this is no list", maxRecord>>20)
		return false
	case errors.Is(err, io.EOF):
		return false
	case err != nil:
		t.err = err
		return false
	}
	at := bytes.LastIndexByte(t.chunk, '<')
	if at < 0 {
		t.tag, t.name = nil, "" // a > in a text
		return true
	}
	t.tag = t.chunk[at+1 : len(t.chunk)-1]
	name := bytes.TrimPrefix(t.fullName(), []byte{'/'})
	t.name = string(name[bytes.IndexByte(name, ':')+1:])
	return true
}

// before is what stands before the tag; all of it where there is none, as with a > in a text.
func (t *tagReader) before() []byte {
	if t.tag == nil {
		return t.chunk
	}
	return t.chunk[:len(t.chunk)-len(t.tag)-len("<>")]
}

// fullName is the tag's name as it stands, slash at its beginning and prefix included.
func (t *tagReader) fullName() []byte {
	if end := bytes.IndexAny(t.tag[min(1, len(t.tag)):], " \t\r\n/"); end >= 0 {
		return t.tag[:end+1]
	}
	return t.tag
}

// opens reports whether an element begins with the tag.
func (t *tagReader) opens() bool { return len(t.tag) > 0 && t.tag[0] != '/' }

// empty reports whether the element ends with the tag that it begins with.
func (t *tagReader) empty() bool { return len(t.tag) > 0 && t.tag[len(t.tag)-1] == '/' }
