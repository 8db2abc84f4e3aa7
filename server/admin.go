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
	// stop ends the calls that run.
	stop context.CancelFunc
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
	mux.HandleFunc("POST "+rotateKeysPath, s.serveRotateKeys)
	calls, stop := context.WithCancel(context.Background())
	return &adminServer{
		http: &http.Server{
			Handler: mux, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout,
			BaseContext: func(net.Listener) context.Context { return calls },
		},
		listener: l,
		stop:     stop,
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

// close ends the calls and waits for them: they use the database.
func (a *adminServer) close() error {
	a.stop()
	if a.served == nil {
		return a.listener.Close()
	}
	ending, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	err := a.http.Shutdown(ending)
	if err != nil {
		err = errors.Join(err, a.http.Close())
	}
	if served := <-a.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// ReadStatus asks the server that runs on a data directory.
func ReadStatus(ctx context.Context, dataDir string) (Status, error) {
	var status Status
	response, err := callAdmin(ctx, dataDir, http.MethodGet, "/status", adminTimeout)
	if err != nil {
		return status, err
	}
	defer response.Body.Close()
	return status, json.NewDecoder(response.Body).Decode(&status)
}

// callAdmin calls the server that runs on a data directory. The answer has to
// have arrived within the timeout, if there is one.
func callAdmin(ctx context.Context, dataDir, verb, target string, timeout time.Duration) (*http.Response, error) {
	client := http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", (&Server{config: Config{DataDir: dataDir}}).file(adminSocket))
		},
	}}
	request, err := http.NewRequestWithContext(ctx, verb, "http://admin"+target, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no server answers on %s: %w", adminSocket, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the running server answered %s", response.Status), response.Body.Close())
	}
	return response, nil
}
