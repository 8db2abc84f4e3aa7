package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/org/v2/orgv2connect"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/webkey/v2/webkeyv2connect"
)

// Client calls a server as one user. It is safe for use by many goroutines, and
// meant to be made once and kept: it holds connections, the access token and
// the position of the last change.
type Client struct {
	// Auth is what users do for themselves.
	Auth authv1connect.AuthServiceClient
	// Management administers an organization: its users, projects, members.
	Management managementv1connect.ManagementServiceClient
	// Admin administers an instance.
	Admin adminv1connect.AdminServiceClient
	// System administers the installation: it makes instances. It takes WithSystemKey.
	System systemv1connect.SystemServiceClient
	// Organizations is version 2 of the service for organizations.
	Organizations orgv2connect.OrganizationServiceClient
	// WebKeys has the keys that tokens of the instance are signed with.
	WebKeys webkeyv2connect.WebKeyServiceClient

	// session is behind a pointer, so that no way to print a client follows it.
	session *session
}

// New returns a client of the server at rawURL, which is http(s)://host[:port],
// the address of a tenant, unless WithHost names that. It takes exactly one
// credential: WithToken, WithTokenFile, WithKeyFile, WithKey, WithSystemKey or
// WithoutCredential.
//
// New reads files and makes no call: a server that is down and a token that is
// not valid show with the first call. It returns an error that names the
// option, or the URL, that is wrong; and that of ctx if it is done.
func New(ctx context.Context, rawURL string, options ...Option) (*Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	base, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	s := newSettings()
	for _, option := range options {
		if option == nil {
			return nil, errors.New("client: an option is nil")
		}
		if err := option(s); err != nil {
			return nil, err
		}
	}
	session, err := newSession(base, s)
	if err != nil {
		return nil, err
	}
	return session.client(), nil
}

// HTTPClient returns what the client sends its requests by: to the tenant of
// WithHost, and with no credential. It is for what the same server answers beside
// the API, such as its health, OAuth or gRPC reflection.
func (c *Client) HTTPClient() connect.HTTPClient { return c.session.http }

// CloseIdleConnections closes the connections that no call uses. The client can
// be used on.
func (c *Client) CloseIdleConnections() {
	if closer, ok := c.session.http.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// String names the server and tells nothing of the credential.
func (c *Client) String() string {
	if c == nil || c.session == nil {
		return "client.Client(none)"
	}
	return "client.Client(" + c.session.origin + ")"
}

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// newSession puts together what the calls of a client share.
func newSession(base *url.URL, s *settings) (*session, error) {
	if len(s.credentials) != 1 {
		return nil, s.wrongCredentials()
	}
	host, err := s.hostOn(base)
	if err != nil {
		return nil, err
	}
	if base.Scheme == "http" && !s.anonymous && !s.cleartext && !IsLoopback(base.Hostname()) {
		return nil, fmt.Errorf("client: %s is not this machine, and over http everybody on the way can read the credential: use https, or allow it by WithCleartext", base.Host)
	}
	c := &session{
		base:         base.String(),
		origin:       origin(base.Scheme, host),
		organization: s.organization,
		timeout:      s.timeout,
		retries:      s.retries,
		http:         s.http,
	}
	if c.http == nil {
		c.http = NewHTTPClient(s.protocol == grpcProtocol, nil)
	}
	if host != base.Host {
		c.http = hostClient{HTTPClient: c.http, host: host}
	}
	audience := s.audience
	if audience == "" {
		audience = c.origin
	}
	c.credential = s.credentials[0].source(exchange{
		http: c.http, endpoint: c.base + tokenPath, audience: audience, now: s.now,
	})
	c.options = s.connectOptions(c.intercept)
	return c, nil
}

func (s *session) client() *Client {
	return &Client{
		Auth:          authv1connect.NewAuthServiceClient(s.http, s.base, s.options...),
		Management:    managementv1connect.NewManagementServiceClient(s.http, s.base, s.options...),
		Admin:         adminv1connect.NewAdminServiceClient(s.http, s.base, s.options...),
		System:        systemv1connect.NewSystemServiceClient(s.http, s.base, s.options...),
		Organizations: orgv2connect.NewOrganizationServiceClient(s.http, s.base, s.options...),
		WebKeys:       webkeyv2connect.NewWebKeyServiceClient(s.http, s.base, s.options...),
		session:       s,
	}
}

// hostClient sends every request to one host, wherever it is dialled.
type hostClient struct {
	connect.HTTPClient
	host string
}

// Do sends the request. It returns what the client below does.
func (c hostClient) Do(r *http.Request) (*http.Response, error) {
	addressed := r.WithContext(r.Context()) // a copy: the request is not ours to change
	addressed.Host = c.host
	return c.HTTPClient.Do(addressed)
}

// CloseIdleConnections passes the wish on.
func (c hostClient) CloseIdleConnections() {
	if closer, ok := c.HTTPClient.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
