// Package quoted tests that what the pages quote of files is what the files say, and
// that the programs to begin with are short.
package quoted

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

const root = "../.."

// quote is a block of code below a comment that names the file it is copied from.
// A fragment, which is a comment without a slash, is a copy of none.
var quote = regexp.MustCompile("(?m)^<!-- (\\S+/\\S+) -->\n+```\\w+\n((?s:.*?))^```$")

func TestQuotedFilesAreAsQuoted(t *testing.T) {
	quotes := make(map[string][]string)
	for _, pattern := range []string{"*.md", "docs/*.md", "sdk/*/*.md", "examples/*/*.md"} {
		pages, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range quote.FindAllSubmatch(text, -1) {
				source := string(found[1])
				quotes[name] = append(quotes[name], source)
				file, err := os.ReadFile(filepath.Join(root, source))
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if !bytes.Equal(bytes.TrimSpace(file), bytes.TrimSpace(found[2])) {
					t.Errorf("%s quotes %s, but not as it is", name, source)
				}
			}
		}
	}
	for _, source := range []string{"examples/curl/first.sh", "examples/go/first/main.go", "examples/ts/first.ts"} {
		if !slices.Contains(quotes["README.md"], source) {
			t.Errorf("the README does not quote %s", source)
		}
	}
}

// A program that shows how to begin is read in one go.
func TestExamplesAreShort(t *testing.T) {
	const most = 59
	var programs []string
	for _, pattern := range []string{"examples/curl/*.sh", "examples/go/*/main.go", "examples/ts/*.ts"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || found == nil {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		programs = append(programs, found...)
	}
	for _, program := range programs {
		text, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte("\n")); lines > most {
			t.Errorf("%s has %d lines, more than %d", program, lines, most)
		}
	}
}
