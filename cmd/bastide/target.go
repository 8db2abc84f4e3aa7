package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/sdk/go/client"
	"github.com/bastide-id/bastide/server"
)

// connectProtocol is the protocol that calls speak unless told otherwise.
const connectProtocol = "connect"

// target is the server that a command calls, and how.
type target struct {
	URL       string        `name:"url" placeholder:"URL" help:"URL of the server; without it that of the server of the data directory."`
	Protocol  string        `enum:"connect,grpc,grpc-web" placeholder:"NAME" default:"connect" help:"Protocol to speak: connect, grpc or grpc-web."`
	CACert    string        `name:"cacert" placeholder:"FILE" help:"PEM certificates to trust beside the system's; without it the --tls-cert of the settings."`
	Cleartext bool          `help:"Send the credential over http to another machine, where others can read it."`
	Timeout   time.Duration `placeholder:"TIME" default:"30s" help:"Longest that the command may take."`
}

// located is where a server is.
type located struct {
	url string
	// external is the URL that the server of the data directory has for itself;
	// empty for another server, whom the secrets of the directory do not concern.
	external string
	// down is why the server of the data directory did not say where it is; nil
	// if it did. While it is down anybody can have its port.
	down    error
	dataDir string
	tlsCert string
}

// locate finds the server to call: that of --url, else that of the data
// directory, which says where it is if it runs.
func (t target) locate(ctx context.Context, c server.Config) (located, error) {
	at := located{url: t.URL, dataDir: c.DataDir, tlsCert: c.TLSCert}
	switch {
	case t.Timeout <= 0:
		return at, usageError{fmt.Errorf("--timeout: %s is no time: give one such as 30s", t.Timeout)}
	case t.URL != "":
		if _, err := client.New(ctx, t.URL, client.WithoutCredential()); err != nil {
			return at, flagged(err)
		}
	}
	own := ""
	status, err := server.ReadStatus(ctx, c.DataDir)
	at.down = err
	switch {
	case err == nil:
		own = status.URL
	case ctx.Err() != nil:
		return at, ended(ctx.Err())
	case c.ExternalPort != 0:
		own = c.ExternalURL()
	case t.URL == "":
		return at, fmt.Errorf("the server's port is in no setting: start the server, or give --url: %w", err)
	}
	if t.URL == "" {
		at.url = own
	}
	if sameServer(at.url, own) {
		at.external = own
	}
	return at, nil
}

// sameServer reports whether two URLs are those of one server, as far as that
// can be told: they have the same port, of the same name or of this machine.
func sameServer(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	if errX != nil || errY != nil || x.Scheme != y.Scheme || portOf(x) != portOf(y) {
		return false
	}
	return strings.EqualFold(x.Hostname(), y.Hostname()) || client.IsLoopback(x.Hostname()) && client.IsLoopback(y.Hostname())
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return u.Scheme
}

// host is the host name of the URL.
func (l located) host() string {
	u, err := url.Parse(l.url)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// remote is a server that can be called.
type remote struct {
	*client.Client
	located
	// asking is the client that asks for the methods of the server.
	asking connect.HTTPClient
	// noting is the one that calls them.
	noting *noting
}

// connect returns the server with the options of the flags and those given.
func (t target) connect(ctx context.Context, at located, host string, options ...client.Option) (*remote, error) {
	trusted, err := t.trusted(at)
	if err != nil {
		return nil, err
	}
	calling := &noting{Client: client.NewHTTPClient(t.Protocol == "grpc", trusted)}
	options = append(options, client.WithHTTPClient(calling))
	// Reflection is gRPC, whatever the calls are.
	reflecting := []client.Option{client.WithoutCredential(), client.WithHTTPClient(client.NewHTTPClient(true, trusted))}
	switch t.Protocol {
	case "grpc":
		options = append(options, client.WithGRPC())
	case "grpc-web":
		options = append(options, client.WithGRPCWeb())
	}
	if t.Cleartext {
		options = append(options, client.WithCleartext())
	}
	if host != "" {
		options = append(options, client.WithHost(host))
		reflecting = append(reflecting, client.WithHost(host))
	}
	c, err := client.New(ctx, at.url, options...)
	if err != nil {
		return nil, flagged(err)
	}
	asking, err := client.New(ctx, at.url, reflecting...)
	if err != nil {
		return nil, flagged(err)
	}
	return &remote{Client: c, located: at, asking: asking.HTTPClient(), noting: calling}, nil
}

// trusted returns the certificates to trust, nil for the system's alone.
func (t target) trusted(at located) (*tls.Config, error) {
	flag, path := "--cacert", t.CACert
	if path == "" {
		flag, path = "--tls-cert", at.tlsCert
	}
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %s has no PEM certificate", flag, path)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}
