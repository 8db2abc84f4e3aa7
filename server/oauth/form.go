package oauth

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bastide-id/bastide/server/fault"
)

// maxForm bounds the body of a request.
const maxForm = 64 << 10

// secretParameters may be credentials. In an address they would end up in logs.
var secretParameters = []string{
	"client_secret", "client_assertion", "assertion", "token", "access_token", "refresh_token",
	"subject_token", "actor_token", "password", "code",
}

// readForm reads the parameters, which are in the body only. It returns a
// refusal for another content type, a malformed or too large body, text that is
// not UTF-8 (RFC 6749, B) or has U+0000, a parameter sent twice (RFC 6749, 3.2),
// and credentials in the address (RFC 6749, 2.3.1), and fault.DeadlinePassed for
// a body that did not come in time.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &refusal{code: invalidRequest, description: "the query of the address is malformed: parameters belong in the body"}
	}
	for _, name := range secretParameters {
		if query.Has(name) {
			return nil, &refusal{code: invalidRequest, description: "the parameter " + name + " must be in the body, not in the address"}
		}
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, &refusal{code: invalidRequest, description: "the content type must be application/x-www-form-urlencoded"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &refusal{code: invalidRequest, description: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fault.DeadlinePassed.With().Because(err)
	}
	if err != nil {
		return nil, &refusal{code: invalidRequest, description: "the body could not be read"}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &refusal{code: invalidRequest, description: "the body is not a form"}
	}
	for name, values := range form {
		if !isText(name) || slices.ContainsFunc(values, func(value string) bool { return !isText(value) }) {
			return nil, &refusal{code: invalidRequest, description: "a parameter is not UTF-8, or has U+0000"}
		}
		if len(values) > 1 && !mayRepeat(form, name) {
			return nil, &refusal{code: invalidRequest, description: "a parameter is sent more than once"}
		}
	}
	return form, nil
}

// isText reports whether a text is one that the database can hold.
func isText(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// parameter returns the value of a required parameter. One without a value
// counts as left out (RFC 6749, 3.2).
func parameter(form url.Values, name string) (string, error) {
	value := form.Get(name)
	if value == "" {
		return "", &refusal{code: invalidRequest, description: "the parameter " + name + " is missing"}
	}
	return value, nil
}
