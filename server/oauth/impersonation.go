package oauth

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/membership"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
)

const (
	// maxActors is how many actors a token names at most.
	maxActors = 5
	// maxID is how many characters an id has at most.
	maxID = 200
)

// isID reports whether a text can be an id. A database does not take every text.
func isID(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0) && utf8.RuneCountInString(text) <= maxID
}

// errDenied is the one answer to whoever may not impersonate a user: it does not
// tell whether there is one.
var errDenied = &refusal{code: invalidRequest, description: "there is no active user of the subject_token whom the actor may impersonate"}

// named returns the active user with an id, and nobody if there is none.
func (e *endpoints) named(ctx context.Context, userID string) (subject, error) {
	if !isID(userID) {
		return subject{}, nil
	}
	u, err := e.store.Read().User.Query().
		Where(user.UserID(userID), user.StateEQ(user.StateActive), user.HasOrganizationWith(organization.StateEQ(organization.StateActive))).
		Select(user.FieldID, user.FieldUserID, user.FieldResourceOwner).Only(ctx)
	if ent.IsNotFound(err) {
		return subject{}, nil
	}
	if err != nil {
		return subject{}, err
	}
	return subject{key: u.ID, id: u.UserID, organizationID: u.ResourceOwner}, nil
}

// object returns what changes of the user count on.
func (s subject) object() store.Object {
	return store.UserObject(&ent.User{ID: s.key, UserID: s.id, ResourceOwner: s.organizationID})
}

// checkImpersonates returns a refusal when the actor may not act as the subject,
// or when there is no actor and no token of the subject either.
func (e *endpoints) checkImpersonates(ctx context.Context, x exchange) error {
	if x.actor == nil {
		if x.subject.token == nil {
			return &refusal{code: invalidRequest, description: "a subject_token that is the id of a user takes an actor_token"}
		}
		return nil
	}
	may, err := membership.MayImpersonate(ctx, e.store, x.actor.UserID, x.subject.key, x.subject.organizationID, x.actor.Caller().ConfinedTo)
	if err == nil && (!may || x.subject.key == 0) {
		err = errDenied
	}
	return err
}

// act returns the claim `act` of the new token: the actor, and within it whoever
// acts for the subject already (RFC 8693, 4.1). It is nil where nobody does.
func (x exchange) act(issuer string) (json.RawMessage, error) {
	var earlier json.RawMessage
	if x.subject.token != nil {
		earlier = x.subject.token.Actor
	}
	if x.actor == nil {
		return earlier, nil
	}
	actor := &oidc.ActorClaims{Issuer: issuer, Subject: x.actor.UserID}
	if earlier != nil {
		before, err := token.ReadActor(earlier)
		if err != nil {
			return nil, err
		}
		actor.Actor = before
	}
	depth := 0
	for a := actor; a != nil; a = a.Actor {
		depth++
	}
	if depth > maxActors {
		return nil, &refusal{code: invalidRequest, description: "the user of the subject_token is impersonated through too many others"}
	}
	return json.Marshal(actor)
}

// lockInOrder locks users by their primary keys in ascending order, so that two
// who impersonate each other do not wait for each other.
func lockInOrder(ctx context.Context, tx *store.Tx, users map[int64]store.Object) error {
	for _, key := range slices.Sorted(maps.Keys(users)) {
		if err := tx.Lock(ctx, users[key]); err != nil {
			return err
		}
	}
	return nil
}
