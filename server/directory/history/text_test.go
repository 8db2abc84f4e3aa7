package history

import (
	"strings"
	"testing"

	"github.com/bastide-id/bastide/server/store"
)

// Every type is a sentence of its own, without what only programs say.
func TestTextOfEveryType(t *testing.T) {
	seen := make(map[string]store.EventType)
	for _, name := range store.EventTypes() {
		text := Text(string(name))
		if other, ok := seen[text]; ok {
			t.Errorf("%s and %s both read %q", name, other, text)
		}
		seen[text] = name
		first, _, _ := strings.Cut(text, " ")
		if strings.ContainsAny(text, "._") || text == string(name) || strings.ToUpper(first[:1]) != first[:1] || strings.Contains(text, "config") {
			t.Errorf("%s reads %q", name, text)
		}
	}
}

func TestText(t *testing.T) {
	for name, want := range map[string]string{
		"user.removed":                                   "User removed",
		"user.human.email.code.added":                    "Person: e-mail code added",
		"user.machine.added":                             "Machine user added",
		"user.pat.added":                                 "User: personal access token added",
		"user.grant.cascade.removed":                     "User grant: removed, because of what it depends on",
		"instance.trusted_domain.added":                  "Instance: trusted domain added",
		"instance.policy.password.complexity.changed":    "Instance: password complexity policy changed",
		"org.domain.primary.set":                         "Organization: primary domain set",
		"project.application.config.oidc.secret.changed": "Application: OIDC settings secret changed",
		"restrictions.set":                               "Restrictions set",
		"web_key.activated":                              "Web key activated",
		"something.else":                                 "something.else",
	} {
		if got := Text(name); got != want {
			t.Errorf("%s reads %q, want %q", name, got, want)
		}
	}
	if got := AggregateText("usergrant") + AggregateText("other"); got != "User grantother" {
		t.Errorf("got %q", got)
	}
}
