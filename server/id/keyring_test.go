package id

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// openAll opens what each key sealed.
func openAll(t *testing.T, ring *Keyring, keys ...MasterKey) {
	t.Helper()
	for i, key := range keys {
		sealed, err := key.Seal([]byte("secret"), "row")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ring.Open(t.Context(), sealed, "row"); err != nil || string(got) != "secret" {
			t.Errorf("what key %d sealed does not open: %v", i, err)
		}
		if _, err := ring.Open(t.Context(), sealed, "another row"); err == nil {
			t.Errorf("what key %d sealed opens in another row", i)
		}
		token := key.PageTokens().Seal([]byte("position"), []byte("list"))
		if position, ok := ring.Pages().Open(token, []byte("list")); !ok || string(position) != "position" {
			t.Errorf("the page token of key %d is not known", i)
		}
		if _, ok := ring.Pages().Open(token, []byte("another list")); ok {
			t.Errorf("the page token of key %d is good for another list", i)
		}
	}
}

// sealsUnder sees which key the ring seals under.
func sealsUnder(t *testing.T, ring *Keyring, fingerprint []byte, key MasterKey) {
	t.Helper()
	sealed, err := ring.Seal(t.Context(), fingerprint, []byte("secret"), "row")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.Open(sealed, "row"); err != nil || string(got) != "secret" {
		t.Errorf("the ring seals under another key: %v", err)
	}
}

func TestKeyring(t *testing.T) {
	one, two, three, stranger := NewMasterKey(), NewMasterKey(), NewMasterKey(), NewMasterKey()
	ring := NewKeyring(one, nil)
	openAll(t, ring, one)
	sealsUnder(t, ring, nil, one)
	ring.Add(two)
	ring.Add(two)
	openAll(t, ring, one, two)
	sealsUnder(t, ring, nil, one)
	sealsUnder(t, ring, two.Fingerprint(), two)
	ring.Take(two)
	ring.Take(three)
	openAll(t, ring, one, two, three)
	sealsUnder(t, ring, nil, three)
	sealsUnder(t, ring, one.Fingerprint(), one)
	if token := ring.Pages().Seal([]byte("position"), []byte("list")); token != three.PageTokens().Seal([]byte("position"), []byte("list")) {
		t.Error("page tokens are made under another key")
	}
	if _, err := ring.Seal(t.Context(), stranger.Fingerprint(), []byte("secret"), "row"); err == nil {
		t.Error("the ring seals under a key that it does not have")
	}
	sealed, err := stranger.Seal([]byte("secret"), "row")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Open(t.Context(), sealed, "row"); err == nil {
		t.Error("the ring opens what a stranger sealed")
	}
	if _, ok := ring.Pages().Open(stranger.PageTokens().Seal(nil, nil), nil); ok {
		t.Error("the ring knows the page token of a stranger")
	}
}

// Another process made a key: it is looked for when it is needed, and then it
// is known.
func TestKeyringFinds(t *testing.T) { synctest.Test(t, testKeyringFinds) }

func testKeyringFinds(t *testing.T) {
	one, two := NewMasterKey(), NewMasterKey()
	missing := errors.New("missing")
	var asked [][]byte
	var found *MasterKey
	newRing := func() *Keyring {
		asked, found = nil, nil
		return NewKeyring(one, func(_ context.Context, fingerprint []byte) (MasterKey, error) {
			asked = append(asked, fingerprint)
			if found == nil {
				return MasterKey{}, missing
			}
			return *found, nil
		})
	}
	sealed, err := two.Seal([]byte("secret"), "row")
	if err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]func(*Keyring) error{
		"open": func(ring *Keyring) error {
			_, err := ring.Open(t.Context(), sealed, "row")
			return err
		},
		"seal": func(ring *Keyring) error {
			_, err := ring.Seal(t.Context(), two.Fingerprint(), []byte("secret"), "row")
			return err
		},
		"page": func(ring *Keyring) error {
			if _, ok := ring.Pages().Open(two.PageTokens().Seal([]byte("position"), nil), nil); !ok {
				return missing
			}
			return nil
		},
	} {
		ring := newRing()
		for range 2 {
			if err := use(ring); !errors.Is(err, missing) {
				t.Errorf("%s: without the key the error is %v", name, err)
			}
			time.Sleep(pagesLookEvery) // of the bubble's clock
		}
		if len(asked) != 2 || (name == "seal") != bytes.Equal(asked[0], two.Fingerprint()) {
			t.Errorf("%s: asked for %x", name, asked)
		}
		found = &two
		for range 2 {
			if err := use(ring); err != nil {
				t.Errorf("%s: with the key the error is %v", name, err)
			}
		}
		if len(asked) != 3 {
			t.Errorf("%s: asked %d times", name, len(asked))
		}
		openAll(t, ring, one, two)
		sealsUnder(t, ring, nil, two)
		found = &one // nothing new: what does not open does not
		if _, err := ring.Open(t.Context(), sealed, "another row"); err == nil || errors.Is(err, missing) {
			t.Errorf("%s: another row opens: %v", name, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	ring := newRing()
	ring.turn <- struct{}{} // somebody else looks
	end()
	if _, err := ring.Open(ended, sealed, "row"); !errors.Is(err, context.Canceled) {
		t.Errorf("who left waits: %v", err)
	}
}

// Anybody can send page tokens that no key made: they have a key looked for once
// a second, however many they are.
func TestKeyringLooksForPagesSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := NewMasterKey(), NewMasterKey()
		present, asked := one, 0
		ring := NewKeyring(one, func(context.Context, []byte) (MasterKey, error) {
			asked++
			return present, nil
		})
		stranger := NewMasterKey().PageTokens().Seal([]byte("position"), nil)
		opens := func(token string) bool {
			_, ok := ring.Pages().Open(token, nil)
			return ok
		}
		for second := 1; second <= 3; second++ {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if opens(stranger) {
						t.Error("the page token of a stranger is known")
					}
				})
			}
			all.Wait()
			if asked != second {
				t.Errorf("in second %d a key was looked for %d times", second, asked)
			}
			time.Sleep(pagesLookEvery) // of the bubble's clock
		}
		// The key of another process is found beside them.
		present = two
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { opens(stranger) })
			all.Go(func() {
				if !opens(two.PageTokens().Seal([]byte("position"), nil)) {
					t.Error("the page token of the new key is not known")
				}
			})
		}
		all.Wait()
		// What is sealed is none of anybody's: its key is looked for at once.
		asked = 0
		sealed, err := NewMasterKey().Seal([]byte("secret"), "row")
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := ring.Open(t.Context(), sealed, "row"); err == nil {
				t.Error("what a stranger sealed opens")
			}
		}
		if asked != 3 {
			t.Errorf("the key of a sealed value was looked for %d times", asked)
		}
	})
}

// Callers seal and open while keys take the place of others.
func TestKeyringAtOnce(t *testing.T) {
	keys := make([]MasterKey, 20)
	for i := range keys {
		keys[i] = NewMasterKey()
	}
	ring := NewKeyring(keys[0], nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				sealed, err := ring.Seal(t.Context(), nil, []byte("secret"), "row")
				if err != nil {
					t.Error(err)
				}
				if _, err := ring.Open(t.Context(), sealed, "row"); err != nil {
					t.Error(err)
				}
				if _, ok := ring.Pages().Open(ring.Pages().Seal([]byte("position"), nil), nil); !ok {
					t.Error("a page token was not known")
				}
			}
		})
	}
	for _, key := range keys {
		ring.Add(key)
		ring.Take(key)
	}
	all.Wait()
	openAll(t, ring, keys...)
}
