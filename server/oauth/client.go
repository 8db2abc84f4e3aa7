package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	entapplication "github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
	"github.com/bastide-id/bastide/server/token"
)

// authMethods are the ways in which clients authenticate, and
// assertionAlgorithms those in which their assertions are signed.
var (
	authMethods         = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodPrivateKeyJWT}
	assertionAlgorithms = []string{string(jose.RS256)}
)

// Why a client is refused. The reasons are for the log only and repeat nothing
// of what was sent.
var (
	errNoProof     = errors.New("it sent no credentials")
	errHeader      = errors.New("the header Authorization is not of the scheme Basic, or malformed")
	errClientID    = errors.New("the client id is too long")
	errMethod      = errors.New("its authentication method is another one")
	errOtherClient = errors.New("the parameter client_id names another client")
)

// client returns who authenticated: a machine user with its secret, or an
// application with its secret or a key (RFC 6749, 2.3, and RFC 7523, 2.2).
//
// It returns a refusal with the code invalid_client and the status 401, which
// does not tell what was wrong, and one with the code invalid_request for
// credentials that are incomplete or come in more than one way.
func (e *endpoints) client(ctx context.Context, r tokenRequest) (token.Client, error) {
	c, err := e.authenticate(ctx, r)
	bad := fault.ClientInvalid.With()
	if errors.Is(err, bad) || errors.Is(err, fault.AssertionInvalid.With()) {
		e.log.InfoContext(ctx, "a client was refused", "reason", errors.Unwrap(err))
		return token.Client{}, &refusal{
			status: http.StatusUnauthorized, code: invalidClient, description: bad.Message(),
			// RFC 9110, 15.5.2, wants one with every 401.
			challenge: `Basic realm="` + caller.InstanceOf(ctx).Origin + `", charset="UTF-8"`,
		}
	}
	return c, err
}

// authenticate returns who authenticated, or fault.ClientInvalid,
// fault.AssertionInvalid or a refusal.
func (e *endpoints) authenticate(ctx context.Context, r tokenRequest) (token.Client, error) {
	headers, clientID := r.http.Header.Values("Authorization"), r.form.Get("client_id")
	byAssertion := r.form.Get("client_assertion") != "" || r.form.Get("client_assertion_type") != ""
	secret := r.form.Get("client_secret")
	if len(headers) == 1 && secret != "" && isSame(headers[0], clientID, secret) {
		secret = ""
	}
	ways := len(headers)
	for _, used := range []bool{byAssertion, secret != ""} {
		if used {
			ways++
		}
	}
	switch {
	case ways > 1: // RFC 6749, 2.3
		return token.Client{}, &refusal{code: invalidRequest, description: "the client must authenticate in one way, not in several"}
	case byAssertion:
		return e.byAssertion(ctx, r)
	case secret != "":
		if _, err := parameter(r.form, "client_id"); err != nil {
			return token.Client{}, err
		}
		return e.bySecret(ctx, clientID, secret)
	case ways == 0:
		return token.Client{}, fault.ClientInvalid.With().Because(errNoProof)
	}
	named, secret, ok := parseBasic(headers[0])
	switch {
	case !ok:
		return token.Client{}, fault.ClientInvalid.With().Because(errHeader)
	case clientID != "" && clientID != named:
		return token.Client{}, fault.ClientInvalid.With().Because(errOtherClient)
	}
	return e.bySecret(ctx, named, secret)
}

// isSame reports whether the header has the very credentials of the body:
// published clients send them twice, and mean one way.
func isSame(header, clientID, secret string) bool {
	named, proof, ok := parseBasic(header)
	return ok && named == clientID && proof == secret
}

// bySecret returns the client with the id and the secret. The kind of the secret
// decides where it is looked for, so that no name of a machine user can stand for
// an application.
func (e *endpoints) bySecret(ctx context.Context, clientID, secret string) (token.Client, error) {
	if !isClientID(clientID) {
		return token.Client{}, fault.ClientInvalid.With().Because(errClientID)
	}
	if kind, _ := id.SecretKindOf(secret); kind == id.MachineSecret {
		return e.machine(ctx, clientID, secret)
	}
	c, err := e.tokens.ApplicationBySecret(ctx, clientID, secret)
	if err != nil {
		return token.Client{}, err
	}
	return configured(c, application.TakesSecret)
}

// machine returns the machine user with the secret. Its client id is its user
// id, or a login name, which need not be of one user: whose secret it is decides.
// As many are looked at when none is there, so that the time does not tell.
func (e *endpoints) machine(ctx context.Context, clientID, secret string) (token.Client, error) {
	c, err := e.tokens.MachineBySecret(ctx, clientID, secret)
	if !errors.Is(err, fault.ClientInvalid.With()) {
		return c, err
	}
	named, err := user.IDsByLoginName(ctx, e.store, clientID)
	if err != nil {
		return token.Client{}, err
	}
	for _, userID := range named {
		if c, err = e.tokens.MachineBySecret(ctx, userID, secret); !errors.Is(err, fault.ClientInvalid.With()) {
			c.Presented = clientID
			return c, err
		}
	}
	return token.Client{}, err
}

// byAssertion returns the application that signed the client_assertion. It may be
// for the issuer, for the token endpoint or for the endpoint that was called
// (RFC 7523, 3).
func (e *endpoints) byAssertion(ctx context.Context, r tokenRequest) (token.Client, error) {
	kind, err := parameter(r.form, "client_assertion_type")
	if err != nil {
		return token.Client{}, err
	}
	assertion, err := parameter(r.form, "client_assertion")
	if err != nil {
		return token.Client{}, err
	}
	if kind != oidc.ClientAssertionTypeJWTAssertion {
		return token.Client{}, &refusal{code: invalidRequest, description: "the client_assertion_type must be " + oidc.ClientAssertionTypeJWTAssertion}
	}
	issuer := caller.InstanceOf(ctx).Origin
	c, err := e.tokens.ApplicationByAssertion(ctx, assertion, []string{issuer, issuer + TokenPath, issuer + r.http.URL.Path})
	if err != nil {
		return token.Client{}, err
	}
	if named := r.form.Get("client_id"); named != "" && named != c.ID { // RFC 7521, 4.2
		return token.Client{}, fault.ClientInvalid.With().Because(errOtherClient)
	}
	return configured(c, application.TakesKey)
}

// configured returns an application that authenticated in a way that its
// configuration has, with what follows from it, else fault.ClientInvalid.
func configured(c token.Client, takes func(entapplication.Kind, int32) bool) (token.Client, error) {
	if !takes(c.Kind, c.AuthMethod) {
		return token.Client{}, fault.ClientInvalid.With().Because(errMethod)
	}
	if c.Kind != entapplication.KindOidc {
		return c, nil
	}
	var err error
	c.JWT, err = application.TokensAreJWT(c.Settings)
	return c, err
}
