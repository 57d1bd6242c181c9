package importer

import (
	"archive/zip"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// maxNested is how deep lists are unpacked: a workbook in an archive in a gzip file.
const maxNested = 3

// maxEntries is how many files an archive may have.
const maxEntries = 10_000

// unpackText unpacks what the text is packed in, and reads workbooks.
func (t *text) unpack(input *counter, sheet string) error {
	file := input.from // the packed list itself, as long as nothing was unpacked
	for range maxNested {
		head, err := t.sample()
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(string(head[:min(len(head), 2)]), "\x1f\x8b"):
			unpacked, err := gzip.NewReader(t.Reader)
			if err != nil {
				return fmt.Errorf("unpack gzip: %w", err)
			}
			t.Reader = bufio.NewReaderSize(&unpacker{packed: input.n.Load, free: freeSize, from: unpacked}, sampleSize)
		case strings.HasPrefix(string(head[:min(len(head), 4)]), "PK\x03\x04"):
			if err := t.archive(file, sheet); err != nil || t.table != nil {
				return err
			}
		default:
			if sheet != "" {
				return fmt.Errorf("sheet %q is asked for, but the file is no workbook", clip(sheet))
			}
			return nil
		}
		file = nil
	}
	return errors.New("the list is packed more than three times over; unpack it")
}

// archive reads the workbook that a file is, or the one list that an archive holds.
func (t *text) archive(from io.Reader, sheet string) error {
	file, err := t.onDisk(from)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	z, err := zip.NewReader(file, info.Size())
	if err != nil {
		return fmt.Errorf("unpack: the file is damaged or cut off: %w", err)
	}
	if isWorkbook(z) {
		return t.workbook(z, file, sheet)
	}
	lists, err := listsOf(z)
	if err != nil {
		return err
	}
	if len(lists) != 1 {
		names := make([]string, 0, len(lists))
		for _, f := range lists[:min(len(lists), 10)] {
			names = append(names, clip(f.Name))
		}
		return fmt.Errorf("the archive holds %d lists (%s); save it as a file and name that, or unpack it", len(lists), strings.Join(names, ", "))
	}
	entry, err := openEntry(lists[0])
	if err != nil {
		return err
	}
	t.ends = append(t.ends, entry.Close)
	t.Reader = bufio.NewReaderSize(entry, sampleSize)
	return nil
}

// onDisk is the rest of the text as a file, since archives are read from their end. A file is taken as it is.
func (t *text) onDisk(from io.Reader) (*os.File, error) {
	if f, ok := from.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, nil
		}
	}
	f, err := os.CreateTemp("", "dialerd-list-*")
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	t.ends = append(t.ends, func() error { return errors.Join(f.Close(), os.Remove(f.Name())) })
	n, err := io.Copy(f, io.LimitReader(t.Reader, maxDownload+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack: %w", err)
	case n > maxDownload:
		return nil, fmt.Errorf("the file is larger than %d GiB; split it", maxDownload>>30)
	}
	return f, nil
}

// listsOf are the files of an archive that may be lists, without what systems add to it.
func listsOf(z *zip.Reader) ([]*zip.File, error) {
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("the archive holds %d files, more than %d; unpack it and name the lists", len(z.File), maxEntries)
	}
	var lists []*zip.File
	for _, f := range z.File {
		name := strings.ReplaceAll(f.Name, "\\", "/")
		hidden := slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") || part == "__MACOSX" })
		switch strings.ToLower(path.Ext(name)) {
		case ".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".gz":
			if !hidden && !f.FileInfo().IsDir() {
				lists = append(lists, f)
			}
		}
	}
	if len(lists) == 0 {
		if what := document(z); what != "" {
			return nil, fmt.Errorf("the file is %s; save it as .xlsx, or as CSV (UTF-8)", what)
		}
		return nil, errors.New("the file is an archive without a list in it; want a .csv, .tsv, .txt or .xlsx file")
	}
	slices.SortFunc(lists, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	return lists, nil
}

// documents are files that stand in archives which are documents.
var documents = map[string]string{
	"xl/workbook.bin":    "a binary Excel workbook (.xlsb)",
	"content.xml":        "an OpenDocument file (.ods)",
	"Index/Document.iwa": "an Apple Numbers file",
	"Index.zip":          "an Apple Numbers file",
	"word/document.xml":  "a Word document",
}

// document names the document that an archive is; "" when it is none of those that people take for lists.
func document(z *zip.Reader) string {
	for _, f := range z.File {
		if what := documents[f.Name]; what != "" {
			return what
		}
	}
	return ""
}

// openEntry begins to read a file of an archive.
func openEntry(f *zip.File) (io.ReadCloser, error) {
	if f.Flags&1 != 0 {
		return nil, errors.New("the archive needs a password; unpack it first")
	}
	body, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", clip(f.Name), err)
	}
	packed := int64(min(f.CompressedSize64, 1<<62))
	return &entry{unpacker: unpacker{packed: func() int64 { return packed }, free: freeSize, from: body}, body: body}, nil
}

// entry is one file of an archive.
type entry struct {
	unpacker
	body io.Closer
}

func (e *entry) Close() error { return e.body.Close() }

// archived are the lists of an archive on disk, each a list of its own; nil when the file is none, or a workbook.
func archived(file string, size int64) []Input {
	f, err := os.Open(file) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was read only
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != "PK\x03\x04" {
		return nil
	}
	z, err := zip.NewReader(f, size)
	if err != nil || isWorkbook(z) {
		return nil
	}
	lists, err := listsOf(z)
	if err != nil {
		return nil
	}
	inputs := make([]Input, 0, len(lists))
	for _, l := range lists {
		inputs = append(inputs, Input{Name: file + "/" + l.Name, Size: int64(min(l.UncompressedSize64, 1<<62)), open: entryOpener(file, l.Name)})
	}
	return inputs
}
