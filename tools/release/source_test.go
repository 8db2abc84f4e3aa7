package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestChooseVersion(t *testing.T) {
	for _, test := range []struct {
		given, tags, want, wrong string
	}{
		{given: "v1.2.3", tags: "v1.0.0", want: "v1.2.3"},
		{given: "v1.2.3-rc.1", want: "v1.2.3-rc.1"},
		{tags: "good v0.3.0", want: "v0.3.0"},
		{given: "1.2.3", wrong: `-version: "1.2.3" is no version`},
		{given: "v1.2", wrong: `"v1.2" is no version`},
		{given: "v1.2.3 -X main.other=1", wrong: "is no version"},
		{given: "v1.2.3+linux", wrong: "is no version"},
		{given: "../v1.2.3", wrong: "is no version"},
		{tags: "good", wrong: "no tag that is a version"},
		{wrong: "give -version"},
		{tags: "v1.0.0 v1.0.1", wrong: "v1.0.0 and v1.0.1"},
	} {
		got, err := chooseVersion(test.given, strings.Fields(test.tags))
		if got != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%q with the tags %q: %q, %v", test.given, test.tags, got, err)
		}
	}
}

func TestReadSource(t *testing.T) {
	t.Chdir(t.TempDir())
	git := func(args ...string) {
		t.Helper()
		env := []string{
			"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
			"GIT_AUTHOR_DATE=" + committed.Format("2006-01-02T15:04:05Z"), "GIT_COMMITTER_DATE=" + committed.Format("2006-01-02T15:04:05Z"),
		}
		if _, err := output(t.Context(), ".", env, "git", args...); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	git("init", "--quiet")
	git("commit", "--quiet", "--allow-empty", "--message", "Begin")
	if _, err := readSource(t.Context(), "", false); err == nil || !strings.Contains(err.Error(), "no tag") {
		t.Errorf("without a tag: %v", err)
	}
	git("tag", "v1.2.3")
	s, err := readSource(t.Context(), "", false)
	if err != nil || s.version != "v1.2.3" || s.number() != "1.2.3" || !s.time.Equal(committed) || len(s.commit) < 40 {
		t.Fatalf("%+v, %v", s, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1000000000")
	if s, err := readSource(t.Context(), "", false); err != nil || s.time.Unix() != 1000000000 {
		t.Errorf("the epoch of the environment: %+v, %v", s, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := readSource(t.Context(), "", false); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
		t.Errorf("no number: %v", err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	if err := os.WriteFile("new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSource(t.Context(), "", false); err == nil || !strings.Contains(err.Error(), "new") || !strings.Contains(err.Error(), "-dirty") {
		t.Errorf("with a file that is not committed: %v", err)
	}
	if dirty, err := readSource(t.Context(), "", true); err != nil || dirty.commit != s.commit+"-dirty" {
		t.Errorf("with leave: %+v, %v", dirty, err)
	}
}

// TestOneBuild compares the two places that build what is published.
func TestOneBuild(t *testing.T) {
	image := string(read(t, filepath.Join("..", "..", "Dockerfile")))
	for _, want := range []string{
		"CGO_ENABLED=0", "GOAMD64=v1", "GOARM64=v8.0", "-trimpath -buildvcs=false",
		`-ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT"`, "./cmd/bastide",
	} {
		if !strings.Contains(image, want) {
			t.Errorf("the Dockerfile does not build with %s", want)
		}
	}
}
