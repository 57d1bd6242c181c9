// Package web serves the operator: what campaigns do now, health, metrics.
//
// All of it is read from the record, so any daemon of a fleet shows the same. Lists can be sent in; nothing else can be changed here.
package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
)

// Config is what a Handler needs.
type Config struct {
	// Source is where the view is read from.
	Source *Source
	// Metrics is what /metrics shows. Handler adds to it what is read from Source; nil means there is no /metrics.
	Metrics *Metrics
	// Ready says in plain words why this process does not do its work at the moment; nil, or a nil error, means that it does.
	Ready func(context.Context) error
	// Warn says what is amiss while this process does its work all the same; nil means that there is nothing to say.
	Warn func(context.Context) []string
	// Imports takes lists in; nil means that none can be sent.
	Imports *Imports
	// Version is this program's.
	Version string
	// Log is for what somebody should look at; nil means none.
	Log *slog.Logger
}

//go:embed static templates
var files embed.FS

type server struct {
	Config
	assets    string // changes with the static files
	listeners chan struct{}
	hook      sync.Once
	closing   chan struct{} // closed when the HTTP server begins to shut down
}

// Handler is the admin listener: the page, its events, /api/v1, /metrics, /healthz and /readyz. The server around it may not have a
// WriteTimeout, which would cut the events off.
func Handler(c Config) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &server{Config: c, assets: fingerprint(), listeners: make(chan struct{}, maxListeners), closing: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /api/v1/status", s.apiStatus)
	mux.HandleFunc("GET /api/v1/campaigns/{name}", s.apiCampaign)
	if c.Imports != nil {
		mux.HandleFunc("POST "+importsPath, s.startImport)
		mux.HandleFunc("GET "+importsPath+"/{id}", s.apiImport)
		mux.HandleFunc("GET "+importsPath+"/{id}/rejects", s.apiRejects)
	}
	mux.Handle("GET /static/", s.static(http.FileServerFS(files)))
	if c.Metrics != nil {
		mux.Handle("GET /metrics", c.Metrics.handler(c.Source, c.Version))
	}
	return s.guard(mux)
}

// static lets browsers keep what is asked for by its fingerprint.
func (s *server) static(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("v") == s.assets {
			w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		}
		next.ServeHTTP(w, r)
	})
}

// fingerprint stands for the content of all static files.
func fingerprint() string {
	sum := sha256.New()
	err := fs.WalkDir(files, "static", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := files.ReadFile(path)
		sum.Write(b)
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}
