package importer

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// inlined opens a workbook with every text in its own cell; it is nil when the library may read the workbook as it is. Spreadsheets keep
// each text once and put its number into the cells. The library remembers where every text is, some 60 bytes each, which is more than an
// import may take when a sheet has a million of them; and when it cannot read one, it leaves all that come after it out without a word.
//
// The library gets a workbook whose sheets are empty but for the name of an encoding that only we know: it asks for a reader of that, and
// reads the sheet while it is written anew.
func (t *text) inlined(z *zip.Reader) (*excelize.File, error) {
	part, err := partOf(z, "xl/sharedStrings.xml")
	if err != nil || part.UncompressedSize64 <= xmlInMemory {
		return nil, nil //nolint:nilnil,nilerr // without texts, or with few of them, there is nothing to do
	}
	texts, err := readTexts(part)
	if errors.Is(err, errUncommon) {
		return nil, nil //nolint:nilnil // as the comment says
	}
	if err != nil {
		return nil, fmt.Errorf("read the texts of the workbook: %w", err)
	}
	t.inline = &inlineSheets{texts: texts, parts: map[string]*zip.File{}}
	t.ends = append(t.ends, t.inline.close)
	var head bytes.Buffer
	to := zip.NewWriter(&head)
	for _, f := range z.File {
		if err := t.inline.pass(f, to); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", clip(f.Name), err)
		}
	}
	if err := to.Close(); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	book, err := excelize.OpenReader(&head)
	if err != nil {
		return nil, workbookFault(err)
	}
	t.inline.other = book.CharsetReader
	book.CharsetTranscoder(t.inline.open)
	return book, nil
}

// inlineSheets are the sheets of a workbook, one of which is read at a time.
type inlineSheets struct {
	texts *sharedTexts
	parts map[string]*zip.File // by the encoding that they claim to be in
	now   *stream              // the sheet that is read; nil = none
	other func(encoding string, input io.Reader) (io.Reader, error)
}

// open begins to read the sheet that is in an encoding.
func (s *inlineSheets) open(encoding string, input io.Reader) (io.Reader, error) {
	part, ours := s.parts[encoding]
	if !ours {
		return s.other(encoding, input)
	}
	s.rest()
	body, err := openEntry(part)
	if err != nil {
		return nil, err
	}
	s.now = newStream(func(to io.Writer) error {
		defer body.Close()
		out := bufio.NewWriterSize(&bounded{to: to, left: maxWorkbook}, sampleSize)
		if err := errors.Join(s.texts.inline(body, out), out.Flush()); err != nil {
			return fmt.Errorf("unpack %s: %w", clip(part.Name), err)
		}
		return nil
	})
	return s.now, nil
}

// fault is what made the sheet end before its time; nil when nothing did, or nothing is inlined. The library does not say.
func (s *inlineSheets) fault() error {
	if s == nil || s.now == nil {
		return nil
	}
	return s.now.fault
}

// rest ends the reading of a sheet.
func (s *inlineSheets) rest() {
	if s.now != nil {
		_ = s.now.Close() // it has no error
		s.now = nil
	}
}

func (s *inlineSheets) close() error {
	s.rest()
	s.texts.close()
	return nil
}

// headPart reports whether a part says what the sheets are called, where they are, and how numbers are shown.
func headPart(name string) bool {
	switch name {
	case "[content_types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml":
		return true
	}
	return strings.HasPrefix(name, "xl/theme/")
}

// pass writes a part of the workbook into the one that the library gets.
func (s *inlineSheets) pass(f *zip.File, to *zip.Writer) error {
	name := strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))
	switch {
	case headPart(name) && f.UncompressedSize64 > freeSize:
		return fmt.Errorf("it is larger than %d MiB, so this is no list", freeSize>>20)
	case headPart(name):
		return to.Copy(f)
	case !strings.HasPrefix(name, "xl/worksheets/") || !strings.HasSuffix(name, ".xml"):
		return nil
	}
	encoding := fmt.Sprintf("dialerd-%d", len(s.parts))
	s.parts[encoding] = f
	part, err := to.Create(f.Name)
	if err == nil {
		_, err = fmt.Fprintf(part, "<?xml version=\"1.0\" encoding=%q?>", encoding)
	}
	return err
}

// bounded is a sheet that may not grow without end: a long text may stand in every cell.
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
		case tags.name == "c":
			cell.write(out) // without a value it has no text
			if cell.begin(tags); cell.open {
				continue
			}
		case tags.name == "v" && tags.opens() && cell.open && !tags.empty():
			if err := s.value(tags, &cell, out); err != nil {
				return err
			}
			continue
		case cell.open: // a formula, perhaps
			if err := cell.add(tags.chunk); err != nil {
				return err
			}
			continue
		}
		if _, err := out.Write(tags.chunk); err != nil {
			return err
		}
	}
	if tags.err != nil {
		return tags.err
	}
	cell.write(out)
	_, err := out.Write(tags.chunk) // what stands behind the last tag
	return err
}

