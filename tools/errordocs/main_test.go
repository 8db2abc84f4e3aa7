package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestPageIsCurrent(t *testing.T) {
	const page = "../../docs/errors.md"
	found, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	write(&want)
	if string(found) != want.String() {
		t.Errorf("%s is stale: go run ./tools/errordocs > docs/errors.md", page)
	}
	for _, line := range []string{
		"| `user.name_taken` | already_exists | 409 | the user name is taken |\n",
		"| `list.limit` | invalid_argument | 400 | must not be more than … |\n",
		"| `request.verb_wrong` | unimplemented | 405 | … is not allowed at … |\n",
	} {
		if !strings.Contains(want.String(), line) {
			t.Errorf("the page does not say %q", line)
		}
	}
	if verb := regexp.MustCompile(`%\S`).FindString(want.String()); verb != "" {
		t.Errorf("the page shows %s", verb)
	}
}
