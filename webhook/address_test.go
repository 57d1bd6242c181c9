package webhook

import (
	"strings"
	"testing"
)

func TestAPublicURLIsHTTPSOrOnLoopback(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, says string }{
		{"https://d.example.com", ""},
		{"https://d.example.com:8443/dialerd/", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://localhost", ""},
		{"http://LOCALHOST.:80/x", ""},
		{"http://d.localhost:8080", ""},
		{"http://[::1]:8080", ""},
		{"http://[::ffff:127.0.0.2]", ""},
		{"https://127.0.0.1", ""},
		{"", "is empty; set it"},
		{"  ", "is empty; set it"},
		{"http://d.example.com", "write https://"},
		{"http://10.0.0.1", "write https://"},
		{"http://127.0.0.1.example.com", "write https://"},
		{"http://notlocalhost", "write https://"},
		{"d.example.com", "must begin with https://"},
		{"ftp://d.example.com", "must begin with https://"},
		{"https:d.example.com", "must begin with https://"},
		{"https://", "names no host"},
		{"https:///path", "names no host"},
		{"https://ada:s3cret@d.example.com", "take them out"},
		{"https://d.example.com?x=1", "take that part out"},
		{"https://d.example.com?", "take that part out"},
		{"https://d.example.com#x", "take that part out"},
		{"https://ada:s3cret@d.example.com:x", "is not a URL; set it"},
	} {
		err := CheckURL(tt.url)
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%s: %v", tt.url, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || !strings.HasPrefix(err.Error(), "public_url")):
			t.Errorf("%s: got %v, want it to say %q", tt.url, err, tt.says)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: the error shows the password: %v", tt.url, err)
		}
	}
}

func TestAnAddressLeadsToItsDoorAndBack(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"https://d.example.com", "https://D.Example.com:443/", "http://127.0.0.1:8080/dialerd/", "http://127.0.0.1:8080/my%20path"} {
		for _, names := range [][2]string{{"default", "aB3dE9fG"}, {"a/b c", "x/é?#%"}} {
			h, b := newHandler()
			h.Prefix = Prefix(public)
			h.Teams = map[string]Keys{names[0]: NewKeys(secretToken, names[0])}
			at := serve(t, h)
			for _, sub := range hooks(public, Secret(secretToken, names[0]), names[0], []string{names[1]}) {
				d, ok := ours(public, sub.URL)
				if want := (door{team: names[0], kind: sub.Type, agent: names[1]}); !ok || d != want || sub.Data != names[1] {
					t.Errorf("%s reads as %+v (%v), want %+v", sub.URL, d, ok, want)
				}
				origin := strings.Join(strings.SplitN(base(public), "/", 4)[:3], "/")
				if res := post(t, at+strings.TrimPrefix(sub.URL, origin), "{}"); res.status != 200 {
					t.Errorf("%s answered %d", sub.URL, res.status)
				}
			}
			if got := b.all(); len(got) != 2 || got[0].Team != names[0] || got[0].Agent != names[1] {
				t.Errorf("%s: events %+v", public, got)
			}
			r := AutomationURL(public, names[0])
			if !strings.HasPrefix(r, base(public)+"/automation/") {
				t.Errorf("automation address %s", r)
			}
		}
	}
}
