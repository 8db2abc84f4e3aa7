//go:build unix

package servertest

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// log keeps what a server logs.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Logs returns what the server has logged, at every level.
func (s *Server) Logs() string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.text.String()
}

// checkLog fails the test if the log has a secret or an error.
func (s *Server) checkLog(t testing.TB) {
	t.Helper()
	for _, secret := range s.secrets.in(s.Logs()) {
		t.Errorf("the log has a secret in it: %.12s…", secret)
	}
	for line := range strings.Lines(s.Logs()) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the server logged an error: %s", line)
		}
	}
}

// secrets are the texts that a log must not have.
type secrets struct {
	mu    sync.Mutex
	texts map[string]bool
}

// add remembers a secret. A text that is too short to be one is passed over,
// as it might stand in a log by chance.
func (s *secrets) add(text string) {
	if len(text) < 8 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = make(map[string]bool)
	}
	s.texts[text] = true
}

// in returns the secrets that the text has in it.
func (s *secrets) in(text string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for secret := range s.texts {
		if strings.Contains(text, secret) {
			found = append(found, secret)
		}
	}
	return found
}

// secretFields are the fields of requests and answers that hold secrets, or what
// no log line may tell of a person.
var secretFields = map[protoreflect.Name]bool{
	"pat": true, "token": true, "machine_key": true, "key_details": true, "client_secret": true, "code": true,
	"password": true, "initial_password": true, "old_password": true, "new_password": true, "email": true, "phone": true,
}

// hashedPassword is the message whose value is the hash of a password.
const hashedPassword = "HashedPassword"

// addMessage remembers the secrets of a request or an answer.
func (s *secrets) addMessage(m proto.Message) {
	if m == nil {
		return
	}
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() || f.IsMap():
		case f.Kind() == protoreflect.MessageKind:
			s.addMessage(v.Message().Interface())
		case !secretFields[f.Name()] && f.Parent().Name() != hashedPassword:
		case f.Kind() == protoreflect.BytesKind:
			s.addKey(v.Bytes())
		default:
			s.add(v.String())
		}
		return true
	})
}

// addKey remembers the key of a key file.
func (s *secrets) addKey(file []byte) {
	var key struct{ Key string }
	if json.Unmarshal(file, &key) == nil {
		s.addFile(key.Key)
	}
}

// addFile remembers the text of a secret file: of one with many lines one from
// the middle, which stands in a log as it is, however the rest is quoted.
func (s *secrets) addFile(text string) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	s.add(lines[len(lines)/2])
}
