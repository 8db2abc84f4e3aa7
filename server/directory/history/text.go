package history

import (
	"strings"

	"github.com/bastide-id/bastide/server/store"
)

// aggregates are the types of aggregates, as people call them.
var aggregates = map[string]string{
	store.InstanceType:     "Instance",
	store.OrganizationType: "Organization",
	store.UserType:         "User",
	store.ProjectType:      "Project",
	store.UserGrantType:    "User grant",
	store.WebKeyType:       "Web key",
}

// AggregateText returns a type of aggregates in words; the type itself when it
// is not known.
func AggregateText(aggregateType string) string {
	if text := aggregates[aggregateType]; text != "" {
		return text
	}
	return aggregateType
}

// subjects are what the name of a type begins with, as people call it. Of two
// that fit the longer one counts.
var subjects = map[string]string{
	"instance":            aggregates[store.InstanceType],
	"org":                 aggregates[store.OrganizationType],
	"user":                aggregates[store.UserType],
	"user.human":          "Person",
	"user.machine":        "Machine user",
	"user.grant":          aggregates[store.UserGrantType],
	"project":             aggregates[store.ProjectType],
	"project.role":        "Project role",
	"project.application": "Application",
	"restrictions":        "Restrictions",
	"web_key":             aggregates[store.WebKeyType],
}

// words replace parts of names that people would say otherwise.
var words = strings.NewReplacer(
	"policy password complexity", "password complexity policy",
	"policy password age", "password age policy",
	"policy lockout", "lockout policy",
	"policy domain", "domain policy",
	"domain primary", "primary domain",
	"default org", "default organization",
	"config oidc", "OIDC settings", "config api", "API settings", "oidc key", "key",
	"email", "e-mail", "pat ", "personal access token ", "username", "user name", "_", " ",
	"cascade changed", "changed, because of what it depends on",
	"cascade removed", "removed, because of what it depends on",
)

// Text returns in words what a type of events says: "Person: e-mail code
// added".
func Text(eventType string) string {
	subject, said := "", ""
	for prefix, text := range subjects {
		if rest, ok := strings.CutPrefix(eventType, prefix+"."); ok && (said == "" || len(rest) < len(said)) {
			subject, said = text, rest
		}
	}
	if said == "" {
		return eventType
	}
	said = words.Replace(strings.ReplaceAll(said, ".", " "))
	if !strings.Contains(said, " ") {
		return subject + " " + said
	}
	return subject + ": " + said
}
