package management

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/bastide-id/bastide/ent"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/v1/message"
)

// PersonalAccessTokens are the calls about the personal access tokens of
// machine users.
type PersonalAccessTokens struct {
	store  *store.Store
	tokens *token.Tokens
}

// AddPersonalAccessToken gives a machine user a token.
func (s PersonalAccessTokens) AddPersonalAccessToken(ctx context.Context, req *managementv1.AddPersonalAccessTokenRequest) (*managementv1.AddPersonalAccessTokenResponse, error) {
	pat, err := s.tokens.NewPersonalAccessToken(message.Expiry(req.GetExpirationDate()))
	if err != nil {
		return nil, err
	}
	_, change, err := onMachine(ctx, s.store, req.GetUserId(), pat.Save)
	if err != nil {
		return nil, err
	}
	return &managementv1.AddPersonalAccessTokenResponse{TokenId: pat.ID, Token: pat.Token, Details: message.Created(change)}, nil
}

// GetPersonalAccessTokenByIDs returns what is known of a token of a machine
// user; never the token itself.
func (s PersonalAccessTokens) GetPersonalAccessTokenByIDs(ctx context.Context, req *managementv1.GetPersonalAccessTokenByIDsRequest) (*managementv1.GetPersonalAccessTokenByIDsResponse, error) {
	u, err := user.Get(ctx, s.store.Read().User, req.GetUserId())
	if err != nil {
		return nil, err
	}
	row, err := token.PersonalAccessTokenOf(ctx, s.store.Read().PersonalAccessToken, u, req.GetTokenId())
	if err != nil {
		return nil, err
	}
	return &managementv1.GetPersonalAccessTokenByIDsResponse{Token: personalAccessTokenToProto(row, u)}, nil
}

// ListPersonalAccessTokens returns what is known of the tokens of a machine
// user.
func (s PersonalAccessTokens) ListPersonalAccessTokens(ctx context.Context, req *managementv1.ListPersonalAccessTokensRequest) (*managementv1.ListPersonalAccessTokensResponse, error) {
	details, rows, err := listOf(ctx, s.store, req, token.PersonalAccessTokensOf, personalAccessTokenToProto)
	return &managementv1.ListPersonalAccessTokensResponse{Details: details, Result: rows}, err
}

// RemovePersonalAccessToken takes a token from a machine user.
func (s PersonalAccessTokens) RemovePersonalAccessToken(ctx context.Context, req *managementv1.RemovePersonalAccessTokenRequest) (*managementv1.RemovePersonalAccessTokenResponse, error) {
	var row *ent.PersonalAccessToken
	_, change, err := onMachine(ctx, s.store, req.GetUserId(), func(ctx context.Context, tx *store.Tx, u *ent.User) (change store.Change, err error) {
		change, row, err = token.RemovePersonalAccessToken(ctx, tx, u, req.GetTokenId())
		return change, err
	})
	if err != nil {
		return nil, err
	}
	return &managementv1.RemovePersonalAccessTokenResponse{Details: message.Changed(change, row.CreatedAt)}, nil
}

func personalAccessTokenToProto(row *ent.PersonalAccessToken, of *ent.User) *userv1.PersonalAccessToken {
	return &userv1.PersonalAccessToken{
		Id:             row.TokenID,
		Details:        message.Details(row.Sequence, row.CreatedAt, row.ChangedAt, of.ResourceOwner),
		ExpirationDate: timestamppb.New(token.Expiry(row.ExpiresAt)),
		Scopes:         row.Scopes,
	}
}

// listOf answers a search for what a user has: keys or tokens.
func listOf[R, P any](
	ctx context.Context, s *store.Store,
	req interface {
		GetUserId() string
		GetQuery() *zitadelv1.ListQuery
	},
	list func(context.Context, *store.Store, *ent.User, store.Page) ([]R, uint64, error),
	toProto func(R, *ent.User) P,
) (*zitadelv1.ListDetails, []P, error) {
	u, err := user.Get(ctx, s.Read().User, req.GetUserId())
	if err != nil {
		return nil, nil, err
	}
	return message.List(ctx, s, req, func(page store.Page) ([]R, uint64, error) { return list(ctx, s, u, page) },
		func(row R) P { return toProto(row, u) })
}
