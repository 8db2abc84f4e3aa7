package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
)

// TestProgram builds the program of this machine's platform and reads what is
// published of it. The build is the one that other tests share: that of a release
// would compile everything anew.
func TestProgram(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	out := t.TempDir()
	p := platform{runtime.GOOS, runtime.GOARCH}
	program := filepath.Join(t.TempDir(), "bastide")
	if _, err := output(t.Context(), ".", nil, "go", "build", "-ldflags", linkerFlags(release), "-o", program, "./cmd/bastide"); err != nil {
		t.Fatal(err)
	}
	if err := releaseProgram(t.Context(), release, p, program, out); err != nil {
		t.Fatal(err)
	}
	name := "bastide_1.2.3_" + p.os + "_" + p.arch
	if _, err := output(t.Context(), out, nil, "tar", "-xzf", name+".tar.gz"); err != nil {
		t.Fatal(err)
	}
	said, err := output(t.Context(), filepath.Join(out, name), nil, "./bastide", "version")
	if err != nil || string(said) != "bastide v1.2.3 (0123abc)\n" {
		t.Errorf("the program says %q, %v", said, err)
	}
	for _, document := range []string{"LICENSE", "README.md", "CHANGELOG.md", "bastide.service", "master-key.conf"} {
		if len(read(t, filepath.Join(out, name, document))) == 0 {
			t.Errorf("%s is empty", document)
		}
	}
	licenses := string(read(t, filepath.Join(out, name, "THIRD_PARTY_LICENSES.txt")))
	for _, want := range []string{"\nmodernc.org/sqlite v", "(BSD-3-Clause)", "\nGo 1.", "Copyright"} {
		if !strings.Contains(licenses, want) {
			t.Errorf("the licences do not say %q", want)
		}
	}
	var bom cyclonedx.BOM
	text := read(t, filepath.Join(out, name+".cdx.json"))
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if bom.SerialNumber != "" || bom.Metadata.Timestamp != "2026-03-04T05:06:07Z" || bom.Metadata.Component.Version != "v1.2.3" {
		t.Errorf("number %q, %+v", bom.SerialNumber, bom.Metadata)
	}
	checkComponents(t, bom)
	if bytes.Contains(text, []byte(out)) {
		t.Error("the bill of materials names a directory of this machine")
	}
}

// checkComponents holds the parts of a bill of materials against each other.
func checkComponents(t *testing.T, bom cyclonedx.BOM) {
	t.Helper()
	refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
	for _, c := range *bom.Components {
		if refs[c.BOMRef] || c.Version == "" || c.Licenses == nil || len(*c.Licenses) == 0 {
			t.Errorf("%s is named twice or lacks something: %+v", c.BOMRef, c)
		}
		refs[c.BOMRef] = true
		if c.Name != standardLibrary && (c.Hashes == nil || len((*c.Hashes)[0].Value) != 64) {
			t.Errorf("%s has no checksum", c.BOMRef)
		}
	}
	uses := map[string][]string{}
	for _, d := range *bom.Dependencies {
		for _, ref := range *d.Dependencies {
			if !refs[ref] {
				t.Errorf("%s uses %s, which is no component", d.Ref, ref)
			}
		}
		uses[d.Ref] = *d.Dependencies
	}
	if direct := strings.Join(uses[bom.Metadata.Component.BOMRef], " "); !strings.Contains(direct, "pkg:golang/modernc.org/sqlite@") || strings.Contains(direct, "pkg:golang/modernc.org/libc@") {
		t.Errorf("the program uses %s", direct)
	}
}

func TestReadLicense(t *testing.T) {
	apache := read(t, filepath.Join("..", "..", "LICENSE"))
	for name, test := range map[string]struct {
		files map[string]string
		ids   string
		texts int
	}{
		"one":            {map[string]string{"LICENSE": string(apache), "NOTICE": "Copyright A"}, "Apache-2.0", 2},
		"other name":     {map[string]string{"LICENCE-APACHE.md": string(apache)}, "Apache-2.0", 1},
		"none":           {map[string]string{"README.md": string(apache)}, "", 0},
		"unknown":        {map[string]string{"LICENSE": "You may look at it on Mondays."}, "", 0},
		"source":         {map[string]string{"license.go": string(apache)}, "", 0},
		"only a mention": {map[string]string{"LICENSE": strings.Repeat("You may look at it on Mondays. ", 900) + string(apache)}, "", 0},
	} {
		dir := t.TempDir()
		for file, content := range test.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ids, texts, err := readLicense(dir)
		if strings.Join(ids, " ") != test.ids || len(texts) != test.texts || (err == nil) != (test.ids != "") {
			t.Errorf("%s: %v, %d texts, %v", name, ids, len(texts), err)
		}
	}
}
