package importer

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// archive packs files.
func archive(t *testing.T, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(e, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEveryListOfAnArchiveIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	packed := archive(t, [2]string{"b.csv", "Phone\n4155552672\n"}, [2]string{"in/a.tsv", "Phone\tName\n4155552671\tAnn\n"},
		[2]string{"__MACOSX/b.csv", "junk"}, [2]string{".hidden.csv", "junk"}, [2]string{"readme.md", "junk"})
	if err := os.WriteFile(filepath.Join(dir, "lists.zip"), packed, 0o600); err != nil {
		t.Fatal(err)
	}
	inputs, err := (&Sources{}).Expand("*.zip", dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range inputs {
		body, err := in.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
		got = append(got, strings.TrimPrefix(in.Name, dir), string(text))
	}
	want := []string{"/lists.zip/b.csv", "Phone\n4155552672\n", "/lists.zip/in/a.tsv", "Phone\tName\n4155552671\tAnn\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestArchiveThatGrowsWithoutEndIsRefused(t *testing.T) {
	t.Parallel()
	packed := archive(t, [2]string{"a.csv", "Phone\n" + strings.Repeat("4155552671\n", 200_000)})
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	for free, refused := range map[int64]bool{1 << 10: true, freeSize: false} {
		body, err := openEntry(z.File[0])
		if err != nil {
			t.Fatal(err)
		}
		e, ok := body.(*entry)
		if !ok || e.free != freeSize {
			t.Fatalf("got %+v", body)
		}
		e.free = free
		_, err = io.Copy(io.Discard, body)
		if (err != nil && strings.Contains(err.Error(), "times larger than its file")) != refused || !refused && err != nil {
			t.Errorf("with %d bytes free: %v", free, err)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}
}
