//go:build !race

// The whole stage of `make test` runs this, not the race detector's: the driver of the browser takes longer to compile for it than all the
// rest of this package, and what the page asks for is asked under the detector by the other tests of the handlers.

package web

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/dialerd/dialerd/campaign"
)

// browser starts Debian's Chromium. Where there is none the test is skipped, or fails if the environment says CI=true.
func browser(t *testing.T) context.Context {
	t.Helper()
	const path = "/usr/bin/chromium"
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("NO CHROMIUM: install it (Debian: apt-get install chromium)")
		}
		t.Skip("SKIPPED, THE PAGE IS NOT TESTED IN A BROWSER: no chromium (Debian: apt-get install chromium)")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update",
		"disable-sync", "disable-dev-shm-usage", "hide-scrollbars",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, end := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // starts it; without a deadline, which would be the browser's
		t.Fatalf("start chromium: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestBrowserShowsAChangeWithoutReloading(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.busyDay()
	d.source.Now = ticking()
	var mu sync.Mutex
	var loads int
	h := d.handler()
	server := httptest.NewServer(counting(h, func(path string) {
		mu.Lock()
		defer mu.Unlock()
		if path == "/" {
			loads++
		}
	}))
	t.Cleanup(server.Close)
	ctx := browser(t) // it ends before the server, which waits for its listeners

	do(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(server.URL), chromedp.WaitVisible(chromedp.CSS(`#link[data-state=live]`)))
	wantAll(t, ask(t, ctx, chromedp.Text(chromedp.CSS("main"))), "spring", "running", "Paused by hand",
		"Campaign spring: 4 leads are held (no_zone 3, toll_free 1)", "node-a-4711")
	shoot(t, ctx)

	_, err := d.SetHold(d.Context(), "spring", campaign.HoldPaused, start)
	d.must(err)
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(`article.paused[aria-labelledby="c-spring"]`)))
	if text, want := ask(t, ctx, chromedp.Text(chromedp.CSS(".headline"))), "No campaign runs, 1 cannot."; !strings.HasPrefix(text, want) {
		t.Errorf("headline is %q, want %q", text, want)
	}

	d.must(d.SetProblem(d.Context(), "winback", ""))
	d.must(d.EachLead(d.Context(), "spring", func(l *campaign.Lead) error {
		if l.State != campaign.LeadHeld {
			return nil
		}
		return d.CloseLead(d.Context(), "spring", l.ID, campaign.Cancelled, "")
	}))
	do(t, ctx, chromedp.WaitNotPresent(chromedp.CSS(".notices"))) // what is gone vanishes
	mu.Lock()
	defer mu.Unlock()
	if loads != 1 {
		t.Errorf("the page was loaded %d times", loads)
	}
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shoot keeps pictures of the page, for the eye: go test -run Browser -artifacts -outputdir DIR.
func shoot(t *testing.T, ctx context.Context) { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	for name, width := range map[string]int64{"wide": 1280, "phone": 400} {
		for _, scheme := range []string{"light", "dark"} {
			do(t, ctx, chromedp.EmulateViewport(width, 900), func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
				_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return chromedp.Void{}, err
			})
			if ask(t, ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`)) {
				t.Errorf("%s: the page is wider than the window of %d", name, width)
			}
			png := ask(t, ctx, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+"-"+scheme+".png"), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
