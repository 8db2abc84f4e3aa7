package main

import (
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bastide-id/bastide/sdk/go/client"
)

// flooding returns the URL of a server that answers reflection with a message
// longer than what is read of one, or says that it does not have it, and calls
// by Connect with such a message.
func flooding(t *testing.T, reflection bool) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.Contains(r.URL.Path, "Reflection"):
			w.Header().Set("Content-Type", "application/proto")
			_, _ = w.Write(make([]byte, client.MaxAnswer+1))
		case reflection:
			w.Header().Set("Content-Type", "application/grpc+proto")
			_, _ = w.Write(binary.BigEndian.AppendUint32([]byte{0}, client.MaxAnswer+1))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func TestAnswersAreReadUpToALimit(t *testing.T) {
	got := bastide(t, nil, "call", "AuthService/GetMyUser", "--url", flooding(t, false), "--token", "x")
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "the answer is longer than 64 MiB, of which no more is read") {
		t.Errorf("%+v", got)
	}
	// What reflection does not tell the program may know.
	got = bastide(t, nil, "call", "Auth/GetMyUser", "--url", flooding(t, true), "--token", "x")
	if got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, "the server does not tell its methods: the answer is longer than 64 MiB") {
		t.Errorf("%+v", got)
	}
}

// A server that takes no more is no answer that is too long.
func TestRefusedRequestIsNoLongAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"code":"resource_exhausted","message":"message size 2 is larger than configured max 1"}`))
	}))
	defer s.Close()
	got := bastide(t, nil, "call", "AuthService/GetMyUser", "--url", s.URL, "--token", "x")
	if got.code != exitFailed || !strings.Contains(got.stderr, "resource_exhausted: message size 2 is larger") {
		t.Errorf("%+v", got)
	}
}
