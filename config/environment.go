package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
)

// environment is what problems name as the file of a mistake in an environment variable.
const environment = "environment"

// The environment variables of a team. They are for the only team, or for the one named default.
var teamEnv = []struct{ name, field string }{
	{"THOUGHTLY_API_TOKEN", "api_token"},
	{"THOUGHTLY_TEAM_ID", "team_id"},
	{"THOUGHTLY_BASE_URL", "base_url"},
}

// googleEnv are the environment variables of the settings for Google, by key.
var googleEnv = map[string]string{"credentials_file": "GOOGLE_APPLICATION_CREDENTIALS", "api_key": "GOOGLE_API_KEY"} //nolint:gosec // G101: names of variables, no credentials

// parseSettings makes settings from the text of a file and the environment.
func parseSettings(file string, text []byte, env func(string) (string, bool)) (*Settings, error) {
	d := newDecoder(file)
	d.expand = expander(env)
	s := &Settings{File: file, decoder: d}
	s.setDefaults()
	if !d.document(text, s) {
		return nil, d.problems.err()
	}
	if !d.has("teams") {
		s.Teams = make([]Team, 1)
		s.Teams[0].setDefaults()
	}
	if len(s.Teams) == 1 && !d.has("teams[0].name") {
		s.Teams[0].Name = DefaultTeam
	}
	s.fill(env)
	s.readTokens()
	s.findCredentials()
	s.check()
	if err := d.problems.err(); err != nil {
		return nil, err
	}
	return s, nil
}

// document reads a file that holds one YAML document. It reports whether it could be read at all.
func (d *decoder) document(text []byte, v any) bool {
	docs, problem := parse(d.file, text)
	switch {
	case problem != nil:
		d.problems = append(d.problems, *problem)
		return false
	case len(docs) > 1:
		d.problems = append(d.problems, Problem{
			File: d.file, Line: docs[1].GetToken().Position.Line,
			Message: "a second YAML document begins here; settings are one document, so remove the --- above it",
		})
		return false
	case len(docs) == 1:
		d.value("", docs[0], reflect.ValueOf(v).Elem(), "")
	}
	return true
}

// fill takes what the file leaves out from the environment. An empty variable counts as not set.
func (s *Settings) fill(env func(string) (string, bool)) {
	v := reflect.ValueOf(s).Elem()
	for _, f := range fieldsOf(v.Type()) {
		if name := f.tag.Get("env"); name != "" {
			s.fromEnv(f.name, name, v.Field(f.index), env)
		}
	}
	google := reflect.ValueOf(&s.Google).Elem()
	for _, f := range fieldsOf(google.Type()) {
		if name := googleEnv[f.name]; name != "" {
			s.fromEnv("google."+f.name, name, google.Field(f.index), env)
		}
	}
	for i := range s.Teams {
		if len(s.Teams) > 1 && s.Teams[i].Name != DefaultTeam {
			continue
		}
		team := reflect.ValueOf(&s.Teams[i]).Elem()
		for _, f := range fieldsOf(team.Type()) {
			for _, e := range teamEnv {
				path := fmt.Sprintf("teams[%d].%s", i, f.name)
				tokenFile := f.name == "api_token" && s.decoder.has(fmt.Sprintf("teams[%d].api_token_file", i))
				if e.field == f.name && !tokenFile {
					s.fromEnv(path, e.name, team.Field(f.index), env)
				}
			}
		}
	}
}

// fromEnv sets the field at path from an environment variable, unless the file has it; then it notes whether the two differ.
func (s *Settings) fromEnv(path, name string, v reflect.Value, env func(string) (string, bool)) {
	d := s.decoder
	text, ok := env(name)
	if text = strings.TrimSpace(text); !ok || text == "" {
		return
	}
	if d.has(path) {
		if plain(v) != text {
			s.Overruled = append(s.Overruled, name)
		}
		return
	}
	shown := text
	switch v.Type() {
	case secretType:
		shown = masked
	case redisType:
		shown = NewRedisURL(text).String()
	}
	d.at[path] = place{file: environment, field: name, text: shown}
	if err := setScalar(v, text, ""); err != nil {
		d.fail(path, "%s", err)
	}
}

// plain is what a field that an environment variable may set says.
func plain(v reflect.Value) string {
	switch v := v.Interface().(type) {
	case Secret:
		return v.Reveal()
	case RedisURL:
		return v.Reveal()
	}
	return v.String()
}

// variable finds ${NAME}, $${ and a ${ that is neither.
var variable = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// expander replaces ${NAME} in values by environment variables; $${ stands for a plain ${.
func expander(env func(string) (string, bool)) func(string) (string, error) {
	return func(text string) (string, error) {
		var err error
		expanded := variable.ReplaceAllStringFunc(text, func(found string) string {
			switch found {
			case "$${":
				return "${"
			case "${":
				err = fmt.Errorf("has a ${ without a name and }; write ${NAME} for an environment variable, or $${ for a plain ${")
				return ""
			}
			name := found[2 : len(found)-1]
			value, ok := env(name)
			if !ok && err == nil {
				err = fmt.Errorf("needs the environment variable %s, which is not set; set it, or write the value here", name)
			}
			return value
		})
		return expanded, err
	}
}

// maxToken bounds a token's file, in bytes.
const maxToken = 4096

// readTokens reads the tokens that stand in files of their own.
func (s *Settings) readTokens() {
	for i := range s.Teams {
		t, d := &s.Teams[i], s.decoder
		path := fmt.Sprintf("teams[%d].api_token_file", i)
		if t.APITokenFile == "" {
			continue
		}
		if d.has(fmt.Sprintf("teams[%d].api_token", i)) {
			d.fail(path, "is given beside api_token; keep one of the two")
			continue
		}
		file, err := beside(s.File, t.APITokenFile)
		if err != nil {
			d.fail(path, "cannot be found: %s", err)
			continue
		}
		t.APITokenFile = file
		text, err := readFile(file)
		token := strings.TrimSpace(string(text))
		switch {
		case err != nil:
			d.fail(path, "cannot be read: %s", cause(err))
		case token == "":
			d.fail(path, "is an empty file; put the token into it")
		case len(token) > maxToken || strings.ContainsAny(token, "\r\n"):
			d.fail(path, "holds more than one line; put the token alone into it")
		default:
			t.APIToken = NewSecret(token)
		}
	}
}

// findCredentials makes the path of the key for Google one that holds wherever the command runs.
func (s *Settings) findCredentials() {
	g, d := &s.Google, s.decoder
	if g.CredentialsFile == "" {
		return
	}
	file, err := beside(s.File, g.CredentialsFile)
	if err != nil {
		d.fail("google.credentials_file", "cannot be found: %s", err)
		return
	}
	g.CredentialsFile = file
}

// cause is the error without the path, which stands in the problem already.
func cause(err error) error {
	if at, ok := errors.AsType[*os.PathError](err); ok {
		return at.Err
	}
	return err
}
