package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The words for origins that have no name of their own.
const (
	// EveryOrigin stands for all origins.
	EveryOrigin = "*"
	// NoOrigin stands for none.
	NoOrigin = "none"
	// LocalOrigins stands for the pages of one's own machine: localhost, names
	// below it, 127.0.0.1 and [::1], on any port.
	LocalOrigins = "localhost"
)

// Origins are the origins whose pages may call. The zero value has none.
type Origins struct {
	every    bool
	patterns []originPattern
}

// origin is where a page comes from (RFC 6454), in lower case, the host in its
// ASCII form, the port always there.
type origin struct{ scheme, host, port string }

// originPattern is an origin, or a set of them.
type originPattern struct {
	origin
	// below takes the names below the host, and not the host itself.
	below bool
	// anywhere takes every scheme and port.
	anywhere bool
}

// ParseOrigins returns the origins that the texts name: scheme://host[:port],
// where the first label of a host may be * for the names below the rest;
// LocalOrigins; or by itself EveryOrigin or NoOrigin. It returns an error that
// quotes each text that is none of these.
func ParseOrigins(texts []string) (Origins, error) {
	var all Origins
	var errs []error
	for _, text := range texts {
		text = strings.TrimSpace(text)
		switch {
		case (text == EveryOrigin || text == NoOrigin) && len(texts) > 1:
			errs = append(errs, fmt.Errorf("%q goes with no other origin", text))
		case text == EveryOrigin:
			all.every = true
		case text == NoOrigin:
		case text == LocalOrigins:
			all.patterns = append(all.patterns, localPatterns...)
		default:
			pattern, err := parsePattern(text)
			if err != nil {
				errs = append(errs, err)
			}
			all.patterns = append(all.patterns, pattern)
		}
	}
	return all, errors.Join(errs...)
}

// localPatterns are those of LocalOrigins.
var localPatterns = []originPattern{
	{origin: origin{host: "localhost"}, anywhere: true},
	{origin: origin{host: "localhost"}, anywhere: true, below: true},
	{origin: origin{host: "127.0.0.1"}, anywhere: true},
	{origin: origin{host: "[::1]"}, anywhere: true},
}

func parsePattern(text string) (originPattern, error) {
	plain, below := strings.Replace(text, "://*.", "://", 1), strings.Contains(text, "://*.")
	parsed, ok := parseOrigin(plain)
	if _, err := netip.ParseAddr(parsed.host); !ok || below && (err == nil || parsed.host[0] == '[') {
		return originPattern{}, fmt.Errorf("%q is not an origin: give a scheme, http or https, and a host, perhaps with a port, and no path, such as https://app.example.com, or https://*.example.com for the names below", text)
	}
	return originPattern{origin: parsed, below: below}, nil
}

// parseOrigin returns the origin that a text names. ok is false if it names none
// of HTTP, also where it does so in another way than origins are written.
func parseOrigin(text string) (o origin, ok bool) {
	scheme, host, ok := strings.Cut(text, "://")
	o.scheme = strings.ToLower(scheme)
	switch o.scheme {
	case "http":
		o.port = "80"
	case "https":
		o.port = "443"
	default:
		return origin{}, false
	}
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		port, err := strconv.ParseUint(host[colon+1:], 10, 16)
		if err != nil || port == 0 {
			return origin{}, false
		}
		host, o.port = host[:colon], strconv.FormatUint(port, 10)
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		inner, closed := strings.CutSuffix(inner, "]")
		address, err := netip.ParseAddr(inner)
		o.host = "[" + address.String() + "]"
		return o, ok && closed && err == nil && address.Is6() && address.Zone() == ""
	}
	if strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "..") {
		return origin{}, false // another name for the same host, and another origin
	}
	o.host, ok = asciiHost(host)
	return o, ok
}

// allow reports whether the pages of an origin, as browsers write it, may call.
func (o Origins) allow(text string) bool {
	if o.every {
		return true
	}
	from, ok := parseOrigin(text)
	if !ok {
		return false
	}
	for _, p := range o.patterns {
		if p.matches(from) {
			return true
		}
	}
	return false
}

func (p originPattern) matches(o origin) bool {
	if !p.anywhere && (p.scheme != o.scheme || p.port != o.port) {
		return false
	}
	if p.below {
		return strings.HasSuffix(o.host, "."+p.host)
	}
	return p.host == o.host
}

// none reports whether nobody's pages may call.
func (o Origins) none() bool { return !o.every && len(o.patterns) == 0 }
