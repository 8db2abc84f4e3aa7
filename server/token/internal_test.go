package token

import (
	"context"
	"crypto/rsa"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bastide-id/bastide/server/store"
)

// Key pairs are made ahead, one at a time, until all are ready; each is given
// away once.
func TestKeyPairs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newKeyPairs(2)
		p.start()
		synctest.Wait()
		if len(p.ready) != 0 {
			t.Error("keys are made while the server starts")
		}
		time.Sleep(startPause) // of the bubble's clock
		synctest.Wait()
		if len(p.ready) != 2 {
			t.Fatalf("%d pairs are ready", len(p.ready))
		}
		seen := make(map[string]bool)
		for range 4 {
			pair, err := p.take(t.Context())
			if err != nil || pair.N.BitLen() != keyBits || pair.Validate() != nil {
				t.Fatalf("the pair is not good: %v", err)
			}
			seen[pair.N.String()] = true
		}
		if len(seen) != 4 {
			t.Errorf("of 4 pairs %d are different", len(seen))
		}
		synctest.Wait()
		if len(p.ready) != 2 {
			t.Errorf("%d pairs are ready again", len(p.ready))
		}
		p.close()
	})
}

// Who waits for a turn to make a pair takes one that becomes ready, or gives up.
func TestKeyPairsWait(t *testing.T) {
	p := newKeyPairs(1)
	for range cap(p.making) {
		p.making <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.take(gone); err == nil {
		t.Error("a pair is made out of turn")
	}
	ready := &rsa.PrivateKey{}
	p.ready <- ready
	if got, err := p.take(t.Context()); err != nil || got != ready {
		t.Errorf("the pair is not the ready one: %v", err)
	}
	p.close() // without start
}

// Pairs of more bits are made one at a time. Who waits for a turn gives up with
// its context.
func TestKeyPairsLong(t *testing.T) {
	p := newKeyPairs(-1)
	gone, cancel := context.WithCancel(t.Context())
	p.long <- struct{}{}
	left := make(chan error)
	go func() {
		_, err := p.takeLong(gone, 3072)
		left <- err
	}()
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, err := p.takeLong(gone, 3072); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	<-p.long
	if pair, err := p.takeLong(t.Context(), 3072); err != nil || pair.N.BitLen() != 3072 {
		t.Errorf("the pair is not of 3072 bits: %v", err)
	}
}

func TestKeyPairsNumber(t *testing.T) {
	for number, want := range map[int]int{0: defaultKeyPairs, -1: 0, 3: 3} {
		if got := cap(newKeyPairs(number).ready); got != want {
			t.Errorf("%d means %d", number, got)
		}
	}
}

func TestLastUseBound(t *testing.T) {
	l := newLastUse(nil, slog.New(slog.DiscardHandler))
	at := time.Unix(1000, 0)
	for key := range int64(lastUseBound + 10) {
		l.note(usedToken{instanceID: "1", key: key}, at)
	}
	if len(l.used) != lastUseBound {
		t.Errorf("%d tokens wait", len(l.used))
	}
	first := usedToken{instanceID: "1"}
	l.note(first, at.Add(time.Second))
	l.note(first, at)
	if got := l.used[first]; !got.Equal(at.Add(time.Second)) {
		t.Errorf("the last use is %v", got)
	}
}

func TestLastUseBatches(t *testing.T) {
	var tokens []usedToken
	for key := range int64(lastUseBatch + 1) {
		tokens = append(tokens, usedToken{instanceID: "1", key: key})
	}
	tokens = append(tokens, usedToken{instanceID: "2"}, usedToken{instanceID: "3"}, usedToken{instanceID: "3", key: 1})
	for _, want := range []int{lastUseBatch, 1, 1, 2} {
		if got := batch(tokens); got != want {
			t.Fatalf("a batch has %d tokens, not %d", got, want)
		}
		tokens = tokens[want:]
	}
}

// What could not be written waits for the next time.
func TestLastUseKept(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), store.Options{URL: filepath.Join(t.TempDir(), "bastide.db"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLastUse(s, log)
	l.note(usedToken{instanceID: "1", key: 1}, s.Now())
	if err := l.close(); err == nil {
		t.Error("a write into a closed database passes")
	}
	if len(l.used) != 1 {
		t.Errorf("%d tokens wait", len(l.used))
	}
}
