package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyWhatCanBeReadAgainIsReleased(t *testing.T) {
	t.Parallel()
	const smaps = `00400000-01528000 r-xp 00000000 fe:00 1023 /usr/bin/dialerd
Size:              17568 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
01528000-02898000 r--p 01128000 fe:00 1023 /usr/bin/dialerd
Anonymous:             4 kB
02898000-02aec000 rw-p 02498000 fe:00 1023 /usr/bin/dialerd
Anonymous:             0 kB
02b00000-02b01000 r--p 00000000 fe:00 1024 /a folder/lib.so (deleted)
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f0da168e000-7f0da1aee000 r--p 00000000 00:00 0
Anonymous:             0 kB
7fff0000-7fff2000 r-xp 00000000 00:00 0 [vdso]
Anonymous:             0 kB
`
	got, err := unwritten(strings.NewReader(smaps))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]span{{0x400000, 0x1528000}, {0x2b00000, 0x2b01000}}, got, cmp.AllowUnexported(span{})); diff != "" {
		t.Error(diff)
	}
	if err := releaseProgram(); err != nil {
		t.Error(err)
	}
}
