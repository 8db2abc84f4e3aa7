package main

import (
	"strings"
	"testing"
)

func TestSystemUserErrorsNameTheUser(t *testing.T) {
	good := "publicKey: \"" + strings.ReplaceAll(publicPEM(t, ecKey(t).Public()), "\n", `\n`) + `"`
	system := "memberships: [{type: System, roles: [IAM_OWNER]}]"
	for name, test := range map[string]struct{ user, want string }{
		"no name":                {"{" + good + "}", "user 1 has no name"},
		"reserved name":          {"{name: system, " + good + "}", `"system"`},
		"unknown key":            {"{name: ops, " + good + ", roles: []}", `unknown key "roles"`},
		"no key":                 {"{name: ops, " + system + "}", "publicKeyFile"},
		"two keys":               {"{name: ops, publicKeyFile: x, " + good + "}", "exclude each other"},
		"no key file":            {"{name: ops, publicKeyFile: missing.pem}", "missing.pem"},
		"not a key":              {"{name: ops, publicKey: abc}", "not PEM"},
		"private key":            {`{name: ops, publicKey: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}`, `"PRIVATE KEY"`},
		"no type":                {"{name: ops, " + good + ", memberships: [{roles: [IAM_OWNER]}]}", `type ""`},
		"unknown type":           {"{name: ops, " + good + ", memberships: [{type: Project, id: 1, roles: [IAM_OWNER]}]}", `type "Project"`},
		"missing id":             {"{name: ops, " + good + ", memberships: [{type: Instance, roles: [IAM_OWNER]}]}", "id"},
		"id of the system":       {"{name: ops, " + good + ", memberships: [{type: System, id: 1, roles: [IAM_OWNER]}]}", "takes no id"},
		"no role":                {"{name: ops, " + good + ", memberships: [{type: System}]}", "roles are missing"},
		"unknown role":           {"{name: ops, " + good + ", memberships: [{type: System, roles: [IAM_OWNER, OWNER]}]}", `"OWNER"`},
		"roles that are no list": {"{name: ops, " + good + ", memberships: [{type: System, roles: IAM_OWNER}]}", "must be a list"},
	} {
		t.Run(name, func(t *testing.T) {
			got := bastide(t, nil, "config", "print", "--config", write(t, "bastide.yaml", "systemUsers:\n  - "+test.user+"\n"))
			if got.code != exitUsage {
				t.Errorf("exit code %d: %s", got.code, got.stdout)
			}
			if !strings.Contains(got.stderr, test.want) || !strings.Contains(got.stderr, "systemUsers") {
				t.Errorf("the error does not name %s: %s", test.want, got.stderr)
			}
			if strings.Contains(test.user, "name: ops") && !strings.Contains(got.stderr, `"ops"`) && !strings.Contains(got.stderr, "user 1") {
				t.Errorf("the error does not name the user: %s", got.stderr)
			}
		})
	}
	twice := "systemUsers:\n  - {name: ops, " + good + "}\n  - {name: ops, " + good + "}\n"
	got := bastide(t, nil, "config", "print", "--config", write(t, "bastide.yaml", twice))
	if got.code != exitUsage || !strings.Contains(got.stderr, `two users named "ops"`) {
		t.Errorf("exit code %d: %s", got.code, got.stderr)
	}
}
