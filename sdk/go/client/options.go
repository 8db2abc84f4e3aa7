package client

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// Option is a choice that New is given.
type Option func(*settings) error

// DefaultTimeout is how long a call may take, with its repetitions, when its
// context has no deadline and WithTimeout says nothing.
const DefaultTimeout = time.Minute

// MaxAnswer is how many bytes are read of an answer; a longer one fails as
// ResourceExhausted. A page of a list is far below.
const MaxAnswer = 64 << 20

type protocol int

const (
	connectProtocol protocol = iota
	grpcProtocol
	grpcWebProtocol
)

type settings struct {
	credentials  []namedCredential
	anonymous    bool
	organization string
	host         string
	audience     string
	protocol     protocol
	protocols    []string
	http         connect.HTTPClient
	cleartext    bool
	timeout      time.Duration
	retries      retries
	now          func() time.Time
}

// namedCredential is a credential and the option that gave it.
type namedCredential struct {
	option string
	source func(exchange) credential
}

func newSettings() *settings {
	return &settings{timeout: DefaultTimeout, retries: defaultRetries(), now: time.Now}
}

// WithToken authenticates by a personal access token, or by an access token
// that somebody else renews. Space around it is left out, so that it may come
// from a file.
func WithToken(token string) Option {
	return func(s *settings) error { return s.useToken("WithToken", token) }
}

// WithTokenFile authenticates by the personal access token in a file, such as
// the owner.pat of the first start.
func WithTokenFile(path string) Option {
	return func(s *settings) error {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("client: WithTokenFile: %w", err)
		}
		return s.useToken("WithTokenFile", string(content))
	}
}

// WithKeyFile authenticates as the machine user whose key is in a file, such as
// the owner.key.json of the first start, or the key_details of AddMachineKey.
// The key never leaves the program: it signs an assertion, which the server
// exchanges for an access token; that is kept and renewed before it expires.
func WithKeyFile(path string) Option {
	return func(s *settings) error {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("client: WithKeyFile: %w", err)
		}
		return s.useKey("WithKeyFile: "+path, content)
	}
}

// WithKey authenticates as WithKeyFile does, by the content of such a file.
func WithKey(keyJSON []byte) Option {
	return func(s *settings) error { return s.useKey("WithKey", keyJSON) }
}

// WithSystemKey authenticates as a system user, by its PEM private key: RSA,
// ECDSA on P-256 or Ed25519. System users administer the installation.
func WithSystemKey(user, path string) Option {
	return func(s *settings) error {
		if user == "" {
			return errors.New("client: WithSystemKey: the user must have a name")
		}
		key, err := readPrivateKey(path)
		if err != nil {
			return fmt.Errorf("client: WithSystemKey: %w", err)
		}
		s.use("WithSystemKey", func(e exchange) credential { return newRenewed(e.now, systemIssuer(key, user, e)) })
		return nil
	}
}

// WithoutCredential calls as nobody: only the methods that are open to all
// answer.
func WithoutCredential() Option {
	return func(s *settings) error {
		s.anonymous = true
		s.use("WithoutCredential", func(exchange) credential { return nobody{} })
		return nil
	}
}

// WithOrganization chooses the organization that the calls act in. Without it
// that is the caller's own. InOrganization chooses another one for a call.
func WithOrganization(id string) Option {
	return func(s *settings) error {
		if err := checkHeader(id); err != nil {
			return fmt.Errorf("client: WithOrganization: the id %w", err)
		}
		s.organization = id
		return nil
	}
}

// WithHost addresses the tenant of a host, if that is not the host of the URL:
// then the URL only says where to connect to. A host without a port gets that
// of the URL.
func WithHost(host string) Option {
	return func(s *settings) error {
		if err := checkHost(host); err != nil {
			return fmt.Errorf("client: WithHost: it %w", err)
		}
		s.host = strings.ToLower(host)
		return nil
	}
}

// WithAudience names the server in what a key signs. It is needed where the
// server's external URL is not the one that it is addressed by, as it is behind
// some proxies; elsewhere it follows from URL and host.
func WithAudience(externalURL string) Option {
	return func(s *settings) error {
		u, err := url.Parse(externalURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return errors.New("client: WithAudience: it must be the URL of the server, such as https://id.example.com")
		}
		s.audience = strings.TrimSuffix(externalURL, "/")
		return nil
	}
}

