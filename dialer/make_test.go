package dialer

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dialerd/dialerd/simulator"
)

// creates answers instead of the API where a contact is to be made. It may let the API do it, and look at the reply.
type creates struct {
	http.RoundTripper
	answer func(asked []byte, api func() []byte) (reply []byte)
}

func (c creates) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/contact/create" {
		return c.RoundTripper.RoundTrip(r)
	}
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(asked))
	reply := c.answer(asked, func() (reply []byte) {
		var resp *http.Response
		if resp, err = c.RoundTripper.RoundTrip(r); err == nil {
			reply, err = io.ReadAll(resp.Body)
			err = errors.Join(err, resp.Body.Close())
		}
		return reply
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(reply)), Request: r}, nil
}

// The API finds another person's contact, by an e-mail address perhaps, or gives one contact for many phones: nobody is called by it.
func TestAnotherPersonsContactIsNotCalled(t *testing.T) {
	t.Parallel()
	const n = 5
	made := regexp.MustCompile(`"id":"([^"]+)"`)
	for name, tt := range map[string]struct {
		answers func() func(asked []byte, api func() []byte) []byte
		held    int
	}{
		"with its number": {func() func(asked []byte, api func() []byte) []byte {
			return func(asked []byte, api func() []byte) []byte {
				if bytes.Contains(asked, []byte(phone(0))) {
					return []byte(`{"success":true,"data":{"id":"5c1d7e64-0f0e-4a3b-9d55-2b6a1c0f7e99","phone_number":"+13105559999","email":"a@x.test"}}`)
				}
				return api()
			}
		}, 1},
		"one for all, without a number": {func() func(asked []byte, api func() []byte) []byte {
			id := ""
			return func(_ []byte, api func() []byte) []byte {
				if id == "" {
					id = made.FindStringSubmatch(string(api()))[1]
				}
				return []byte(`{"success":true,"data":{"id":"` + id + `"}}`)
			}
		}, n - 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, morning(), brisk(), simulator.Config{Seed: 1, Profile: answers()})
				c := always("spring")
				f.load(c, n)
				f.addOn(f.redis.Client(t), creates{f.sim.Transport(), tt.answers()})
				f.subscribe()
				time.Sleep(5 * time.Minute)
				f.close()
				synctest.Wait()
				held := 0
				for i := range n {
					got := f.fate(c, i)
					l := f.lead(c, i)
					switch {
					case got == rejected && strings.Contains(l.Note, "another number"):
						held++
					case got != done:
						t.Errorf("lead %d: %+v, %q", i, got, l.Note)
					}
				}
				if held != tt.held || len(f.sim.Rings()) != n-held {
					t.Errorf("%d leads are held and %d phones rang, want %d and %d", held, len(f.sim.Rings()), tt.held, n-tt.held)
				}
				f.once()
				f.consistent(c)
			})
		})
	}
}
