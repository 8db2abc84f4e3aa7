package main

import (
	"os"
	"strings"
	"testing"
)

func TestPageIsCurrent(t *testing.T) {
	const page = "../../docs/api-coverage.md"
	found, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	write(&want)
	if string(found) != want.String() {
		t.Errorf("%s is stale: go run ./tools/apicoverage > docs/api-coverage.md", page)
	}
	for _, part := range []string{
		"| GetMyUser | `GET /auth/v1/users/me` |  | nowhere: any user with a valid token, for itself |",
		"| GetInstance | `GET /system/v1/instances/{instance_id}` | `system.instance.read` | the system, or the instance of `instance_id` |",
		"- AddUserGrant: `project_grant_id`",
		"Unimplemented",
	} {
		if !strings.Contains(want.String(), part) {
			t.Errorf("the page does not say %q", part)
		}
	}
}
