package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var release = source{version: "v1.2.3", commit: "0123abc", time: committed}

// pack writes an npm package with one source file and the manifest.
func pack(t *testing.T, directory, manifest string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "packed.tgz")
	err := writeArchive(path, directory, committed.AddDate(-30, 0, 0), []file{
		{name: "package.json", content: []byte(manifest)},
		{name: "dist/index.js", content: []byte("export {};\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReleasePackage(t *testing.T) {
	const manifest = `{"name": "@bastide-id/client", "version": "0.0.0", "dependencies": {"one": "1.0.0"}}`
	sources := t.TempDir()
	for name, content := range map[string]string{
		"package.json": manifest,
		"package-lock.json": `{"name": "@bastide-id/client", "version": "0.0.0", "lockfileVersion": 3, "requires": true, "packages": {
			"": {"name": "@bastide-id/client", "version": "0.0.0", "dependencies": {"one": "1.0.0"}},
			"node_modules/one": {"version": "1.0.0", "license": "MIT"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(sources, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed, outs := pack(t, "package", manifest), [2]string{t.TempDir(), t.TempDir()}
	for _, out := range outs {
		if err := releasePackage(t.Context(), release, packed, sources, out); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bastide-id-client-1.2.3.tgz", "bastide-id-client-1.2.3.cdx.json"} {
		if !bytes.Equal(read(t, filepath.Join(outs[0], name)), read(t, filepath.Join(outs[1], name))) {
			t.Errorf("%s is not the same twice", name)
		}
	}
	files, err := readPackage(filepath.Join(outs[0], "bastide-id-client-1.2.3.tgz"))
	if err != nil || len(files) != 2 || string(files[1].content) != strings.Replace(manifest, "0.0.0", "1.2.3", 1) {
		t.Errorf("the package has %v, %v", files, err)
	}
	bom := map[string]any{}
	text := read(t, filepath.Join(outs[0], "bastide-id-client-1.2.3.cdx.json"))
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if bom["bomFormat"] != "CycloneDX" || bom["serialNumber"] != nil || strings.Contains(string(text), "0.0.0") || !strings.Contains(string(text), "client@1.2.3") || !strings.Contains(string(text), `"pkg:npm/one@1.0.0"`) || !strings.Contains(string(text), `"2026-03-04T05:06:07Z"`) {
		t.Errorf("the bill of materials is\n%s", text)
	}
}

func TestReleasePackageRefuses(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain.tgz")
	if err := os.WriteFile(plain, []byte("plain"), 0o600); err != nil {
		t.Fatal(err)
	}
	for packed, want := range map[string]string{
		pack(t, "package", `{"name": "a", "version": "1.2.4"}`): `the version is "1.2.4"`,
		pack(t, "package", `{`):                                 "package.json: ",
		pack(t, "elsewhere", `{}`):                              "elsewhere/dist/index.js is no file below package",
		plain:                                                   "unexpected EOF",
		plain + ".none":                                         "no such file",
	} {
		out := t.TempDir()
		err := releasePackage(t.Context(), release, packed, t.TempDir(), out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		if left, _ := os.ReadDir(out); len(left) != 0 {
			t.Errorf("%q leaves %v", want, left)
		}
	}
}
