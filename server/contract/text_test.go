//go:build unix

package contract

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// forms are the fields that do not take any text, by name: what makes one of n
// characters, empty if there is none of so few. Forms that a rule asks for are
// in textOf.
var forms = map[protoreflect.Name]func(n int) string{
	"domain":                    host,
	"domains":                   host,
	"custom_domain":             host,
	"language":                  language,
	"default_language":          language,
	"preferred_language":        language,
	"allowed_languages":         language,
	"list":                      language,
	"password":                  password,
	"initial_password":          password,
	"redirect_uris":             uri,
	"post_logout_redirect_uris": uri,
	"back_channel_logout_uri":   uri,
	"base_uri":                  uri,
	"additional_origins":        origin,
}

// textOf returns a text of n characters that the field takes, of more bytes
// than characters where it may be.
func textOf(t *testing.T, field protoreflect.FieldDescriptor, n int) string {
	t.Helper()
	rules := rulesOf(t, field).GetString()
	switch form := forms[field.Name()]; {
	case n == 0:
		return ""
	case rules.GetEmail():
		return email(n)
	case rules.GetPrefix() != "":
		return (rules.GetPrefix() + strings.Repeat("1", n))[:n]
	case form != nil && !isQuery(field):
		return form(n)
	}
	return strings.Repeat("字", n/2) + strings.Repeat("ß", n-n/2)
}

// email returns an address of n characters.
func email(n int) string {
	const end = "@a.example"
	if n <= len(end) {
		return ""
	}
	local := strings.Repeat("a", min(n-len(end), 64)) // RFC 5321, 4.5.3.1.1
	return local + "@" + host(n-len(local)-1)
}

// password returns one of n characters that has all that policies ask for.
func password(n int) string {
	if n < 8 {
		return ""
	}
	return "Aa1!" + strings.Repeat("ß", n-4)
}

// uri returns one of n characters.
func uri(n int) string {
	const begin = "https://a.example/"
	return begin[:min(n, len(begin))] + strings.Repeat("a", max(0, n-len(begin)))
}

// origin returns one of n characters.
func origin(n int) string {
	const begin = "https://"
	if n <= len(begin) {
		return ""
	}
	return begin + host(n-len(begin))
}

// isQuery reports whether the field is what others are searched by: any text.
func isQuery(field protoreflect.FieldDescriptor) bool {
	return strings.HasSuffix(string(field.Parent().Name()), "Query")
}

// host returns a host name of n characters.
func host(n int) string {
	const most = 60 // and never a rest of one, which would be a dot
	var labels []string
	for n > most+1 {
		labels = append(labels, strings.Repeat("a", most-1))
		n -= most
	}
	return strings.Join(append(labels, strings.Repeat("b", n)), ".")
}

// language returns a language tag of n characters.
func language(n int) string {
	switch {
	case n < 2:
		return ""
	case n < 4:
		return "deu"[:n]
	case n == 10:
		return "de-Latn-CH"
	}
	return "de-x-" + strings.Repeat("a", max(1, n-5)) // of private use
}

// publicKey returns a key of n bytes, most of them a comment.
func publicKey(t *testing.T, n int) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return append([]byte(strings.Repeat("#", n-len(block)-1)+"\n"), block...)
}

func TestTexts(t *testing.T) {
	tagged := []protoreflect.Name{"language", "default_language", "preferred_language", "allowed_languages", "list"}
	for name, form := range forms {
		for _, n := range []int{1, 2, 10, 12, 50, 60, 61, 62, 100, 119, 120, 121, 122, 200} {
			text := form(n)
			if short := n <= 5 && slices.Contains(tagged, name); text != "" && !short && utf8.RuneCountInString(text) != n {
				t.Errorf("%s of %d characters is %q", name, n, text)
			}
		}
	}
	for _, n := range []int{20, 60, 75, 136, 200, 20000} {
		if text := email(n); len(text) != n {
			t.Errorf("an address of %d characters is %q", n, text)
		}
	}
}
