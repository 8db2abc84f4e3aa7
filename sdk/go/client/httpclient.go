package client

import (
	"crypto/tls"
	"net/http"
)

// NewHTTPClient returns a client such as New makes for itself, to be given by
// WithHTTPClient with other certificates than the system trusts: names under .localhost are this machine, redirects are not
// followed. With http2 it speaks only that, over http by prior knowledge, as
// gRPC needs it. config may be nil.
func NewHTTPClient(http2 bool, config *tls.Config) *http.Client {
	c := newHTTPClient(http2)
	c.Transport.(*http.Transport).TLSClientConfig = config
	return c
}

// IsLoopback reports whether a host name or address is always this machine:
// localhost and the names under it (RFC 6761, 6.3), 127.0.0.0/8 and ::1. It is
// where a credential goes over http without WithCleartext.
func IsLoopback(name string) bool { return isLoopback(name) }
