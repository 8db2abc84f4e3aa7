// Package quoted tests that what the pages quote of files is what the files say.
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
