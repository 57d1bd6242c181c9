package importer

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// textsInBlock is how many texts of a workbook lie together: where a block is, is remembered, and the text is looked for in it.
	textsInBlock = 64
	// blocksKept and blockKept bound the blocks that are kept in memory: how many, and how large one is at most, in bytes.
	blocksKept = 256
	blockKept  = 16 << 10
)

// sharedTexts are the texts of a workbook that cells name by number, on disk, as they stand in XML. What is kept in memory is an eighth
// of a byte for each, and some that were asked for last.
type sharedTexts struct {
	file   *os.File
	blocks []int64 // where each begins
	size   int64
	n      int
	kept   [blocksKept]textBlock
}

// textBlock is a block of texts, each behind its length.
type textBlock struct {
	number int // from 1; 0 = none
	texts  []byte
}

// errUncommon says that the texts are written in a way that is left to the library.
var errUncommon = errors.New("the texts are written in an uncommon way")

// readTexts reads the texts of a workbook. They are cut out of the XML as they are, not decoded.
func readTexts(part *zip.File) (_ *sharedTexts, err error) {
	body, err := openEntry(part)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	from := bufio.NewReaderSize(body, sampleSize)
	head, err := from.Peek(len("<?xml version='1.0' encoding='UTF-8' standalone='yes'?>"))
	if err != nil || !common(head) {
		return nil, errUncommon // an encoding that is not UTF-8
	}
	file, err := os.CreateTemp("", "dialerd-list-*")
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	s := &sharedTexts{file: file}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	out := bufio.NewWriterSize(file, sampleSize)
	if err := s.read(newTags(from), out); err != nil {
		return nil, err
	}
	if err := out.Flush(); err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	s.blocks = append(s.blocks, s.size)
	return s, nil
}

// common reports whether XML that begins so is UTF-8.
func common(head []byte) bool {
	head = bytes.ToLower(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	return bytes.HasPrefix(head, []byte("<")) && bytes.IndexByte(head, 0) < 0 &&
		(!bytes.Contains(head, []byte("encoding=")) || bytes.Contains(head, []byte("utf-8")))
}

// read takes the texts out of XML: what stands in <t>, but for how words are spoken (<rPh>). Those of a text in several styles are joined.
func (s *sharedTexts) read(tags *tagReader, out *bufio.Writer) error {
	var words []byte
	inText, spoken := false, false
	for tags.next() {
		if bytes.Contains(tags.chunk, []byte("<!")) {
			return errUncommon // a comment or CDATA, in which tags are none
		}
		if inText && !spoken {
			words = append(words, tags.before()...)
		}
		switch tags.name {
		case "t":
			inText = tags.opens() && !tags.empty()
		case "rPh":
			spoken = tags.opens() && !tags.empty()
		case "si":
			if tags.opens() {
				words = words[:0]
			}
			if !tags.opens() || tags.empty() {
				if err := s.add(words, out); err != nil {
					return err
				}
			}
		}
		if len(words) > maxRecord {
			return fmt.Errorf("a text is longer than %d MiB, so this is no list", maxRecord>>20)
		}
	}
	return tags.err
}

// add puts a text behind the others.
func (s *sharedTexts) add(words []byte, out *bufio.Writer) error {
	if s.n%textsInBlock == 0 {
		s.blocks = append(s.blocks, s.size)
	}
	s.n++
	length := binary.AppendUvarint(nil, uint64(len(words)))
	s.size += int64(len(length) + len(words))
	_, err := out.Write(length)
	if err == nil {
		_, err = out.Write(words)
	}
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	return nil
}

// text is the text of a number, as it stands in XML; it is good until the next one is asked for.
func (s *sharedTexts) text(n int) ([]byte, error) {
	if n < 0 || n >= s.n {
		return nil, fmt.Errorf("a cell names text %d, and there are %d; open the file in a spreadsheet and save it again", n, s.n)
	}
	block, err := s.block(n / textsInBlock)
	if err != nil {
		return nil, err
	}
	for range n % textsInBlock {
		length, at := binary.Uvarint(block)
		block = block[at+int(length):] //nolint:gosec // G115: at most maxRecord, as add wrote it
	}
	length, at := binary.Uvarint(block)
	return block[at : at+int(length)], nil //nolint:gosec // G115: as above
}

// block is the texts of a block.
func (s *sharedTexts) block(n int) ([]byte, error) {
	kept := &s.kept[n%blocksKept]
	if kept.number == n+1 {
		return kept.texts, nil
	}
	size := s.blocks[n+1] - s.blocks[n]
	texts := kept.texts[:0]
	if int64(cap(texts)) < size {
		texts = make([]byte, 0, size)
	}
	texts = texts[:size]
	if _, err := s.file.ReadAt(texts, s.blocks[n]); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	if size <= blockKept {
		*kept = textBlock{number: n + 1, texts: texts}
	}
	return texts, nil
}

// close takes the texts from the disk.
func (s *sharedTexts) close() {
	_ = s.file.Close() // it is thrown away
	_ = os.Remove(s.file.Name())
}
