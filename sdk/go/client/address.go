package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// parseURL reads the URL of a server. Its errors do not quote the URL: who
// writes a password into one shall not find it in a log.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Opaque != "", u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("client: the URL must be http://host or https://host, with a port if need be")
	case u.User != nil:
		return nil, errors.New("client: the URL must have no user and password: give the credential as an option, such as WithKeyFile")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, errors.New("client: the URL must have no path, query or fragment: the server answers at the root of its host")
	}
	if err := checkHost(u.Host); err != nil {
		return nil, errors.New("client: the URL " + err.Error())
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

// checkHost returns an error that says, of whatever has the host, what it must
// have.
func checkHost(host string) error {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host || u.User != nil || u.Hostname() == "" || strings.HasSuffix(host, ":") {
		return errors.New("must have a host, such as id.example.com or localhost:8080")
	}
	for i := range len(host) {
		if host[i] <= ' ' || host[i] >= 0x7f {
			return errors.New("must have the host in its ASCII form (xn--…)")
		}
	}
	return nil
}

// origin returns the URL of a host as the server writes it: without the port
// that is standard for the scheme.
func origin(scheme, host string) string {
	standard := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return scheme + "://" + strings.TrimSuffix(host, standard)
}

// IsLoopback reports whether a host name or address is always this machine:
// localhost and the names under it (RFC 6761, 6.3), 127.0.0.0/8 and ::1. It is
// where a credential goes over http without WithCleartext.
func IsLoopback(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// NewHTTPClient returns a client such as New makes for itself, to be given by
// WithHTTPClient with other certificates than the system trusts: names under
// .localhost are this machine, redirects are not followed. config may be nil.
// gRPC needs HTTP/2; without TLS, where nothing can be negotiated, it is spoken
// by prior knowledge.
func NewHTTPClient(grpc bool, config *tls.Config) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!grpc)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(grpc)
	return &http.Client{
		Transport: &http.Transport{
			Protocols:             protocols,
			Proxy:                 proxyFor(grpc),
			DialContext:           dial,
			TLSClientConfig:       config,
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   32,
			// A connection that died without a word is noticed between calls.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		},
		// No method of the API redirects. Whoever does wants the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// proxyFor returns the proxies of the environment, but for this machine, and
// for HTTP/2 without TLS, which they do not speak.
func proxyFor(grpc bool) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if IsLoopback(r.URL.Hostname()) || grpc && r.URL.Scheme == "http" {
			return nil, nil
		}
		return http.ProxyFromEnvironment(r)
	}
}

// dial connects to an address. Not every resolver knows the names under
// .localhost, so they are not asked for.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	host, port, err := net.SplitHostPort(address)
	if err != nil || net.ParseIP(host) != nil || !IsLoopback(host) {
		return dialer.DialContext(ctx, network, address)
	}
	conn, err := dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err == nil || ctx.Err() != nil {
		return conn, err
	}
	if conn, err6 := dialer.DialContext(ctx, network, net.JoinHostPort("::1", port)); err6 == nil {
		return conn, nil
	}
	return nil, err
}
