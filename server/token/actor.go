package token

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bastide-id/bastide/server/fault"
)

// checkActor returns fault.TokenInvalid for a token with which somebody acts for
// the user who may not any more: whoever acts was deactivated or lost the role,
// or the user got one that is out of the actor's reach. It is asked at each use,
// as the rights of other callers are. Who acted before does not count (RFC 8693,
// 4.1). It sets who acts.
func (t *Tokens) checkActor(ctx context.Context, b *Bearer) error {
	if b.Actor == nil {
		return nil
	}
	if t.mayImpersonate == nil || b.UserKey == 0 {
		return fault.TokenInvalid.With()
	}
	actor, err := ReadActor(b.Actor)
	if err != nil {
		return err
	}
	b.actorID = actor.Subject
	may, err := t.mayImpersonate(ctx, b.actorID, b.UserKey, b.OrganizationID)
	if err == nil && !may {
		err = fault.TokenInvalid.With()
	}
	return err
}

// ReadActor returns the claim `act` of a token: who acts, and who did before.
func ReadActor(claim json.RawMessage) (*oidc.ActorClaims, error) {
	actor := new(oidc.ActorClaims)
	if err := json.Unmarshal(claim, actor); err != nil {
		return nil, fmt.Errorf("token: the actor of a token cannot be read: %w", err)
	}
	return actor, nil
}
