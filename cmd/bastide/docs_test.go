package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestDocsAreServedUnlessTurnedOff(t *testing.T) {
	for _, c := range []struct {
		env, args []string
		file      string
		want      bool
	}{
		{want: true},
		{args: []string{"--no-docs"}},
		{env: []string{"BASTIDE_DOCS=false"}},
		{file: "docs: false\n"},
		{args: []string{"--docs"}, env: []string{"BASTIDE_DOCS=false"}, want: true},
	} {
		env := c.env
		if c.file != "" {
			env = append(env, "BASTIDE_CONFIG="+write(t, "bastide.yaml", c.file))
		}
		if got := printed(t, env, c.args...)["docs"]; got != c.want {
			t.Errorf("%v %v %q: docs is %v, want %t", c.env, c.args, c.file, got, c.want)
		}
	}
	if got := bastide(t, []string{"BASTIDE_DOCS=perhaps"}, "config", "print"); got.code != exitUsage || !strings.Contains(got.stderr, "BASTIDE_DOCS") {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
	if got := bastide(t, nil, "serve", "--help"); !strings.Contains(got.stdout, "--[no-]docs ") {
		t.Errorf("the help does not say how to turn it off: %s", got.stdout)
	}
	s := start(t, "--no-docs", "--data-dir", t.TempDir())
	response, err := http.Get(s.url + "/docs")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("/docs with --no-docs: %s", response.Status)
	}
}
