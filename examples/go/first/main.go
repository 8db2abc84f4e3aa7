// Command first makes the first call: who am I?
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

func main() {
	ctx := context.Background()
	url := cmp.Or(os.Getenv("BASTIDE_URL"), "http://localhost:8080")
	data := cmp.Or(os.Getenv("BASTIDE_DATA_DIR"), "bastide-data")

	c, err := client.New(ctx, url, client.WithKeyFile(data+"/owner.key.json"))
	if err != nil {
		log.Fatal(err)
	}
	me, err := c.Auth.GetMyUser(ctx, &authv1.GetMyUserRequest{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("I am", me.GetUser().GetPreferredLoginName())
}
