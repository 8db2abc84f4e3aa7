package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// call makes a call of the web key service with JSON, and returns the id in its
// answer.
func (s started) call(t *testing.T, dir, method, body string) string {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, "owner.pat"))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/zitadel.webkey.v2.WebKeyService/"+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ ID string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %s, %v", method, response.Status, err)
	}
	return answer.ID
}

func TestKeysRotate(t *testing.T) {
	dir := t.TempDir()
	if got := bastide(t, nil, "keys", "rotate", "--data-dir", dir); got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "no server runs on the data directory "+dir) || !strings.Contains(got.stderr, "start it") {
		t.Errorf("without a server: %+v", got)
	}
	s := start(t, "--data-dir", dir)
	rotate := func(args ...string) outcome {
		return bastide(t, nil, append([]string{"keys", "rotate", "--data-dir", dir}, args...)...)
	}
	if got := rotate(); got.code != exitOK || !strings.Contains(got.stdout, "No instance has a key yet") || got.stderr != "" {
		t.Errorf("without a key: %+v", got)
	}
	s.call(t, dir, "ActivateWebKey", `{"id":"`+s.call(t, dir, "CreateWebKey", `{"ed25519":{}}`)+`"}`)

	got := rotate()
	form := regexp.MustCompile(`^Instance (\d{18}): the key \d{18} \(EdDSA\) signs from now on\.\nDone: 1 instance has a new key\. .*\n$`)
	match := form.FindStringSubmatch(got.stdout)
	if got.code != exitOK || got.stderr != "" || match == nil {
		t.Fatalf("%+v", got)
	}
	if got := rotate("--instance", match[1], "--announce", "24h"); got.code != exitOK || !strings.Contains(got.stdout, "is published, and signs from 20") {
		t.Errorf("with an announcement: %+v", got)
	}
	if got := rotate("--instance", "111111111111111111"); got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "--instance: there is no instance") {
		t.Errorf("of an unknown instance: %+v", got)
	}
	for _, flag := range []string{"--instance=", "--announce=-1s", "--announce=721h", "--announce=1"} {
		name, _, _ := strings.Cut(flag, "=")
		if got := rotate(flag); got.code != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, name) {
			t.Errorf("%s: %+v", flag, got)
		}
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var stdout, stderr strings.Builder
	if code := run(ctx, []string{"bastide", "keys", "rotate", "--data-dir", dir}, nil, nil, &stdout, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "interrupted: 0 instances have a new key") {
		t.Errorf("interrupted: exit code %d: %s%s", code, &stdout, &stderr)
	}
	secrets, ended := secretsIn(t, dir), s.stop()
	for name, secret := range secrets {
		if strings.Contains(got.stdout+ended.stderr, secret) {
			t.Errorf("%s is in the output", name)
		}
	}
}

// A key's lifetime is a setting like any other; 0 would be read as none.
func TestSigningKeyLifetime(t *testing.T) {
	if got := printed(t, nil)["signingKeyLifetime"]; got != "2160h0m0s" {
		t.Errorf("the default is %v", got)
	}
	if got := printed(t, []string{"BASTIDE_SIGNING_KEY_LIFETIME=-1s"})["signingKeyLifetime"]; got != "-1s" {
		t.Errorf("a negative time is %v", got)
	}
	for _, value := range []string{"0s", "59m", "90"} {
		if got := bastide(t, nil, "config", "print", "--signing-key-lifetime", value); got.code != exitUsage || !strings.Contains(got.stderr, "--signing-key-lifetime") {
			t.Errorf("%s: %+v", value, got)
		}
	}
	config := write(t, "bastide.yaml", "signingKeyLifetime: 720h\n")
	if got := printed(t, nil, "--config", config)["signingKeyLifetime"]; got != "720h0m0s" {
		t.Errorf("that of the file is %v", got)
	}
}
