package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
)

// KeyRotation says what a rotation of signing keys did in an instance.
type KeyRotation = token.Rotation

// MaxKeyAnnouncement is the longest that a key is published before it signs.
const MaxKeyAnnouncement = 30 * 24 * time.Hour

const rotateKeysPath = "/keys/rotate"

// rotationLine is a line of the answer: what was done in an instance, or how it
// all ended.
type rotationLine struct {
	Rotation *KeyRotation `json:"rotation,omitempty"`
	Done     bool         `json:"done,omitempty"`
	Error    string       `json:"error,omitempty"`
}

// serveRotateKeys answers with a line for each instance as soon as it is done.
// It ends with the caller, and takes as long as it takes: many instances are
// many keys to be made.
func (s *Server) serveRotateKeys(w http.ResponseWriter, r *http.Request) {
	instanceID := r.URL.Query().Get("instance")
	announce, err := time.ParseDuration(r.URL.Query().Get("announce"))
	if err != nil || announce < 0 || announce > MaxKeyAnnouncement {
		http.Error(w, "announce: not a time from 0s to "+MaxKeyAnnouncement.String(), http.StatusBadRequest)
		return
	}
	connection := http.NewResponseController(w)
	if err := connection.SetReadDeadline(time.Time{}); err != nil {
		http.Error(w, "the connection cannot be kept open", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	tell := func(line rotationLine) error {
		if err := connection.SetWriteDeadline(time.Now().Add(adminTimeout)); err != nil {
			return err
		}
		if err := json.NewEncoder(w).Encode(line); err != nil {
			return err
		}
		return connection.Flush()
	}
	number := 0
	err = s.tokens.RotateKeys(r.Context(), instanceID, announce, func(done KeyRotation) error {
		if done.KeyID != "" {
			number++
		}
		return tell(rotationLine{Rotation: &done})
	})
	s.log.Info("signing keys were rotated by command", "instances", number, "announced", announce)
	_ = tell(s.endOfRotation(r.Context(), instanceID, err)) // nobody listens if it fails
}

func (s *Server) endOfRotation(ctx context.Context, instanceID string, err error) rotationLine {
	switch {
	case err == nil:
		return rotationLine{Done: true}
	case errors.Is(err, fault.InstanceUnknown.With()):
		return rotationLine{Error: fmt.Sprintf("--instance: there is no instance %q", instanceID)}
	case ctx.Err() != nil:
		return rotationLine{Error: "the server is being stopped"}
	}
	s.log.Error("signing keys cannot be rotated", "error", err)
	return rotationLine{Error: "not all keys could be rotated; the log of the server says why"}
}

// RotateKeys has the server that runs on a data directory give each instance a
// new signing key, or one instance if it is named; announce is how long a key is
// published before it signs. told is called for each instance as soon as it is
// done.
//
// It returns ErrNotRunning, or an error if the instance is unknown, or if the
// server or ctx ended before all was done.
func RotateKeys(ctx context.Context, dataDir, instanceID string, announce time.Duration, told func(KeyRotation)) error {
	query := url.Values{"instance": {instanceID}, "announce": {announce.String()}}
	response, err := callAdmin(ctx, dataDir, http.MethodPost, rotateKeysPath+"?"+query.Encode(), 0)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for lines := json.NewDecoder(response.Body); ; {
		var line rotationLine
		err := lines.Decode(&line)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the server ended before it was done")
		case err != nil:
			return fmt.Errorf("the answer of the server cannot be read: %w", err)
		case line.Error != "":
			return errors.New(line.Error)
		case line.Done:
			return nil
		case line.Rotation != nil:
			told(*line.Rotation)
		}
	}
}
