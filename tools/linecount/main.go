// Command linecount prints how many lines are written by hand per call: those
// that are neither empty nor a comment alone.
//
//	go run ./tools/linecount
package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// part is a group of files that calls are made of.
type part struct {
	name  string
	roots []string
	holds func(path string) bool
}

func isProto(path string) bool { return strings.HasSuffix(path, ".proto") }

func isTest(path string) bool { return strings.HasSuffix(path, "_test.go") }

func isCode(path string) bool { return strings.HasSuffix(path, ".go") && !isTest(path) }

var services = []string{"server/v1/system", "server/v1/admin", "server/v1/management", "server/v1/auth", "server/v2"}

var parts = []part{
	{"the contract: methods, messages, limits (`proto/zitadel`)", []string{"proto/zitadel"}, isProto},
	{"methods (`server/v1/<service>`, `server/v2/<service>`)", services, isCode},
	{"rows to messages (`server/v1/message`)", []string{"server/v1/message"}, isCode},
	{"operations (`server/directory`)", []string{"server/directory"}, isCode},
	{"tests of the above", append([]string{"server/directory", "server/v1/message"}, services...), isTest},
}

func main() {
	log.SetFlags(0)
	calls, err := count([]string{"proto/zitadel"}, isProto, regexp.MustCompile(`^\s*rpc `))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("| %d calls | lines | per call |\n| --- | ---: | ---: |\n", calls)
	for _, p := range parts {
		lines, err := count(p.roots, p.holds, regexp.MustCompile(`^\s*([^/\s]|/[^/])`))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("| %s | %d | %.1f |\n", p.name, lines, float64(lines)/float64(calls))
	}
}

// count returns how many lines of the files match.
func count(roots []string, holds func(string) bool, line *regexp.Regexp) (n int, err error) {
	for _, root := range roots {
		err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !holds(path) {
				return err
			}
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			lines := bufio.NewScanner(file)
			for lines.Scan() {
				if line.MatchString(lines.Text()) {
					n++
				}
			}
			return lines.Err()
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}
