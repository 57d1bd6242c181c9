package store

import "testing"

func FuzzContactID(f *testing.F) {
	for _, id := range []string{
		"", "contact-1", "0f1e2d3c-4b5a-6978-8796-000000001089", "0F1E2D3C-4B5A-6978-8796-000000001089", "0f1e2d3c4b5a69788796000000001089",
		"~", "~~", "~Dx4tPEtaaXiHlgAAAAAQiQ", "0f1e2d3c-4b5a-6978-87960-00000001089",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		short := shortID(id)
		if got := longID(short); got != id {
			t.Errorf("%q is kept as %q and read as %q", id, short, got)
		}
	})
}

func TestAUUIDIsKeptShort(t *testing.T) {
	t.Parallel()
	if short := shortID("0f1e2d3c-4b5a-6978-8796-000000001089"); short != "~Dx4tPEtaaXiHlgAAAAAQiQ" {
		t.Error(short)
	}
}
