// Command tenant creates a tenant, and uses its owner's key at once:
//
//	go run ./tenant acme
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("give the name of the tenant")
	}
	ctx, name := context.Background(), os.Args[1]
	url := cmp.Or(os.Getenv("BASTIDE_URL"), "http://localhost:8080")
	data := cmp.Or(os.Getenv("BASTIDE_DATA_DIR"), "bastide-data")

	system, err := client.New(ctx, url, client.WithSystemKey("system", data+"/system.key.pem"))
	if err != nil {
		log.Fatal(err)
	}
	made, err := system.System.CreateInstance(ctx, &systemv1.CreateInstanceRequest{
		InstanceName: name,
		CustomDomain: name + ".localhost",
		Owner: &systemv1.CreateInstanceRequest_Machine_{Machine: &systemv1.CreateInstanceRequest_Machine{
			UserName:   "owner",
			Name:       "Owner",
			MachineKey: &systemv1.CreateInstanceRequest_MachineKey{Type: authnv1.KeyType_KEY_TYPE_JSON},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}

	// The key is shown this once: store it where secrets are kept.
	owner, err := client.New(ctx, url, client.WithHost(name+".localhost"), client.WithKey(made.GetMachineKey()))
	if err != nil {
		log.Fatal(err)
	}
	me, err := owner.Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Instance", made.GetInstanceId(), "belongs to", me.GetUser().GetPreferredLoginName())
}
