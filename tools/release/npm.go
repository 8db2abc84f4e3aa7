package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// packageDirectory is the one directory that npm packages have.
const packageDirectory = "package"

// unreleased is the version of the package in the repository: which one is
// released, the tag says.
const unreleased = "0.0.0"

// releasePackage puts the package that npm packed from dir into the release, as
// of its version, with its bill of materials. It writes the archive anew: npm's
// bytes are of the zlib that its Node was built with.
func releasePackage(ctx context.Context, s source, packed, dir, out string) error {
	files, err := readPackage(packed)
	if err != nil {
		return fmt.Errorf("%s: %w", packed, err)
	}
	name, err := stampPackage(s, files)
	if err != nil {
		return fmt.Errorf("%s: %w", packed, err)
	}
	bom, err := packageBOM(ctx, s, name, dir)
	if err != nil {
		return err
	}
	base := filepath.Join(out, strings.ReplaceAll(strings.TrimPrefix(name, "@"), "/", "-")+"-"+s.number()) // as npm pack names it
	if err := writeArchive(base+".tgz", packageDirectory, s.time, files); err != nil {
		return err
	}
	return writeBOM(base+".cdx.json", bom)
}

// readPackage returns the files of an npm package.
func readPackage(packed string) (files []file, err error) {
	f, err := os.Open(packed)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for in := tar.NewReader(unzipped); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		name, below := strings.CutPrefix(header.Name, packageDirectory+"/")
		if header.Typeflag != tar.TypeReg || !below {
			return nil, fmt.Errorf("%s is no file below %s", header.Name, packageDirectory)
		}
		content, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, content: content, executable: header.Mode&0o111 != 0})
	}
}

// stampPackage writes the version into the manifest among the files, and returns
// the package's name.
func stampPackage(s source, files []file) (name string, err error) {
	for i, f := range files {
		if f.name != "package.json" {
			continue
		}
		var manifest struct{ Name, Version string }
		if err := json.Unmarshal(f.content, &manifest); err != nil {
			return "", fmt.Errorf("package.json: %w", err)
		}
		line := []byte(`"version": "` + unreleased + `"`)
		if manifest.Version != unreleased || bytes.Count(f.content, line) != 1 {
			return "", fmt.Errorf("package.json: the version is %q: it has to be %q once, which a release replaces", manifest.Version, unreleased)
		}
		files[i].content = bytes.Replace(f.content, line, []byte(`"version": "`+s.number()+`"`), 1)
		return manifest.Name, nil
	}
	return "", errors.New("there is no package.json in it")
}
