// Package token issues and verifies what callers prove themselves with:
// personal access tokens, machine keys, access tokens and the tokens that
// system users sign themselves. It also keeps the keys that sign ID tokens
// and access tokens.
package token

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"log/slog"
	"time"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/store"
)

const (
	// ScopeOpenID asks for an ID token.
	ScopeOpenID = "openid"
	// ScopeAPI makes an access token good for the APIs.
	ScopeAPI = "urn:zitadel:iam:org:project:id:zitadel:aud"
	// ScopeOrganization, with the id of an organization, confines an access token
	// to it.
	ScopeOrganization = "urn:zitadel:iam:org:id:"
)

// Options say what Tokens work with.
type Options struct {
	// Store keeps the tokens, and is the clock.
	Store *store.Store
	// MasterKey seals the signing keys.
	MasterKey *id.Keyring
	// SystemUsers may sign their own tokens.
	SystemUsers []SystemUser
	// KeyPairs is how many RSA key pairs are made ahead: 0 means 8, a
	// negative number none.
	KeyPairs int
	// MayImpersonate reports whether the user with the id actorID may act as
	// another one of the instance of ctx, who has the primary key and belongs to
	// the organization. nil: nobody may.
	MayImpersonate func(ctx context.Context, actorID string, userKey int64, organizationID string) (bool, error)
	// Expect is told when something will have expired and can be swept: nil for
	// nobody.
	Expect func(at time.Time)
	// KeyLifetime is how long a signing key signs before RotateDue has another
	// one follow it: 0 means 90 days, a negative time for ever.
	KeyLifetime time.Duration
	// Log gets what no caller can be told; slog.Default if nil.
	Log *slog.Logger
}

// SystemUser is a caller of the configuration. It belongs to no instance.
type SystemUser struct {
	// Name is the issuer and the subject of its tokens.
	Name string
	// PublicKey verifies them: an *rsa.PublicKey of at least 2048 bits, an
	// *ecdsa.PublicKey on P-256, or an ed25519.PublicKey.
	PublicKey crypto.PublicKey
	// Memberships decide what it may do.
	Memberships []caller.Membership
}

// Tokens issues and verifies tokens. It is safe for concurrent use.
type Tokens struct {
	store       *store.Store
	masterKey   *id.Keyring
	systemUsers map[string]systemUser
	log         *slog.Logger
	pairs       *keyPairs
	lastUse     *lastUse
	// mayImpersonate is that of the Options.
	mayImpersonate func(ctx context.Context, actorID string, userKey int64, organizationID string) (bool, error)
	expect         func(at time.Time)
	// The queries of Bearer, and what they found.
	personal, access, signed *store.Lookup
	bearers                  *store.Cache[bearerKey, Bearer]
	clients                  *clients
	// What Issue and useOnce add.
	issuance    issuance
	use         *store.Insertion
	keyLifetime time.Duration
	// rotationBatch is how many keys RotateDue reads at once.
	rotationBatch int
	// The query of signer, and what it found.
	active  *store.Lookup
	signers *store.Cache[struct{}, signers]
}

// New returns Tokens that make no keys ahead and do not write down when tokens
// were used until Start. It returns an error if the store or the master key
// is missing, or a system user has no name, a name that is taken, or a key that verifies
// nothing.
func New(options Options) (*Tokens, error) {
	if options.Store == nil || options.MasterKey == nil {
		return nil, errors.New("token: the store or the master key is missing")
	}
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Expect == nil {
		options.Expect = func(time.Time) {}
	}
	users, err := systemUsers(options.SystemUsers)
	if err != nil {
		return nil, err
	}
	t := &Tokens{
		store:          options.Store,
		masterKey:      options.MasterKey,
		systemUsers:    users,
		log:            options.Log,
		pairs:          newKeyPairs(options.KeyPairs),
		lastUse:        newLastUse(options.Store, options.Log),
		expect:         options.Expect,
		personal:       personalLookup(options.Store),
		access:         accessLookup(options.Store),
		signed:         signedLookup(options.Store),
		clients:        newClients(options.Store),
		issuance:       newIssuance(options.Store),
		use:            useInsertion(options.Store),
		mayImpersonate: options.MayImpersonate,
		keyLifetime:    cmp.Or(options.KeyLifetime, DefaultKeyLifetime),
		rotationBatch:  defaultRotationBatch,
		active:         activeLookup(options.Store),
	}
	t.bearers = t.newBearers()
	t.signers = store.NewCache(t.store, t.findSigners, ent.TypeSigningKey, ent.TypeInstance)
	return t, nil
}

// Start begins the work in the background: making key pairs ahead, and writing
// down when tokens were last used. It is called once at most.
func (t *Tokens) Start() {
	t.pairs.start()
	t.lastUse.start()
}

// Close ends the work of Start and writes what is left to be written. The
// store has to be open still. It returns the error of that write.
func (t *Tokens) Close() error {
	t.pairs.close()
	return t.lastUse.close()
}