// sharedCell is the beginning of a cell that has the number of a text, up to that number.
type sharedCell struct {
	open     bool
	xml      []byte
	from, to int  // where its type stands
	plain    bool // no style says how to show it
}

const (
	inlineText = ` t="inlineStr"`
	// plainText is the type of texts that the library takes as they are. It reads them in half the time.
	plainText = ` t="str"`
)

// attribute finds an attribute of a tag: where it stands, the space before it included, and what it says. from is -1 when there is none.
func attribute(tag []byte, name string) (from, to int, value []byte) {
	skip := func(at int) int {
		for at < len(tag) && isSpace(tag[at]) {
			at++
		}
		return at
	}
	at := 0
	for at < len(tag) && !isSpace(tag[at]) {
		at++
	}
	for at < len(tag) {
		word := skip(at)
		for at = word; at < len(tag) && tag[at] != '=' && !isSpace(tag[at]); {
			at++
		}
		found := string(tag[word:at]) == name && isSpace(tag[word-1])
		if at = skip(at); at == len(tag) || tag[at] != '=' {
			break
		}
		if at = skip(at + 1); at == len(tag) {
			break
		}
		end := bytes.IndexByte(tag[at+1:], tag[at]) // the other quote
		if end < 0 {
			break
		}
		value = tag[at+1 : at+1+end]
		if at += end + 2; found {
			return word - 1, at, value
		}
	}
	return -1, -1, nil
}

// isSpace reports whether XML takes a character for a space.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// begin takes a tag of a cell; open says whether the cell has the number of a text.
func (c *sharedCell) begin(tags *tagReader) {
	c.open = false
	from, to, kind := attribute(tags.tag, "t")
	if string(kind) != "s" || tags.empty() {
		return
	}
	style, _, _ := attribute(tags.tag, "s")
	tag := len(tags.chunk) - len(tags.tag) - len(">")
	c.open, c.plain = true, style < 0
	c.xml, c.from, c.to = append(c.xml[:0], tags.chunk...), tag+from, tag+to
}

// add takes what stands in the cell before its number.
func (c *sharedCell) add(xml []byte) error {
	if len(c.xml)+len(xml) > maxRecord {
		return fmt.Errorf("a cell is longer than %d MiB, so this is no list", maxRecord>>20)
	}
	c.xml = append(c.xml, xml...)
	return nil
}

// write writes the cell as it is, once. An error comes up again with whatever is written next.
func (c *sharedCell) write(out *bufio.Writer) {
	if c.open {
		_, _ = out.Write(c.xml)
	}
	c.open = false
}

// writeAs is write with another type.
func (c *sharedCell) writeAs(out *bufio.Writer, kind string) {
	_, _ = out.Write(c.xml[:c.from])
	_, _ = out.WriteString(kind)
	_, _ = out.Write(c.xml[c.to:])
	c.open = false
}

// value writes a cell with the text whose number it has.
func (s *sharedTexts) value(tags *tagReader, cell *sharedCell, out *bufio.Writer) error {
	name := tags.fullName()
	tag := valueTags
	if len(name) > 1 {
		tag = tagsOfValue(strings.TrimSuffix(string(name), "v"))
	}
	if err := cell.add(tags.before()); err != nil {
		return err
	}
	if !tags.next() {
		return errors.Join(tags.err, errors.New("it ends inside of a cell"))
	}
	ends := tags.name == "v" && !tags.opens()
	if ends && len(tags.before()) == 0 {
		cell.write(out)
		return nil
	}
	number := bytes.TrimSpace(tags.before())
	n, err := strconv.Atoi(string(number))
	if err != nil || !ends {
		return fmt.Errorf("a cell has %q for the number of its text; open the file in a spreadsheet and save it again", clip(string(number)))
	}
	words, err := s.text(n)
	if err != nil {
		return err
	}
	as := tag.inline
	if cell.plain && !bytes.Contains(words, []byte("_x")) { // _x000D_ is a character
		as = tag.plain
	}
	cell.writeAs(out, as.kind)
	_, _ = out.WriteString(as.opened)
	_, _ = out.Write(words)
	_, err = out.WriteString(as.closed) // with what went wrong before
	return err
}

// textTags are what a text stands between, and the type of a cell that has it so.
type textTags struct{ kind, opened, closed string }

// valueTags are the tags of texts where names have no prefix, as nearly always.
var valueTags = tagsOfValue("")

func tagsOfValue(prefix string) (tags struct{ inline, plain textTags }) {
	tags.inline = textTags{inlineText, "<" + prefix + "is><" + prefix + "t>", "</" + prefix + "t></" + prefix + "is>"}
	tags.plain = textTags{plainText, "<" + prefix + "v>", "</" + prefix + "v>"}
	return tags
}
