package id

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// findTimeout bounds the search for a key that nobody with a deadline waits for.
const findTimeout = 5 * time.Second

// pagesLookEvery is how often a key is looked for that made a page token:
// anybody can send tokens that none made.
const pagesLookEvery = time.Second

// Keyring has the master keys that an installation goes by while one takes the
// place of another. The present one seals; it opens what any of them sealed. It
// is safe for concurrent use.
type Keyring struct {
	find func(ctx context.Context, fingerprint []byte) (MasterKey, error)
	keys atomic.Pointer[[]heldKey] // the present one first
	turn chan struct{}             // held by who changes keys
	// pagesLook is when a key was last looked for that made a page token. Its
	// holder holds the turn.
	pagesLook time.Time
}

// heldKey is a key with what is derived of it over and over.
type heldKey struct {
	MasterKey
	fingerprint []byte
	pages       PageTokens
}

func hold(key MasterKey) heldKey {
	return heldKey{MasterKey: key, fingerprint: key.Fingerprint(), pages: key.PageTokens()}
}

// NewKeyring returns a ring with one key. find is asked for the key with a
// fingerprint, or without one for the key that is the present one now, when
// the ring has none that fits: another process may have changed it. It may be
// nil.
func NewKeyring(present MasterKey, find func(ctx context.Context, fingerprint []byte) (MasterKey, error)) *Keyring {
	k := &Keyring{find: find, turn: make(chan struct{}, 1)}
	k.keys.Store(&[]heldKey{hold(present)})
	return k
}

// Add lets the ring open what the key sealed, before the key is the present one.
func (k *Keyring) Add(key MasterKey) {
	k.turn <- struct{}{}
	defer func() { <-k.turn }()
	k.put(key, false)
}

// Take makes the key the present one. The ring keeps the former ones.
func (k *Keyring) Take(key MasterKey) {
	k.turn <- struct{}{}
	defer func() { <-k.turn }()
	k.put(key, true)
}

// put adds a key, in front if it is the present one. The turn is held.
func (k *Keyring) put(key MasterKey, present bool) {
	var others []heldKey
	for _, held := range *k.keys.Load() {
		if held.MasterKey != key {
			others = append(others, held)
		} else if !present {
			return
		}
	}
	keys := append(others, hold(key))
	if present {
		keys = append([]heldKey{hold(key)}, others...)
	}
	k.keys.Store(&keys)
}

// Seal encrypts secret as MasterKey.Seal does, under the key with the
// fingerprint, which is the one that the database goes by when the value is
// written. Without a fingerprint it is the present key. It returns the error of
// find if there is no such key.
func (k *Keyring) Seal(ctx context.Context, fingerprint, secret []byte, boundTo string) ([]byte, error) {
	look := func() (MasterKey, error) { return k.find(ctx, fingerprint) }
	return k.tryAll(ctx, look, func(key heldKey) ([]byte, error) {
		if fingerprint != nil && !bytes.Equal(key.fingerprint, fingerprint) {
			return nil, errors.New("id: the master key of the database is missing")
		}
		return key.Seal(secret, boundTo)
	})
}

// Open decrypts what Seal returned, whichever of the keys sealed it. It fails
// as MasterKey.Open does, and with the error of find if there may be another
// key that cannot be had.
func (k *Keyring) Open(ctx context.Context, sealed []byte, boundTo string) ([]byte, error) {
	look := func() (MasterKey, error) { return k.find(ctx, nil) }
	return k.tryAll(ctx, look, func(key heldKey) ([]byte, error) { return key.Open(sealed, boundTo) })
}

// tryAll returns what use returns with the first key that it succeeds with. If
// there is none, another one is looked for.
func (k *Keyring) tryAll(ctx context.Context, find func() (MasterKey, error), use func(heldKey) ([]byte, error)) (result []byte, err error) {
	for tried := 0; ; {
		keys := *k.keys.Load()
		for _, key := range keys {
			if result, err = use(key); err == nil {
				return result, nil
			}
		}
		if len(keys) == tried {
			return nil, err // nobody has another key
		}
		tried = len(keys)
		if missing := k.look(ctx, find, tried); missing != nil {
			return nil, missing
		}
	}
}

// look asks for a key and takes it as the present one. It asks for nothing if
// the ring has more keys by now than were tried.
func (k *Keyring) look(ctx context.Context, find func() (MasterKey, error), tried int) error {
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if k.find == nil || len(*k.keys.Load()) != tried {
		return nil
	}
	key, err := find()
	if err == nil {
		k.put(key, true)
	}
	return err
}

// Pages returns what makes page tokens under the present key, and reads those
// that any key of the ring made.
func (k *Keyring) Pages() KeyringPages { return KeyringPages{ring: k} }

// KeyringPages makes and reads page tokens.
type KeyringPages struct{ ring *Keyring }

// Seal is PageTokens.Seal under the present key.
func (p KeyringPages) Seal(position, boundTo []byte) string {
	return (*p.ring.keys.Load())[0].pages.Seal(position, boundTo)
}

// errNoPageToken says that a key has not made a token.
var errNoPageToken = errors.New("id: not a page token of this key")

// errLooked says that a key was looked for just now.
var errLooked = errors.New("id: the key of a page token was looked for just now")

// Open is PageTokens.Open with each of the keys. While tokens come that none of
// them made, one that another process makes under a new key may be unknown for
// pagesLookEvery.
func (p KeyringPages) Open(token string, boundTo []byte) (position []byte, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), findTimeout)
	defer cancel()
	look := func() (MasterKey, error) {
		if time.Since(p.ring.pagesLook) < pagesLookEvery {
			return MasterKey{}, errLooked
		}
		defer func() { p.ring.pagesLook = time.Now() }()
		return p.ring.find(ctx, nil)
	}
	position, err := p.ring.tryAll(ctx, look, func(key heldKey) ([]byte, error) {
		if position, ok := key.pages.Open(token, boundTo); ok {
			return position, nil
		}
		return nil, errNoPageToken
	})
	return position, err == nil
}
