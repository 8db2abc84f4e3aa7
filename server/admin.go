package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// maxAdminError bounds what is read of an error, in bytes.
const maxAdminError = 64 << 10

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
	mux.HandleFunc("POST /master-key/rotate", s.serveRotateMasterKey)
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
	answerAdmin(w, Status{Version: s.config.Version, PID: os.Getpid(), SchemaVersion: version, URL: s.URL()})
}

// serveRotateMasterKey answers when it is done, which may take longer than
// anything else that is asked here. It is not ended by a caller who leaves.
func (s *Server) serveRotateMasterKey(w http.ResponseWriter, _ *http.Request) {
	connection := http.NewResponseController(w)
	if err := connection.SetWriteDeadline(time.Now().Add(rotationTimeout + adminTimeout)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	rotation, err := s.masterKeys.rotate()
	if err != nil {
		s.log.Warn("the master key was not rotated as it should be", "error", err)
		status := http.StatusInternalServerError
		if errors.Is(err, errRotating) {
			status = http.StatusConflict
		}
		http.Error(w, err.Error(), status)
		return
	}
	answerAdmin(w, rotation)
}

func answerAdmin(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
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

// ReadStatus asks the server that runs on a data directory. It returns
// ErrNotRunning if there is none.
func ReadStatus(ctx context.Context, dataDir string) (status Status, err error) {
	return status, askAdmin(ctx, dataDir, http.MethodGet, "/status", adminTimeout, &status)
}

// ErrNotRunning says that no server runs on a data directory.
var ErrNotRunning = errors.New("no server runs on the data directory")

// RotateMasterKey has the server that runs on a data directory make a new master
// key and seal everything under it. It returns ErrNotRunning, or an error that
// says what the server did and what is to be done.
func RotateMasterKey(ctx context.Context, dataDir string) (rotation MasterKeyRotation, err error) {
	return rotation, askAdmin(ctx, dataDir, http.MethodPost, "/master-key/rotate", rotationTimeout+adminTimeout, &rotation)
}

// askAdmin calls the server that runs on a data directory and reads its answer.
func askAdmin(ctx context.Context, dataDir, verb, target string, timeout time.Duration, answer any) error {
	response, err := callAdmin(ctx, dataDir, verb, target, timeout)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

// callAdmin calls the server that runs on a data directory. The answer has to
// have arrived within the timeout, if there is one. It returns ErrNotRunning if
// nobody listens.
func callAdmin(ctx context.Context, dataDir, verb, target string, timeout time.Duration) (*http.Response, error) {
	client := http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			connection, err := (&net.Dialer{}).DialContext(ctx, "unix", (&Server{config: Config{DataDir: dataDir}}).file(adminSocket))
			if err != nil {
				err = fmt.Errorf("%w %s: %w", ErrNotRunning, dataDir, err)
			}
			return connection, err
		},
	}}
	request, err := http.NewRequestWithContext(ctx, verb, "http://admin"+target, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	switch {
	case errors.Is(err, ErrNotRunning):
		return nil, errors.Unwrap(err) // *url.Error names a host that there is not
	case err != nil:
		return nil, fmt.Errorf("the running server does not answer on %s: %w", adminSocket, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, maxAdminError))
		return nil, fmt.Errorf("the running server answered %s: %s", response.Status, bytes.TrimSpace(text))
	}
	return response, nil
}
