package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the expected mistakes into the bad files of testdata")

// wantMark begins the comment lines at the end of a bad file that hold its expected mistakes.
const wantMark = "# want "

// TestBadFiles loads every bad file of testdata and compares all mistakes with the comments at its end.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	load := map[string]func(path string) error{
		"settings": func(path string) error {
			_, err := LoadSettings(path, noEnv)
			return err
		},
		"campaign": func(path string) error {
			_, err := LoadCampaigns(path, nil)
			return err
		},
		"rules": func(path string) error {
			_, err := LoadRules(path)
			return err
		},
	}
	for kind, load := range load {
		files, err := filepath.Glob(filepath.Join("testdata", "bad", kind, "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no bad %s files in testdata: %v", kind, err)
		}
		for _, file := range files {
			t.Run(kind+"/"+strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
				t.Parallel()
				err := load(file)
				if _, ok := errors.AsType[Problems](err); !ok {
					t.Fatalf("want Problems, got %v", err)
				}
				got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+string(filepath.Separator), "")
				text, readErr := os.ReadFile(file)
				if readErr != nil {
					t.Fatal(readErr)
				}
				var body, want []string
				for line := range strings.Lines(string(text)) {
					if rest, ok := strings.CutPrefix(line, wantMark); ok {
						want = append(want, strings.TrimSuffix(rest, "\n"))
					} else {
						body = append(body, line)
					}
				}
				if *update {
					out := strings.Join(body, "")
					for line := range strings.SplitSeq(got, "\n") {
						out += wantMark + line + "\n"
					}
					if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
						t.Fatal(err)
					}
					return
				}
				if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
					t.Errorf("mistakes (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func noEnv(string) (string, bool) { return "", false }
