package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dialerd/dialerd/campaign"
)

// redisSchemes are the forms that a Redis URL may have.
var redisSchemes = []string{
	"redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "sentinel", "redis+cluster", "rediss+cluster",
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// check notes what is wrong with settings that could be read, and makes the data folder's path absolute.
func (s *Settings) check() {
	d := s.decoder
	s.checkRedis()
	for _, a := range []struct{ path, addr string }{{"listen", s.Listen}, {"admin", s.Admin}} {
		if err := CheckAddress(a.addr); err != nil {
			d.fail(a.path, "%s", err)
		}
	}
	if s.Listen == s.Admin && !strings.HasSuffix(s.Listen, ":0") {
		d.fail("admin", "is the same as listen; give them two ports, so that the internet reaches webhooks only")
	}
	if s.PublicURL != "" {
		if err := checkURL(s.PublicURL); err != nil {
			d.fail("public_url", "%s", err)
		}
		s.PublicURL = strings.TrimRight(s.PublicURL, "/")
	}
	if s.DataDir == "" {
		d.fail("data_dir", "is empty; name a folder, as in ./data")
	} else {
		file := s.File
		if d.at["data_dir"].file == environment {
			file = ""
		}
		dir, err := beside(file, s.DataDir)
		if err != nil {
			d.fail("data_dir", "cannot be found: %s", err)
		}
		s.DataDir = dir
	}
	if len(s.Teams) == 0 {
		d.fail("teams", "names no team; name one, or remove the key to take the team from the environment")
	}
	for i := range s.Teams {
		s.checkTeam(i)
	}
}

func (s *Settings) checkRedis() {
	if s.Redis.Embedded() {
		return
	}
	scheme, rest, ok := strings.Cut(s.Redis.Reveal(), "://")
	switch {
	case !ok:
		s.decoder.fail("redis", "is not a URL; write redis://HOST:6379/0, or embedded%s", didYouMean(scheme, []string{Embedded}))
	case !slices.Contains(redisSchemes, scheme):
		s.decoder.fail("redis", "has a scheme that is not one of %s%s", strings.Join(redisSchemes, ", "), didYouMean(scheme, redisSchemes))
	case rest == "":
		s.decoder.fail("redis", "names no host; write redis://HOST:6379/0")
	}
}

// checkTeam notes what is wrong with one team and makes its URLs plain.
func (s *Settings) checkTeam(i int) {
	d, t := s.decoder, &s.Teams[i]
	at := func(key string) string { return fmt.Sprintf("teams[%d].%s", i, key) }
	switch {
	case t.Name == "":
		d.fail(at("name"), "is missing; with several teams each needs a name of its own")
	case !campaign.ValidName(t.Name):
		d.fail(at("name"), "is not a name; use 1 to 63 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit")
	}
	if d.has("teams") { // a team that the file describes; a daemon that the environment alone describes is asked by CheckServe
		if t.APIToken.Reveal() == "" && !d.failed(at("api_token"), at("api_token_file")) {
			d.fail(at("api_token"), "is missing or empty; write api_token: ${THOUGHTLY_API_TOKEN} or api_token_file (Thoughtly: Settings, Developer)")
		}
		if t.TeamID == "" && !d.failed(at("team_id")) {
			d.fail(at("team_id"), "is missing or empty; it stands beside the token (Thoughtly: Settings, Developer)")
		}
	}
	if !headerText(t.APIToken.Reveal()) {
		d.fail(at("api_token"), "has characters that no token has (spaces, line ends or others); copy it once more")
	}
	if !headerText(t.TeamID) {
		d.fail(at("team_id"), "has characters that no team id has (spaces, line ends or others); copy it once more")
	}
	if err := checkURL(t.BaseURL); err != nil {
		d.fail(at("base_url"), "%s", err)
	}
	t.BaseURL = strings.TrimRight(t.BaseURL, "/")
	s.checkTimes(i)
	if t.Plan.Currency != "" && !currencyForm.MatchString(t.Plan.Currency) {
		d.fail(at("plan.currency"), "is not a currency; write its three letters, as in USD")
	}
	if t.Plan.PerMinute > 0 && t.Plan.Currency == "" {
		d.fail(at("plan.currency"), "is missing beside per_minute; write its three letters, as in USD")
	}
	switch {
	case t.Budget.Timezone != "":
		if err := campaign.CheckZone(t.Budget.Timezone); err != nil {
			d.fail(at("budget.timezone"), "%s", err)
		}
	case t.Budget.CallsPerDay > 0:
		d.fail(at("budget.timezone"), "is missing beside calls_per_day; write the zone whose days are meant, as in America/New_York")
	}
	for j := range i {
		other := &s.Teams[j]
		if other.Name == t.Name && t.Name != "" {
			d.fail(at("name"), "is the name of teams[%d] too; give each team its own", j)
		}
		if t.APIToken.Reveal() != "" && other.APIToken.Equal(t.APIToken) {
			d.fail(at("api_token"), "is the token of team %q too; the request limit is kept for each token, so give each team its own", other.Name)
		}
	}
}

// checkTimes notes lengths of time that cannot work together. A short rate.per or reconcile.after beside a long timeout is
// none of them: a call is looked up, and given up, only once its request is over.
func (s *Settings) checkTimes(i int) {
	d, t := s.decoder, &s.Teams[i]
	at := func(key string) string { return fmt.Sprintf("teams[%d].%s", i, key) }
	if d.failed(at("reconcile.after"), at("reconcile.unresolved")) {
		return
	}
	if t.Reconcile.Unresolved <= t.Reconcile.After {
		d.fail(at("reconcile.unresolved"), "is %s and not more than reconcile.after (%s); choose more",
			FormatDuration(t.Reconcile.Unresolved), FormatDuration(t.Reconcile.After))
	}
}

// CheckServe says what a daemon that places calls lacks, beyond what every command needs: a token and a team id for each
// team, and a public URL when a team's API is the real one, because it could not report any call. Problems, or nil.
func (s *Settings) CheckServe() error {
	d := newDecoder(s.File)
	d.at = s.decoder.at
	for i := range s.Teams {
		t := &s.Teams[i]
		if t.APIToken.Reveal() == "" {
			d.fail(fmt.Sprintf("teams[%d].api_token", i), "is missing; set THOUGHTLY_API_TOKEN (Thoughtly: Settings, Developer)")
		}
		if t.TeamID == "" {
			d.fail(fmt.Sprintf("teams[%d].team_id", i), "is missing; set THOUGHTLY_TEAM_ID (Thoughtly: Settings, Developer)")
		}
		switch {
		case s.PublicURL == "" && !t.Real():
			d.fail("public_url", "is missing; set it or DIALERD_PUBLIC_URL to the URL at which %s reaches %s; on one machine: http://%[2]s", t.BaseURL, s.Listen)
		case s.PublicURL == "":
			d.fail("public_url", "is missing; set it or DIALERD_PUBLIC_URL to the https URL at which the internet reaches %s", s.Listen)
		case t.Real() && loopbackURL(s.PublicURL):
			d.fail("public_url", "is on this machine, where Thoughtly cannot reach it; give the https URL at which the internet reaches %s", s.Listen)
		}
	}
	return d.problems.err()
}

// CheckAddress says what is wrong with a host:port to listen on, or nil. The error goes on from the address: it "is not host:port; …".
func CheckAddress(addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("is not host:port; write 127.0.0.1:8080, or :8080 for every address of this machine")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("has a port that is not a number from 0 to 65535")
	}
	return nil
}

// checkURL says what is wrong with the URL of a server, or nil: https, or plain http on this machine.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return fmt.Errorf("is not a URL; write https://HOST")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("has a user, ? or # in it; write the host and path alone")
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return fmt.Errorf("is not encrypted, and secrets pass through it; write https://, http is for this machine alone")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("is neither https nor http; write https://HOST")
	}
	return nil
}

// loopbackURL reports whether a URL's host is this machine.
func loopbackURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && loopbackHost(u.Hostname())
}

func loopbackHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// headerText reports whether a text can stand in an HTTP header without change.
func headerText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
