package management_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

func TestAddPersonalAccessToken(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, other := s.NewInstance(t, "acme"), s.NewInstance(t, "other")
		robot, changes := i.NewMachine(t, "robot"), uint64(1)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			got := servertest.OK(c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: robot}))(t)
			s.Equal(t, got, &managementv1.AddPersonalAccessTokenResponse{
				TokenId: got.GetTokenId(), Token: got.GetToken(), Details: details(changes, i.OrganizationID),
			})
			me := servertest.OK(s.As(got.GetToken()).On(i.Domain).Auth.GetMyUser(t.Context(), nil))(t).GetUser()
			if len(got.GetTokenId()) != 18 || me.GetId() != robot {
				t.Errorf("the token has the id %q and is that of %s", got.GetTokenId(), me.GetId())
			}
			for _, id := range []string{"unknown", other.OwnerID} {
				_, err := c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: id})
				servertest.Refused(t, err, connect.CodeNotFound, "object.unknown")
			}
		})
	})
}

// A token is good until it expires, and not a moment longer.
func TestTokenExpires(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		first := s.First(t)
		robot := first.NewMachine(t, "robot")
		expiring := func(in time.Duration) (*servertest.Caller, error) {
			made, err := first.Owner.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{
				UserId: robot, ExpirationDate: timestamppb.New(s.Clock.Now().Add(in)),
			})
			return s.As(made.GetToken()), err
		}
		_, err := expiring(-time.Second)
		servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		short, err := expiring(10 * time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		servertest.OK(short.Auth.GetMyUser(t.Context(), nil))(t)
		s.Clock.Advance(10 * time.Minute)
		_, err = short.Auth.GetMyUser(t.Context(), nil)
		servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
		servertest.OK(first.Owner.Auth.GetMyUser(t.Context(), nil))(t)
	})
}

// addToken gives a machine user a personal access token.
func addToken(t *testing.T, c *servertest.Caller, userID string, expires *timestamppb.Timestamp) *managementv1.AddPersonalAccessTokenResponse {
	t.Helper()
	return servertest.OK(c.Management.AddPersonalAccessToken(t.Context(), &managementv1.AddPersonalAccessTokenRequest{UserId: userID, ExpirationDate: expires}))(t)
}

func TestGetPersonalAccessTokenByIDs(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, another := i.NewMachine(t, "robot"), i.NewMachine(t, "another")
		expires := timestamppb.New(time.Date(2051, 6, 7, 8, 9, 10, 0, time.UTC))
		expiring, forever := addToken(t, i.Owner, robot, expires), addToken(t, i.Owner, robot, nil)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.Management.GetPersonalAccessTokenByIDs(t.Context(), &managementv1.GetPersonalAccessTokenByIDsRequest{UserId: robot, TokenId: expiring.GetTokenId()}))(t)
			until(t, &got.Token.ExpirationDate, expires.AsTime())
			s.Equal(t, got, &managementv1.GetPersonalAccessTokenByIDsResponse{Token: &userv1.PersonalAccessToken{
				Id: expiring.GetTokenId(), Details: details(2, i.OrganizationID),
				Scopes: []string{"openid", "urn:zitadel:iam:org:project:id:zitadel:aud"},
			}})
			got = servertest.OK(c.Management.GetPersonalAccessTokenByIDs(t.Context(), &managementv1.GetPersonalAccessTokenByIDsRequest{UserId: robot, TokenId: forever.GetTokenId()}))(t)
			until(t, &got.Token.ExpirationDate, never)
			_, err := c.Management.GetPersonalAccessTokenByIDs(t.Context(), &managementv1.GetPersonalAccessTokenByIDsRequest{UserId: another, TokenId: forever.GetTokenId()})
			servertest.Refused(t, err, connect.CodeNotFound, "user.token_unknown")
		})
	})
}

func TestListPersonalAccessTokens(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, another := i.NewMachine(t, "robot"), i.NewMachine(t, "another")
		addToken(t, i.Owner, another, nil)
		var made []string
		for range 3 {
			made = append(made, addToken(t, i.Owner, robot, timestamppb.New(s.Clock.Now().Add(time.Minute))).GetTokenId())
		}
		s.Clock.Advance(2 * time.Minute) // expired ones are listed too
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			checkPages(t, made, func(query *zitadelv1.ListQuery) (ids []string, total uint64) {
				got := servertest.OK(c.Management.ListPersonalAccessTokens(t.Context(), &managementv1.ListPersonalAccessTokensRequest{UserId: robot, Query: query}))(t)
				for _, token := range got.GetResult() {
					ids = append(ids, token.GetId())
				}
				return ids, got.GetDetails().GetTotalResult()
			})
			_, err := c.Management.ListPersonalAccessTokens(t.Context(), &managementv1.ListPersonalAccessTokensRequest{UserId: robot, Query: &zitadelv1.ListQuery{Limit: 1001}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "list.limit")
		})
	})
}

func TestRemovePersonalAccessToken(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		robot, another, changes := i.NewMachine(t, "robot"), i.NewMachine(t, "another"), uint64(1)
		i.Owner.EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes += 3
			token, stays := addToken(t, c, robot, nil), addToken(t, c, robot, nil)
			removed, other := s.As(token.GetToken()).On(i.Domain), s.As(stays.GetToken()).On(i.Domain)
			request := &managementv1.RemovePersonalAccessTokenRequest{UserId: another, TokenId: token.GetTokenId()}
			_, err := c.Management.RemovePersonalAccessToken(t.Context(), request)
			servertest.Refused(t, err, connect.CodeNotFound, "user.token_unknown")
			servertest.OK(removed.Auth.GetMyUser(t.Context(), nil))(t)

			request.UserId = robot
			got := servertest.OK(c.Management.RemovePersonalAccessToken(t.Context(), request))(t)
			s.Equal(t, got, &managementv1.RemovePersonalAccessTokenResponse{Details: details(changes, i.OrganizationID)})
			if !got.GetDetails().GetCreationDate().AsTime().Equal(token.GetDetails().GetCreationDate().AsTime()) {
				t.Error("the token was created at another time")
			}
			_, err = c.Management.RemovePersonalAccessToken(t.Context(), request)
			servertest.Refused(t, err, connect.CodeNotFound, "user.token_unknown")
			_, err = removed.Auth.GetMyUser(t.Context(), nil)
			servertest.Refused(t, err, connect.CodeUnauthenticated, "auth.token_invalid")
			servertest.OK(other.Auth.GetMyUser(t.Context(), nil))(t)
		})
	})
}
