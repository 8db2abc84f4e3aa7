package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// adminServer answers commands on this machine that touch the running
// installation. The socket belongs to the user of the process alone.
type adminServer struct {
	http     *http.Server
	listener net.Listener
	// served gets the end of serve; nil before it.
	served chan error
}

// Status is what a running server says of itself.
type Status struct {
	Version       string `json:"version"`
	PID           int    `json:"pid"`
	SchemaVersion int64  `json:"schemaVersion"`
	URL           string `json:"url"`
}

const adminTimeout = 10 * time.Second

// listenAdmin opens the socket. Whoever asks before the server serves waits
// until it does.
func (s *Server) listenAdmin(ctx context.Context) (*adminServer, error) {
	path := s.file(adminSocket)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of a process that was killed; ours by the lock
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("--data-dir: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // the directory kept others out until here
		return nil, errors.Join(err, l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", s.serveStatus)
	return &adminServer{
		http:     &http.Server{Handler: mux, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout},
		listener: l,
	}, nil
}

// serve begins to answer.
func (a *adminServer) serve() {
	a.served = make(chan error, 1)
	go func() { a.served <- a.http.Serve(a.listener) }()
}

func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) {
	version, err := s.store.SchemaVersion(r.Context())
	if err != nil {
		s.log.Error("the version of the database cannot be read", "error", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Status{Version: s.config.Version, PID: os.Getpid(), SchemaVersion: version, URL: s.URL()})
}

func (a *adminServer) close() error {
	if a.served == nil {
		return a.listener.Close()
	}
	err := a.http.Close()
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// ReadStatus asks the server that runs on a data directory.
func ReadStatus(ctx context.Context, dataDir string) (Status, error) {
	client := http.Client{Timeout: adminTimeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", (&Server{config: Config{DataDir: dataDir}}).file(adminSocket))
		},
	}}
	var status Status
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://admin/status", nil)
	if err != nil {
		return status, err
	}
	response, err := client.Do(request)
	if err != nil {
		return status, fmt.Errorf("no server answers on %s: %w", adminSocket, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return status, fmt.Errorf("the running server answered %s", response.Status)
	}
	return status, json.NewDecoder(response.Body).Decode(&status)
}
