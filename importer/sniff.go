package importer

import (
	"bytes"
	"strings"
)

// delimiters are the characters that may stand between cells, the likeliest first.
const delimiters = ",;\t|"

// sniffLines is how many lines of the sample are looked at.
const sniffLines = 40

// sniffDelimiter finds the character that cuts the lines of a sample most evenly. A line in which a cell is a usual header of
// phones outweighs everything: "Name;Phone" under a title with a comma in it. Text without any of them is one column, and
// any delimiter will do for it.
func sniffDelimiter(sample []byte, cr bool) byte {
	lines := sampleLines(sample, cr)
	if len(lines) > 0 {
		// Excel's own way of saying it.
		if rest, ok := strings.CutPrefix(strings.ToLower(string(lines[0])), "sep="); ok && len(rest) == 1 && strings.Contains(delimiters, rest) {
			return rest[0]
		}
	}
	best, most := byte(','), 0.0
	for i := range len(delimiters) {
		if score := evenness(lines, delimiters[i]); score > most {
			best, most = delimiters[i], score
		}
	}
	return best
}

// sampleLines are the whole lines of a sample that are not blank.
func sampleLines(sample []byte, cr bool) [][]byte {
	end := []byte{'\n'}
	if cr {
		end = []byte{'\r'}
	}
	whole := len(sample) < sampleSize
	var lines [][]byte
	for len(sample) > 0 && len(lines) < sniffLines {
		line, rest, found := bytes.Cut(sample, end)
		if !found && !whole && len(lines) > 0 {
			break // the sample ends in the middle of it
		}
		sample = rest
		if line = bytes.TrimSpace(bytes.Trim(line, "\r\n")); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// evenness is the share of records that have the commonest number of cells, 0 when that is one cell; among equals more cells
// win. It is 2 more when a record looks like a header.
func evenness(lines [][]byte, delim byte) float64 {
	counts := map[int]int{}
	records, header := 0, 0.0
	q := quotes{delim: delim}
	for i, line := range lines {
		q.scan(line)
		if q.open && !q.stray {
			continue
		}
		counts[q.cells]++
		records++
		if q.cells > 1 && i < headLines && hasPhoneHeader(line, delim) {
			header = 2
		}
		q = quotes{delim: delim}
	}
	best, n := 1, 0
	for cells, times := range counts {
		if cells > 1 && (times > n || times == n && cells > best) {
			best, n = cells, times
		}
	}
	if n == 0 {
		return 0
	}
	return header + float64(n)/float64(records) + float64(min(best, maxColumns))/1e6
}

// hasPhoneHeader reports whether a cell of the line is a usual header of phones.
func hasPhoneHeader(line []byte, delim byte) bool {
	for cell := range bytes.SplitSeq(line, []byte{delim}) {
		decoded, _ := utf8Text(cell)
		if isPhoneHeader(strings.Trim(string(decoded), `" `)) {
			return true
		}
	}
	return false
}
