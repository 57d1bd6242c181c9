package importer

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
)

// rowCount looks for the last row of a sheet while its rows are read. The library takes XML that it cannot read for the end of the
// sheet, so rows behind a damaged cell would be lost without a word: what it read must reach this row.
type rowCount struct {
	body io.ReadCloser
	quit atomic.Bool
	done chan struct{}
	last int
	err  error
}

// countRows begins to look for the last row.
func countRows(part *zip.File) (*rowCount, error) {
	body, err := openEntry(part)
	if err != nil {
		return nil, err
	}
	c := &rowCount{body: body, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.last, c.err = lastRow(c)
	}()
	return c, nil
}

// Read reads the sheet, unless nobody wants to know any more.
func (c *rowCount) Read(p []byte) (int, error) {
	if c.quit.Load() {
		return 0, io.ErrClosedPipe
	}
	return c.body.Read(p)
}

// stop gives the search up.
func (c *rowCount) stop() { c.quit.Store(true) }

// row is the number of the last row.
func (c *rowCount) row() (int, error) {
	<-c.done
	return c.last, c.err
}

// Close gives the search up; when it returns, nobody reads the sheet any more.
func (c *rowCount) Close() error {
	c.stop()
	<-c.done
	return c.body.Close()
}

// lastRow is the number of the last row of a sheet, found without reading the sheet as XML.
func lastRow(sheet io.Reader) (int, error) {
	tags := newTags(sheet)
	row, last, ended := 0, 0, false
	for tags.next() {
		switch tags.name {
		case "row":
			if tags.opens() {
				row = rowNumber(tags.tag, row+1)
				last = max(last, row)
			}
		case "sheetData":
			ended = ended || !tags.opens() || tags.empty()
		}
	}
	if tags.err != nil {
		return 0, fmt.Errorf("unpack: %w", tags.err)
	}
	if !ended {
		return last + 1, nil // it is cut off: there was more
	}
	return last, nil
}

// rowNumber is what the attribute r of a row says, or what it is without one.
func rowNumber(tag []byte, without int) int {
	if _, _, value := attribute(tag, "r"); value != nil {
		if n, err := strconv.Atoi(string(value)); err == nil {
			return n
		}
	}
	return without
}

// sheetPart is the file of the workbook that a sheet is in.
func sheetPart(z *zip.Reader, sheet string) (*zip.File, error) {
	var book struct {
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &links} {
		if err := readPart(z, name, into); err != nil {
			return nil, err
		}
	}
	for _, s := range book.Sheets {
		if s.Name != sheet {
			continue
		}
		for _, a := range s.Attrs {
			for _, link := range links.All {
				if a.Name.Local == "id" && a.Value == link.ID {
					return partOf(z, path.Join("xl", strings.TrimPrefix(strings.TrimPrefix(link.Target, "/"), "xl/")))
				}
			}
		}
	}
	return nil, fmt.Errorf("the workbook does not say where sheet %q is; open it in a spreadsheet and save it again", clip(sheet))
}

// maxPart bounds the parts of a workbook that say where its sheets are, in bytes.
const maxPart = 16 << 20

// readPart decodes a small file of a workbook.
func readPart(z *zip.Reader, name string, into any) error {
	part, err := partOf(z, name)
	if err != nil {
		return err
	}
	body, err := openEntry(part)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := xml.NewDecoder(io.LimitReader(body, maxPart)).Decode(into); err != nil {
		return fmt.Errorf("the workbook's %s cannot be read: %w", name, err)
	}
	return nil
}

// partOf finds a file of a workbook, as the library does: whatever its case and its slashes.
func partOf(z *zip.Reader, name string) (*zip.File, error) {
	for _, f := range z.File {
		if strings.EqualFold(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"), name) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("the workbook has no %s; open it in a spreadsheet and save it again", name)
}