// WithGRPC speaks gRPC. It needs HTTP/2 all the way to the server; over http it
// is spoken by prior knowledge.
func WithGRPC() Option { return withProtocol("WithGRPC", grpcProtocol) }

// WithGRPCWeb speaks gRPC-Web. Without it and WithGRPC a client speaks Connect,
// with protobuf.
func WithGRPCWeb() Option { return withProtocol("WithGRPCWeb", grpcWebProtocol) }

func withProtocol(name string, p protocol) Option {
	return func(s *settings) error {
		s.protocols = append(s.protocols, name)
		if len(s.protocols) > 1 {
			return fmt.Errorf("client: %s: give one protocol only", strings.Join(s.protocols, " and "))
		}
		s.protocol = p
		return nil
	}
}

// WithHTTPClient sends the requests by a client of your own: one with other
// certificates, proxies or instruments. It should not follow redirects, and has
// to speak HTTP/2 for WithGRPC.
func WithHTTPClient(c connect.HTTPClient) Option {
	return func(s *settings) error {
		if c == nil {
			return errors.New("client: WithHTTPClient: the client is nil")
		}
		s.http = c
		return nil
	}
}

// WithCleartext allows a credential to be sent over http to another machine.
// It is for networks where nobody listens, such as the one inside a pod.
func WithCleartext() Option {
	return func(s *settings) error {
		s.cleartext = true
		return nil
	}
}

// WithTimeout bounds each call whose context has no deadline, with its
// repetitions. Without it that is DefaultTimeout.
func WithTimeout(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return errors.New("client: WithTimeout: it must be more than nothing")
		}
		s.timeout = d
		return nil
	}
}

func (s *settings) use(option string, source func(exchange) credential) {
	s.credentials = append(s.credentials, namedCredential{option, source})
}

func (s *settings) useToken(option, token string) error {
	token = strings.TrimSpace(token)
	if err := checkHeader(token); err != nil {
		return fmt.Errorf("client: %s: the token %w", option, err)
	}
	s.use(option, func(exchange) credential { return fixed(func() string { return token }) })
	return nil
}

func (s *settings) useKey(option string, content []byte) error {
	key, err := parseKey(content)
	if err != nil {
		return fmt.Errorf("client: %s: %w", option, err)
	}
	name, _, _ := strings.Cut(option, ":")
	s.use(name, func(e exchange) credential { return newRenewed(e.now, key.issuer(e)) })
	return nil
}

// wrongCredentials says what to do when there is not exactly one.
func (s *settings) wrongCredentials() error {
	if len(s.credentials) == 0 {
		return errors.New("client: there is no credential: give WithToken, WithTokenFile, WithKeyFile, WithKey or WithSystemKey; or WithoutCredential for methods that are open to all")
	}
	names := make([]string, 0, len(s.credentials))
	for _, c := range s.credentials {
		names = append(names, c.option)
	}
	return fmt.Errorf("client: %s: give one credential only", strings.Join(names, " and "))
}

// hostOn returns the host, with its port, that is addressed at a URL.
func (s *settings) hostOn(base *url.URL) (string, error) {
	if s.host == "" {
		return base.Host, nil
	}
	u, err := url.Parse("//" + s.host)
	if err != nil {
		return "", errors.New("client: WithHost: it must be a host")
	}
	if u.Port() == "" && base.Port() != "" {
		return net.JoinHostPort(u.Hostname(), base.Port()), nil
	}
	return s.host, nil
}

func (s *settings) connectOptions(intercept connect.UnaryInterceptorFunc) []connect.ClientOption {
	options := []connect.ClientOption{connect.WithInterceptors(intercept), connect.WithReadMaxBytes(MaxAnswer)}
	switch s.protocol {
	case grpcProtocol:
		options = append(options, connect.WithGRPC())
	case grpcWebProtocol:
		options = append(options, connect.WithGRPCWeb())
	}
	return options
}

// checkHeader returns an error that says what a value must be to travel in a
// header. It does not quote the value, which may be secret.
func checkHeader(value string) error {
	if value == "" {
		return errors.New("must not be empty")
	}
	for i := range len(value) {
		if value[i] <= ' ' || value[i] >= 0x7f {
			return errors.New("must be ASCII without spaces")
		}
	}
	return nil
}
