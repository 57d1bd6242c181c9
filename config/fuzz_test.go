package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// seed adds every file of testdata.
func seed(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
}

// check demands of any text: no panic, and settings or campaigns or else problems, each with a message.
func check(t *testing.T, found bool, err error) {
	t.Helper()
	var problems Problems
	switch {
	case err == nil && !found:
		t.Error("neither a result nor an error")
	case err != nil && !errors.As(err, &problems):
		t.Errorf("not Problems: %v", err)
	}
	for _, p := range problems {
		if p.Message == "" || p.Line < 0 {
			t.Errorf("says nothing: %+v", p)
		}
	}
}

func FuzzLoadSettings(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSettings("f.yaml", text, env("A", "b", "THOUGHTLY_API_TOKEN", "t"))
		check(t, s != nil, err)
		if s != nil {
			if _, err := s.YAML(); err != nil {
				t.Error(err)
			}
			_ = s.CheckServe()
		}
	})
}

func FuzzLoadCampaign(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseCampaigns("f.yaml", text, nil)
		check(t, len(c) > 0, err)
	})
}
