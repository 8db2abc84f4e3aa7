package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

// The first call.
func ExampleNew() {
	ctx := context.Background()
	c, err := client.New(ctx, serverURL, client.WithKeyFile(ownerKeyFile))
	if err != nil {
		log.Fatal(err)
	}
	me, err := c.Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("I am", me.GetUser().GetPreferredLoginName())
	// Output: I am owner
}

// A list is read to its end; the limit is the size of a page.
func ExampleAll() {
	ctx := context.Background()
	c, err := client.New(ctx, serverURL, client.WithKeyFile(ownerKeyFile))
	if err != nil {
		log.Fatal(err)
	}
	request := &managementv1.ListUsersRequest{Query: &zitadelv1.ListQuery{Limit: 2}}
	for user, err := range client.All(ctx, c.Management.ListUsers, request) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.GetUserName())
	}
	// Output:
	// ada
	// grace
	// owner
}

// An error is asked for its kind, or for all that it tells.
func ExampleError() {
	ctx := context.Background()
	c, err := client.New(ctx, serverURL, client.WithKeyFile(ownerKeyFile))
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Management.AddMachineUser(ctx, &managementv1.AddMachineUserRequest{UserName: "worker"})
	if errors.Is(err, client.AlreadyExists) {
		fmt.Println("there is one of that name")
	}
	var e *client.Error
	if errors.As(err, &e) {
		fmt.Println(e.Code, e.ID)
		for _, v := range e.Violations {
			fmt.Println(v.Field, v.Rule)
		}
	}
	// Output:
	// invalid_argument request.invalid
	// name string.min_len
}

// One call in another organization than the caller's own.
func ExampleInOrganization() {
	ctx := context.Background()
	c, err := client.New(ctx, serverURL, client.WithKeyFile(ownerKeyFile))
	if err != nil {
		log.Fatal(err)
	}
	there, err := c.Management.GetMyOrg(client.InOrganization(ctx, "228012210398430209"), &managementv1.GetMyOrgRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(there.GetOrg().GetId())
	// Output: 228012210398430209
}
