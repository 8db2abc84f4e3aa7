// Command search lists the members of an instance whose e-mail address has a
// text in it, the newest first:
//
//	go run ./search @example.com
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	memberv1 "github.com/bastide-id/bastide/gen/zitadel/member/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/sdk/go/client"
)

func main() {
	ctx := context.Background()
	url := cmp.Or(os.Getenv("BASTIDE_URL"), "http://localhost:8080")
	data := cmp.Or(os.Getenv("BASTIDE_DATA_DIR"), "bastide-data")
	if len(os.Args) != 2 {
		log.Fatal("give a part of the addresses to search for")
	}

	c, err := client.New(ctx, url, client.WithTokenFile(data+"/owner.pat"))
	if err != nil {
		log.Fatal(err)
	}
	request := &adminv1.ListIAMMembersRequest{
		Query:         &zitadelv1.ListQuery{Limit: 100}, // in a page; All asks for the next one
		SortingColumn: memberv1.MemberFieldColumnName_MEMBER_FIELD_NAME_CREATION_DATE,
		Queries: []*memberv1.SearchQuery{{Query: &memberv1.SearchQuery_EmailQuery{EmailQuery: &memberv1.EmailQuery{
			Email:  os.Args[1],
			Method: zitadelv1.TextQueryMethod_TEXT_QUERY_METHOD_CONTAINS_IGNORE_CASE,
		}}}},
	}
	for member, err := range client.All(ctx, c.Admin.ListIAMMembers, request) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(member.GetDisplayName(), member.GetEmail(), member.GetRoles())
	}
}
