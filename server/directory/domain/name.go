// Package domain has the host names of instances and organizations.
package domain

import (
	"strings"

	"golang.org/x/net/idna"

	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/id"
)

const (
	maxName  = 253 // RFC 1035, 2.3.4
	maxLabel = 63
	// suffixLength is that of the random end of a generated domain.
	suffixLength = 6
)

// toASCII maps as browsers do and allows only letters, digits and hyphens
// (UTS 46, RFC 5891).
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())

// Normalize returns the ASCII form of a host name in lower case, or
// fault.Invalid for the request field at path. An IP address or a name with a
// port is no host name.
func Normalize(path, name string) (string, error) {
	ascii, err := toASCII.ToASCII(name)
	if err != nil || ascii == "" || len(ascii) > maxName || strings.HasSuffix(ascii, ".") {
		return "", fault.DomainInvalid.Field(path)
	}
	// Requests bring the ASCII form, so it has to stand for itself.
	if again, err := toASCII.ToASCII(ascii); err != nil || again != ascii {
		return "", fault.DomainInvalid.Field(path)
	}
	// Browsers take a host whose last label is a number for an IPv4 address
	// (URL Standard, 3.5, "ends in a number").
	if last := ascii[strings.LastIndexByte(ascii, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return "", fault.DomainInvalid.Field(path)
	}
	return ascii, nil
}

// Slug cuts a name down to a DNS label of at most n characters: ASCII letters,
// digits and hyphens in between. One that would be empty is the fallback.
func Slug(name, fallback string, n int) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			b.WriteRune(c)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
		if b.Len() >= n {
			break
		}
	}
	if slug := strings.Trim(b.String(), "-"); slug != "" {
		return slug
	}
	return fallback
}

// Generate returns a domain for an instance below the external one:
// <slug>-<6 characters>.<external>.
func Generate(instanceName, external string) string {
	return suffixed(instanceName, "instance", external)
}

// OfOrganization returns the first domain of an organization, below a domain
// of the installation or instance: <slug>.<parent>.
func OfOrganization(name, parent string) string {
	return Slug(name, "org", room(parent)) + "." + parent
}

// OfAnotherOrganization returns a domain like OfOrganization that no other
// organization has: <slug>-<6 characters>.<parent>.
func OfAnotherOrganization(name, parent string) string { return suffixed(name, "org", parent) }

func suffixed(name, fallback, parent string) string {
	return Slug(name, fallback, room(parent)-suffixLength-1) + "-" + id.Suffix(suffixLength) + "." + parent
}

// room returns how long a label before the parent may be.
func room(parent string) int {
	return max(suffixLength+2, min(maxLabel, maxName-1-len(parent)))
}
