package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be kept is printed, for there is no second time, and nothing half
// done stays.
func TestInstanceCreateLosesNoSecret(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no file here that is full")
	}
	path := filepath.Join(t.TempDir(), "x.pat") // what is removed is the link
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	made := &created{Token: "bastide_pat_x", Key: json.RawMessage(`{"keyId":"1"}`)}
	if err := made.save(&savedFile{"--save-token", file}, nil, instanceCreateCommand{SaveToken: path}); err == nil || !strings.Contains(err.Error(), "--save-token: ") {
		t.Errorf("the error is %v", err)
	}
	if made.Token != "bastide_pat_x" || made.TokenFile != "" || made.Key == nil {
		t.Errorf("%+v", made)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
}

// A server that was asked for a secret and gives none is not taken at its word.
func TestInstanceCreateWithoutItsSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for name, test := range map[string]struct {
		flags   instanceCreateCommand
		made    created
		want    string
		isThere bool
	}{
		"no token to save":  {instanceCreateCommand{SaveToken: path}, created{}, "--save-token: the server gave no token", false},
		"no key to save":    {instanceCreateCommand{SaveKey: path}, created{}, "--save-key: the server gave no key", false},
		"no token to print": {instanceCreateCommand{}, created{}, "the server gave no token", false},
		"a token alone":     {instanceCreateCommand{SaveToken: path}, created{Token: "x"}, "", true},
		"a key alone":       {instanceCreateCommand{SaveKey: path}, created{Key: json.RawMessage("{}")}, "", true},
		"a token to print":  {instanceCreateCommand{}, created{Token: "x"}, "", false},
		"a person":          {instanceCreateCommand{Email: "ada@acme.example"}, created{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			tokenFile, err := reserve("--save-token", test.flags.SaveToken)
			if err != nil {
				t.Fatal(err)
			}
			keyFile, err := reserve("--save-key", test.flags.SaveKey)
			if err != nil {
				t.Fatal(err)
			}
			err = test.made.save(tokenFile, keyFile, test.flags)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
			_, missing := os.Stat(path)
			if told := test.made.TokenFile + test.made.KeyFile; (missing == nil) != test.isThere || (told != "") != test.isThere {
				t.Errorf("the file: %v, told as %q", missing, told)
			}
			_ = os.Remove(path)
		})
	}
}
