package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/caller"
	directory "github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/token"
)

// revoke takes back a token (RFC 7009). What the token is need not be said: a
// hint is not needed to find it.
func (e *endpoints) revoke(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	if err == nil {
		err = e.takeBack(r.Context(), tokenRequest{http: r, form: form})
	}
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// takeBack revokes the token of a request. It does not tell whether there was
// one (RFC 7009, 2.2).
func (e *endpoints) takeBack(ctx context.Context, r tokenRequest) error {
	c, err := e.revoker(ctx, r)
	if err != nil {
		return err
	}
	text, err := parameter(r.form, "token")
	if err != nil {
		return err
	}
	if c.UserKey != 0 {
		ctx = caller.With(ctx, caller.Caller{Kind: caller.User, ID: c.ID, PrimaryKey: c.UserKey, OrganizationID: c.OrganizationID})
	}
	err = e.tokens.Revoke(ctx, text, c)
	if errors.Is(err, fault.Unauthenticated) {
		err = unauthenticated("the token was got with a secret: whoever takes it back authenticates")
	}
	return err
}

// revoker returns who takes back a token. One that has nothing to authenticate
// with names itself by client_id (RFC 7009, 2.1, and RFC 6749, 3.2.1): then the
// token is all the proof there is, and all that ends.
func (e *endpoints) revoker(ctx context.Context, r tokenRequest) (token.Client, error) {
	clientID := r.form.Get("client_id")
	for _, proof := range []string{r.http.Header.Get("Authorization"), r.form.Get("client_secret"), r.form.Get("client_assertion")} {
		if proof != "" {
			clientID = ""
		}
	}
	if clientID == "" {
		return e.client(ctx, r)
	}
	c := token.Client{ID: clientID}
	if !isID(clientID) {
		return c, nil
	}
	row, err := e.store.Read().Application.Query().Where(application.ClientID(clientID)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return e.user(ctx, c)
	case err != nil:
		return c, err
	case row.Kind != application.KindOidc || row.AuthMethod != directory.OIDCNone:
		return c, unauthenticated("the client has to authenticate")
	}
	c.ApplicationKey = row.ID
	return c, nil
}

// user completes a client that may be a machine user. One who asks is not told
// whether it is.
func (e *endpoints) user(ctx context.Context, c token.Client) (token.Client, error) {
	u, err := e.store.Read().User.Query().Where(user.UserID(c.ID)).
		Select(user.FieldID, user.FieldResourceOwner).Only(ctx)
	if ent.IsNotFound(err) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	c.UserKey, c.OrganizationID = u.ID, u.ResourceOwner
	return c, nil
}

func unauthenticated(description string) error {
	return &refusal{status: http.StatusUnauthorized, code: invalidClient, description: description}
}
