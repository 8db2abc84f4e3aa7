// Package conformance keeps true what docs/oauth.md says: which test shows that
// a rule of a standard is followed.
package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const page = "../../docs/oauth.md"

// name is a test as the page names it, `package.TestName` with a subtest if
// there is one, or another subtest of the test before: `/subtest`.
var name = regexp.MustCompile("^`(?:([a-z0-9]+)\\.((?:Test|Fuzz)\\w+))?(?:/([^`]+))?`$")

// between is what stands between two names in a cell.
const between = ", "

// Each row of a table whose last column is "test" has tests there, and nothing
// else, and all of them are in the sources.
func TestTestsOfThePageAreThere(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	s := readSources(t)
	names := 0
	inTable := false
	for i, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		last := cells[len(cells)-1]
		switch {
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case last == "test":
			inTable = true
		case inTable && !strings.HasPrefix(line, "|---"):
			for _, problem := range s.check(last) {
				t.Errorf("%s:%d: %s", page, i+1, problem)
			}
			names += strings.Count(last, between) + 1
		}
	}
	if names < 100 {
		t.Errorf("%s names %d tests: is it read rightly?", page, names)
	}
}

// What is not there, or names nothing, is found.
func TestWhatIsNotThereIsFound(t *testing.T) {
	s := readSources(t)
	for cell, good := range map[string]bool{
		"`conformance.TestTestsOfThePageAreThere`":                       true,
		"`conformance.TestWhatIsNotThereIsFound/a_literal`, `/in_check`": true,
		"`conformance.TestWhatIsNotThereIsFound/nowhere`":                false,
		"`conformance.TestTestsOfThePageAreThere/a_literal`":             false,
		"`conformance.TestNothing`":                                      false,
		"`nowhere.TestTestsOfThePageAreThere`":                           false,
		"`/a_literal`":                                                   false,
		"conformance.TestWhatIsNotThereIsFound":                          false,
		"by construction":                                                false,
		"":                                                               false,
	} {
		if problems := s.check(cell); good != (len(problems) == 0) {
			t.Errorf("%q: %q", cell, problems)
		}
	}
	_ = "a literal"
	literalIn(t)
}

func literalIn(t *testing.T) {
	t.Helper()
	_ = "in check"
}

// function is what a function of a test file has: text, and names of functions
// that it may call.
type function struct {
	literals map[string]bool
	names    []string
}

// sources are the functions of the test files, by package and name.
type sources map[string]map[string]function

func readSources(t *testing.T) sources {
	t.Helper()
	s := make(sources)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (entry.Name() == "node_modules" || len(entry.Name()) > 2 && strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s.add(filepath.Base(filepath.Dir(path)), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s sources) add(folder string, file *ast.File) {
	if s[folder] == nil {
		s[folder] = make(map[string]function)
	}
	for _, declared := range file.Decls {
		called, ok := declared.(*ast.FuncDecl)
		if !ok {
			continue
		}
		// Several may have one name, in folders of one name or as methods.
		f := s[folder][called.Name.Name]
		if f.literals == nil {
			f.literals = make(map[string]bool)
		}
		ast.Inspect(called, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				f.names = append(f.names, n.Name)
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					f.literals[strings.ReplaceAll(text, " ", "_")] = true
				}
			}
			return true
		})
		s[folder][called.Name.Name] = f
	}
}

// check returns what is wrong with the tests that a cell names.
func (s sources) check(cell string) (problems []string) {
	folder, test := "", ""
	for _, one := range strings.Split(cell, between) {
		found := name.FindStringSubmatch(one)
		if found == nil || found[2] == "" && test == "" {
			problems = append(problems, "no name of a test: "+strconv.Quote(one))
			continue
		}
		if found[2] != "" {
			folder, test = found[1], found[2]
		}
		if _, ok := s[folder][test]; !ok {
			problems = append(problems, "there is no test "+folder+"."+test)
		} else if subtest := found[3]; subtest != "" && !s.has(folder, test, subtest, make(map[string]bool)) {
			problems = append(problems, "the test "+folder+"."+test+" has no subtest "+subtest)
		}
	}
	return problems
}

// has reports whether a function, or one that it may call, has the name of the
// subtest as a literal.
func (s sources) has(folder, of, subtest string, seen map[string]bool) bool {
	f, ok := s[folder][of]
	if !ok || seen[of] {
		return false
	}
	seen[of] = true
	if f.literals[subtest] {
		return true
	}
	for _, called := range f.names {
		if s.has(folder, called, subtest, seen) {
			return true
		}
	}
	return false
}
