package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// module is a module that is linked into a program.
type module struct {
	path, version string
	// sum is its checksum as in go.sum; empty for the standard library.
	sum string
	// uses are the paths of the modules whose packages it imports.
	uses []string
	// licenses are the SPDX ids of its licence, and texts the files it is in, with
	// what else has to be passed on.
	licenses []string
	texts    []string
}

// standardLibrary is the path under which the standard library is a module.
const standardLibrary = "std"

// linkedModules returns what is linked into a program beside our own code,
// sorted, the standard library first: which modules, the program itself says. It
// returns an error for a module whose licence is unknown.
func linkedModules(ctx context.Context, p platform, program string) ([]module, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	imports, err := readImports(ctx, p)
	if err != nil {
		return nil, err
	}
	root, err := output(ctx, ".", nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	imports.directories[standardLibrary] = strings.TrimSpace(string(root))
	modules := []module{{path: standardLibrary, version: strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			return nil, fmt.Errorf("%s is replaced; what is released is what go.mod requires", m.Path)
		}
		modules = append(modules, module{path: m.Path, version: m.Version, sum: m.Sum})
	}
	for i, m := range modules {
		modules[i].uses = imports.uses[m.path]
		if modules[i].licenses, modules[i].texts, err = readLicense(imports.directories[m.path]); err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
	}
	// Ours is not among the modules; what it uses is.
	return append(modules, module{path: info.Main.Path, uses: imports.uses[info.Main.Path]}), nil
}

// imports is who imports whom, and where it lies.
type imports struct {
	directories map[string]string
	uses        map[string][]string
}

// readImports asks Go for the packages of the program.
func readImports(ctx context.Context, p platform) (imports, error) {
	type listed struct {
		ImportPath string
		Standard   bool
		Imports    []string
		Module     *struct{ Path, Dir string }
	}
	read := imports{directories: map[string]string{}, uses: map[string][]string{}}
	text, err := output(ctx, ".", p.env(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Module", "./cmd/bastide")
	if err != nil {
		return read, err
	}
	var packages []listed
	of := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var l listed
		err := decoder.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return read, err
		}
		of[l.ImportPath] = standardLibrary
		if l.Module != nil {
			of[l.ImportPath] = l.Module.Path
			read.directories[l.Module.Path] = l.Module.Dir
		}
		packages = append(packages, l)
	}
	for _, l := range packages {
		user := of[l.ImportPath]
		for _, path := range l.Imports {
			if used := of[path]; used != "" && used != user && !slices.Contains(read.uses[user], used) {
				read.uses[user] = append(read.uses[user], used)
			}
		}
	}
	for _, used := range read.uses {
		slices.Sort(used)
	}
	return read, nil
}

// licenseNames matches the files that have to go where a module goes.
var licenseNames = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-._].*)?$`)

// knownShare is how much of a file, in percent, has to be the text of a licence
// for the file to be that licence.
const knownShare = 75

// readLicense returns the SPDX ids of the licence in a directory, and the texts
// that go along. It returns an error if there is no licence that is known.
func readLicense(dir string) (ids, texts []string, err error) {
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		if !licenseNames.MatchString(entry.Name()) || !entry.Type().IsRegular() || strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, nil, err
		}
		texts = append(texts, strings.ToValidUTF8(string(text), "?"))
		found := licensecheck.Scan(text)
		if found.Percent < knownShare {
			continue
		}
		for _, match := range found.Match {
			if !match.IsURL && !slices.Contains(ids, match.ID) {
				ids = append(ids, match.ID)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil, errors.New("no licence is found that is known")
	}
	slices.Sort(ids)
	return ids, texts, nil
}

// notices returns the licences of the modules as the archive has them.
func notices(modules []module) []byte {
	var b bytes.Buffer
	b.WriteString("The program contains the following software. Its own licence is in LICENSE.\n")
	for _, m := range modules {
		if len(m.texts) == 0 {
			continue
		}
		name := m.path + " " + m.version
		if m.path == standardLibrary {
			name = "Go " + m.version + ", its standard library"
		}
		fmt.Fprintf(&b, "\n%s\n%s (%s)\n%s\n", strings.Repeat("=", 80), name, strings.Join(m.licenses, ", "), strings.Repeat("=", 80))
		for _, text := range m.texts {
			fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"))
		}
	}
	return b.Bytes()
}
