package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

// A list asks for no page that nobody looks at.
func TestAllStops(t *testing.T) {
	pages := 0
	list := func(ctx context.Context, r *managementv1.ListUsersRequest) (*managementv1.ListUsersResponse, error) {
		c, err := client.New(ctx, serverURL, client.WithToken("t"))
		if err != nil {
			return nil, err
		}
		pages++
		return c.Management.ListUsers(ctx, r)
	}
	var got []string
	for user, err := range client.All(t.Context(), list, &managementv1.ListUsersRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, user.GetUserName()); len(got) == 2 {
			break
		}
	}
	if pages != 1 || !slices.Equal(got, []string{"ada", "grace"}) {
		t.Errorf("%d pages, %q", pages, got)
	}
}

// An error comes once, behind what was read before it.
func TestAllEndsWithAnError(t *testing.T) {
	c, err := client.New(t.Context(), serverURL, client.WithToken("t"))
	if err != nil {
		t.Fatal(err)
	}
	pages := 0
	list := func(ctx context.Context, r *managementv1.ListUsersRequest) (*managementv1.ListUsersResponse, error) {
		if pages++; pages > 1 {
			return nil, fail(connect.CodeInternal)
		}
		return c.Management.ListUsers(ctx, r)
	}
	var users []*userv1.User
	var errs []error
	for user, err := range client.All(t.Context(), list, &managementv1.ListUsersRequest{}) {
		users, errs = append(users, user), append(errs, err)
	}
	if len(users) != 3 || users[2] != nil || errs[0] != nil || errs[1] != nil || connect.CodeOf(errs[2]) != connect.CodeInternal {
		t.Errorf("users %v, errors %v", users, errs)
	}
}

// What becomes of the request while the list is read changes nothing.
func TestAllKeepsItsRequest(t *testing.T) {
	c, err := client.New(t.Context(), serverURL, client.WithToken("t"))
	if err != nil {
		t.Fatal(err)
	}
	request := &managementv1.ListUsersRequest{SortingColumn: userv1.UserFieldName_USER_FIELD_NAME_USER_NAME}
	list := func(ctx context.Context, r *managementv1.ListUsersRequest) (*managementv1.ListUsersResponse, error) {
		if r.GetSortingColumn() == 0 {
			return nil, errors.New("the request has changed")
		}
		return c.Management.ListUsers(ctx, r)
	}
	for _, err := range client.All(t.Context(), list, request) {
		if err != nil {
			t.Fatal(err)
		}
		request.SortingColumn = 0
	}
}
