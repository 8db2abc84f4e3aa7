package application

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/bastide-id/bastide/server/fault"
)

// absolute is the form of a URI that codes and tokens can be sent to: a scheme
// and something behind it, without spaces, and without a fragment (RFC 6749,
// 3.1.2). Wildcards may stand in it, where not every parser of URLs wants them.
var absolute = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):[^#\s\pC]+$`)

// withHost is the form of one that names a host.
var withHost = regexp.MustCompile(`^(?i:https?)://[^/?#\s]`)

// unsafeSchemes are run or read by a browser itself.
var unsafeSchemes = []string{"javascript", "data", "vbscript", "file", "blob", "about"}

// CheckURIs returns fault.Invalid for the request fields that hold what can
// never be what it is meant to be: a place to send users back to, the origin of
// a page, a place to tell of a logout, login pages.
func (c OIDC) CheckURIs() error {
	var errs []error
	for field, uris := range map[string][]string{"redirect_uris": c.RedirectURIs, "post_logout_redirect_uris": c.PostLogoutRedirectURIs} {
		for i, uri := range uris {
			if !mayRedirect(uri) {
				errs = append(errs, fault.RedirectURIInvalid.Field(fmt.Sprintf("%s[%d]", field, i)))
			}
		}
	}
	for i, origin := range c.AdditionalOrigins {
		if !isOrigin(origin) {
			errs = append(errs, fault.OriginInvalid.Field(fmt.Sprintf("additional_origins[%d]", i)))
		}
	}
	if uri := c.BackChannelLogoutURI; uri != "" && !mayNotify(uri) {
		errs = append(errs, fault.LogoutURIInvalid.Field("back_channel_logout_uri"))
	}
	if c.Login != nil && c.Login.BaseURI != nil && *c.Login.BaseURI != "" {
		if _, ok := originOf(*c.Login.BaseURI); !ok {
			errs = append(errs, fault.LoginURIInvalid.Field("login_version.login_v2.base_uri"))
		}
	}
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return fault.Join(errs...)
}

func mayRedirect(uri string) bool {
	scheme := schemeOf(uri)
	if scheme == "" || slices.Contains(unsafeSchemes, scheme) {
		return false
	}
	return scheme != "http" && scheme != "https" || withHost.MatchString(uri)
}

// mayNotify reports whether the server can post to the URL: what it sends is
// for nobody on the way.
func mayNotify(uri string) bool {
	parsed, err := url.Parse(uri)
	if err != nil || !mayRedirect(uri) || parsed.Host == "" {
		return false
	}
	return parsed.Scheme == "https" || parsed.Scheme == "http" && isLoopback(parsed.Hostname())
}

// schemeOf returns the scheme of an absolute URI in lower case, empty for
// anything else.
func schemeOf(uri string) string {
	match := absolute.FindStringSubmatch(uri)
	if match == nil {
		return ""
	}
	return strings.ToLower(match[1])
}

// originOf returns the origin of a web page (RFC 6454).
func originOf(uri string) (string, bool) {
	if !withHost.MatchString(uri) || schemeOf(uri) == "" {
		return "", false
	}
	parsed, err := url.Parse(uri)
	if err != nil || parsed.User != nil {
		return "", false
	}
	return parsed.Scheme + "://" + parsed.Host, true
}

// isOrigin reports whether a text is nothing but an origin, of any scheme: apps
// that carry a browser with them have pages of their own.
func isOrigin(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && schemeOf(text) != "" && parsed.Host != "" && strings.EqualFold(text, parsed.Scheme+"://"+parsed.Host)
}

// isLoopback reports whether a host is the machine itself (RFC 8252, 7.3).
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
