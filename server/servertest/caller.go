//go:build unix

package servertest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/net/idna"
	"google.golang.org/protobuf/proto"

	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/org/v2/orgv2connect"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
	"github.com/bastide-id/bastide/gen/zitadel/webkey/v2/webkeyv2connect"
)

// Protocol is a way to make calls.
type Protocol string

// The protocols.
const (
	ConnectJSON  Protocol = "connect-json"
	ConnectProto Protocol = "connect-proto"
	GRPC         Protocol = "grpc"
	GRPCWeb      Protocol = "grpc-web"
	GRPCWebText  Protocol = "grpc-web-text"
	REST         Protocol = "rest"
)

// Protocols are all protocols. Between them they use HTTP/1.1 and cleartext
// HTTP/2.
var Protocols = []Protocol{ConnectJSON, ConnectProto, GRPC, GRPCWeb, GRPCWebText, REST}

// Caller makes calls with a token, to a host, by a protocol. The clients are
// the same for every protocol, and so are the errors: a REST answer is brought
// into the form of Connect.
type Caller struct {
	System     systemv1connect.SystemServiceClient
	Admin      adminv1connect.AdminServiceClient
	Management managementv1connect.ManagementServiceClient
	Auth       authv1connect.AuthServiceClient
	// Organization is the service of version 2.
	Organization orgv2connect.OrganizationServiceClient
	WebKey       webkeyv2connect.WebKeyServiceClient

	server   *Server
	protocol Protocol
	host     string
	header   http.Header
	// answered is the header of the last answer, be it an error.
	answered *atomic.Pointer[http.Header]
}

// As returns a caller with a token, by Connect JSON to the external domain.
// With an empty token it sends none.
func (s *Server) As(token string) *Caller {
	u, _ := url.Parse(s.URL)
	c := &Caller{server: s, protocol: ConnectJSON, host: u.Host, header: http.Header{}}
	if token != "" {
		s.secrets.add(token)
		c.header.Set("Authorization", "Bearer "+token)
	}
	return c.connect()
}

// AsSystem returns a caller with a token of the first run's system user.
func (s *Server) AsSystem(t testing.TB) *Caller {
	t.Helper()
	return s.As(s.SystemToken(t))
}

// Via returns the caller with another protocol.
func (c *Caller) Via(p Protocol) *Caller {
	changed := *c
	changed.protocol = p
	return changed.connect()
}

// On returns the caller on another host. One without a port gets that of the
// server. As every client does, it sends a name with other than ASCII letters
// in its ASCII form.
func (c *Caller) On(host string) *Caller {
	changed := *c
	// Go's client does so too, but dials forever for HTTP/2 without TLS.
	if ascii, err := idna.Punycode.ToASCII(host); err == nil {
		host = ascii
	}
	changed.host = host
	if _, _, err := net.SplitHostPort(host); err != nil {
		_, port, _ := net.SplitHostPort(c.server.Address)
		changed.host = net.JoinHostPort(host, port)
	}
	return changed.connect()
}

// With returns the caller with one more header. A name that is there already
// is sent once more.
func (c *Caller) With(name, value string) *Caller {
	changed := *c
	changed.header = c.header.Clone()
	changed.header.Add(name, value)
	return changed.connect()
}

// In returns the caller that chooses an organization.
func (c *Caller) In(organizationID string) *Caller { return c.With("X-Zitadel-Orgid", organizationID) }

// NextPageToken returns that of the last answer; empty if it was the last page.
func (c *Caller) NextPageToken() string { return c.answer("X-Bastide-Next-Page-Token") }

// Position returns that of what the last call changed; empty if it was nothing.
func (c *Caller) Position() string { return c.answer("X-Bastide-Position") }

// Knowing returns the caller that knows of the change at a position.
func (c *Caller) Knowing(position string) *Caller { return c.With("X-Bastide-Position", position) }

// answer returns a header of the last answer.
func (c *Caller) answer(name string) string {
	header := c.answered.Load()
	if header == nil {
		return ""
	}
	return header.Get(name)
}

// Page returns the caller that asks for the page of a token.
func (c *Caller) Page(token string) *Caller { return c.With("X-Bastide-Page-Token", token) }

// EachPage reads a list by its page tokens: read makes the call, with the caller
// it is given, for every page in turn.
func (c *Caller) EachPage(t testing.TB, read func(*Caller)) {
	t.Helper()
	const most = 100
	page := c.Via(c.protocol) // of its own, for read may call with c as well
	for n := 0; ; n++ {
		read(page)
		token := page.NextPageToken()
		if token == "" {
			return
		}
		if n == most {
			t.Fatal("the list does not end")
		}
		page = c.Page(token)
	}
}

// connect gives the caller clients of its own.
func (c *Caller) connect() *Caller {
	var client connect.HTTPClient = c.server.http1
	options := []connect.ClientOption{connect.WithInterceptors(connect.UnaryInterceptorFunc(c.intercept))}
	switch c.protocol {
	case ConnectJSON:
		options = append(options, connect.WithProtoJSON())
	case ConnectProto:
		client = c.server.http2
	case GRPC:
		client = c.server.http2
		options = append(options, connect.WithGRPC())
	case GRPCWeb:
		options = append(options, connect.WithGRPCWeb())
	case GRPCWebText:
		client = webText{client}
		options = append(options, connect.WithGRPCWeb())
	case REST:
		client = rest{client}
		options = append(options, connect.WithProtoJSON())
	}
	c.answered = new(atomic.Pointer[http.Header])
	base := "http://" + c.host
	c.System = systemv1connect.NewSystemServiceClient(client, base, options...)
	c.Admin = adminv1connect.NewAdminServiceClient(client, base, options...)
	c.Management = managementv1connect.NewManagementServiceClient(client, base, options...)
	c.Auth = authv1connect.NewAuthServiceClient(client, base, options...)
	c.Organization = orgv2connect.NewOrganizationServiceClient(client, base, options...)
	c.WebKey = webkeyv2connect.NewWebKeyServiceClient(client, base, options...)
	return c
}

// intercept adds the headers to a call, and remembers its secrets.
func (c *Caller) intercept(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		for name, values := range c.header {
			request.Header()[name] = values
		}
		c.remember(request.Any())
		response, err := next(ctx, request)
		if err == nil {
			c.remember(response.Any())
			header := response.Header()
			c.answered.Store(&header)
		} else if refused := new(connect.Error); errors.As(err, &refused) {
			header := refused.Meta()
			c.answered.Store(&header)
		}
		return response, err
	}
}

func (c *Caller) remember(message any) {
	if m, ok := message.(proto.Message); ok {
		c.server.secrets.addMessage(m)
	}
}

// EachProtocol runs a test once by every protocol, as subtests.
func (c *Caller) EachProtocol(t *testing.T, test func(*testing.T, *Caller)) {
	t.Helper()
	for _, p := range Protocols {
		t.Run(string(p), func(t *testing.T) { test(t, c.Via(p)) })
	}
}

// Name returns a name that no other protocol of a test uses.
func (c *Caller) Name(name string) string { return name + "-" + string(c.protocol) }
