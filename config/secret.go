package config

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// masked stands for a secret wherever it would be seen.
const masked = "<secret>"

// Secret is a value that is never shown: printed, logged or encoded in any form it reads <secret>, or nothing when it is
// empty. Only Reveal gives it out.
type Secret struct {
	value *string // a pointer, because fmt prints what is in an unexported field without asking its methods
}

// NewSecret hides a value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{&value}
}

// Reveal is the value itself, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Equal reports whether both hide the same value.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String masks the secret.
func (s Secret) String() string {
	if s.value == nil {
		return ""
	}
	return masked
}

// Format masks the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the secret in JSON, YAML and every other encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Embedded is the setting for a Redis that dialerd starts by itself.
const Embedded = "embedded"

// RedisURL says where Redis is. Its passwords are shown nowhere, the rest is.
type RedisURL struct{ url Secret }

// NewRedisURL hides the passwords of a URL.
func NewRedisURL(url string) RedisURL { return RedisURL{NewSecret(url)} }

// Reveal is the URL with its passwords, for the one place that connects.
func (u RedisURL) Reveal() string { return u.url.Reveal() }

// Equal reports whether both are the same URL.
func (u RedisURL) Equal(other RedisURL) bool { return u.url.Equal(other.url) }

// Embedded reports whether dialerd is to start a Redis of its own.
func (u RedisURL) Embedded() bool { return u.Reveal() == Embedded }

// passwordQuery finds passwords among the parameters of a URL.
var passwordQuery = regexp.MustCompile(`(?i)([?&][^=&]*pass[^=&]*=)[^&]*`)

// String is the URL without its passwords.
func (u RedisURL) String() string {
	text := u.Reveal()
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		if at := strings.LastIndex(rest, "@"); at >= 0 { // the last one: a password may hold an @ that nobody escaped
			user, _, has := strings.Cut(rest[:at], ":")
			if has {
				user += ":xxxxx"
			}
			text = scheme + "://" + user + rest[at:]
		}
	}
	return passwordQuery.ReplaceAllString(text, "${1}xxxxx")
}

// Format masks the URL under every verb.
func (u RedisURL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// LogValue masks the URL in logs.
func (u RedisURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText masks the URL in JSON, YAML and every other encoding.
func (u RedisURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
