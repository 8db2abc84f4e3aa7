package wire

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
)

const (
	headerInstanceHost   = "X-Zitadel-Instance-Host"
	headerForwardedHost  = "X-Forwarded-Host"
	headerForwardedProto = "X-Forwarded-Proto"
	headerOrganization   = "X-Zitadel-Orgid"
)

// maxHost is the length of the longest name that DNS has.
const maxHost = 253

// instanceOf returns the instance that the request addresses. It returns
// fault.HostUnknown if no instance answers on the host, with an instance that
// has only its origin, and fault.HeaderRepeated.
func (w *Wire) instanceOf(ctx context.Context, r *http.Request) (caller.Instance, error) {
	external := caller.Instance{Origin: w.config.ExternalURL}
	authority, proto, err := w.addressed(r)
	if err != nil {
		return external, err
	}
	host, port, ok := splitAuthority(authority)
	if !ok {
		return external, fault.HostUnknown.With(authority[:min(len(authority), maxHost)])
	}
	id, own, err := w.config.Resolve(ctx, host)
	if err != nil {
		return external, w.config.Translate(err)
	}
	if !own {
		external.ID = id
		return external, nil
	}
	return caller.Instance{ID: id, Origin: w.origin(r, proto, host, port)}, nil
}

// addressed returns the host, perhaps with a port, that the caller addressed,
// and the scheme if a proxy tells it. Only what trusted proxies say counts.
func (w *Wire) addressed(r *http.Request) (authority, proto string, err error) {
	if !w.trusted(r.RemoteAddr) {
		return r.Host, "", nil
	}
	authority = r.Host
	for _, name := range []string{headerForwardedHost, headerInstanceHost} {
		value, err := single(r.Header, name)
		if err != nil {
			return "", "", err
		}
		if value != "" {
			authority = value
		}
	}
	proto, err = single(r.Header, headerForwardedProto)
	return authority, proto, err
}

// trusted reports whether the peer is a trusted proxy.
func (w *Wire) trusted(peer string) bool {
	if len(w.config.TrustedProxies) == 0 {
		return false
	}
	address, err := netip.ParseAddrPort(peer)
	return err == nil && slices.ContainsFunc(w.config.TrustedProxies, func(p netip.Prefix) bool {
		return p.Contains(address.Addr().Unmap())
	})
}

// origin returns the URL of the host as the caller addressed it.
func (w *Wire) origin(r *http.Request, proto, host, port string) string {
	scheme, standard := "http", "80"
	if r.TLS != nil || w.config.Secure || strings.EqualFold(proto, "https") {
		scheme, standard = "https", "443"
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && port != standard {
		host += ":" + port
	}
	return scheme + "://" + host
}

// audiences returns the URLs of this server that a token may name: the external
// one, and the one that was addressed where its port is one that leads here. A
// caller may type any port; a token for another server of the host must not
// count because of that.
func (w *Wire) audiences(ctx context.Context, origin string) []string {
	if origin != w.config.ExternalURL {
		port := portOf(origin)
		local, _ := ctx.Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if port == portOf(w.config.ExternalURL) || local != nil && port == strconv.Itoa(local.Port) {
			return []string{w.config.ExternalURL, origin}
		}
	}
	return []string{w.config.ExternalURL}
}

// portOf returns the port of http(s)://host[:port].
func portOf(url string) string {
	scheme, host, _ := strings.Cut(url, "://")
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		return host[colon+1:]
	}
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// splitAuthority returns the host of an authority, in lower case and its ASCII
// form, and its port, empty if it has none. An address of IP version 6 is
// returned without brackets. ok is false if it can not be a host.
func splitAuthority(authority string) (host, port string, ok bool) {
	host = authority
	if address, err := netip.ParseAddr(authority); err == nil {
		return address.String(), "", address.Zone() == ""
	}
	if h, p, err := net.SplitHostPort(authority); err == nil {
		host = h
		if n, err := strconv.ParseUint(p, 10, 16); err == nil && n > 0 {
			port = strconv.FormatUint(n, 10)
		}
	}
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		host = strings.TrimSuffix(inner, "]")
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return address.String(), port, address.Zone() == ""
	}
	host, ok = asciiHost(host)
	return host, port, ok
}

// asciiHost returns a name in the form in which names are compared.
func asciiHost(name string) (string, bool) {
	if !utf8.ValidString(name) {
		return "", false
	}
	name = strings.TrimSuffix(name, ".")
	for i := range len(name) {
		if name[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(name)
			if err != nil {
				return "", false
			}
			name = ascii
			break
		}
	}
	name = strings.ToLower(name)
	return name, name != "" && len(name) <= maxHost && !strings.ContainsFunc(name, notInHost)
}

// notInHost reports whether a character has no place in a host name; it keeps
// them out of the origins and links that are made of the host.
func notInHost(c rune) bool {
	return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_'
}

// single returns the value of a header that may be sent once; empty if it is
// absent. It returns fault.HeaderRepeated.
func single(h http.Header, name string) (string, error) {
	values := h[name]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || name != headerOrganization && strings.Contains(values[0], ",") {
		return "", fault.HeaderRepeated.With(strings.ToLower(name))
	}
	return strings.TrimSpace(values[0]), nil
}

// isHostUnknown reports whether no instance answers on the host of a request.
func isHostUnknown(err error) bool { return errors.Is(err, fault.HostUnknown.With("")) }
