package server

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/bastide-id/bastide/server/directory/domain"
	"github.com/bastide-id/bastide/server/outbound"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token"
	"github.com/bastide-id/bastide/server/wire"
)

// Config is what a server needs to know. The zero value of a field means what
// Defaults has there.
type Config struct {
	// Listen is the address to listen on, host:port. Port 0 takes a free one.
	Listen string
	// DataDir is the directory for the SQLite database and the secret files.
	DataDir string
	// Database is the address of a PostgreSQL database, postgres://…; empty
	// means SQLite in DataDir.
	Database Secret
	// ExternalDomain, ExternalPort and ExternalSecure are how callers reach
	// the server. Port 0 is the port it listens on.
	ExternalDomain string
	ExternalPort   int
	// ExternalSecure is true in any case with a TLS certificate.
	ExternalSecure bool
	// DefaultInstance answers on hosts that no instance owns: an instance id,
	// "none", or empty for the first instance.
	DefaultInstance string
	// MasterKeyFile is the file of the master key; empty means master.key in
	// DataDir.
	MasterKeyFile string
	// SigningKeyLifetime is how long a key of an instance signs before another
	// one follows it: 90 days if 0, for ever if negative.
	SigningKeyLifetime time.Duration
	// TLSCert and TLSKey are PEM files; without them the server speaks
	// cleartext.
	TLSCert, TLSKey string
	// TrustedProxies may say which host a request came to, and by which
	// scheme.
	TrustedProxies []netip.Prefix
	// CORSOrigins are the origins whose pages may call: scheme://host[:port],
	// *.host for the names below, wire.LocalOrigins, wire.EveryOrigin or
	// wire.NoOrigin. If empty they are wire.LocalOrigins where the server listens
	// on a loopback address, and none elsewhere.
	CORSOrigins []string
	// SystemUsers come beside the system user of the first run.
	SystemUsers []SystemUser
	Limits      Limits
	// CacheSize is how many entries each cache holds; with a negative number
	// nothing is cached.
	CacheSize int
	// NoDocs turns off the description of the API at /openapi.json and the page
	// at /docs that shows it.
	NoDocs bool
	// Log is slog.Default() if nil.
	Log *slog.Logger
	// Version is that of the program; "dev" if empty.
	Version string
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Resolver and HTTPClient read what the owners of domains publish. If nil,
	// they are the resolver of the system, and a client that reaches public
	// addresses only.
	Resolver   outbound.Resolver
	HTTPClient *http.Client
	// EraseBatch is about how many rows of what was removed are erased in one
	// transaction: 1000 if 0. With a negative number nothing is erased, and
	// still nothing of it is seen.
	EraseBatch int
	// firstRunStep is called at each step of the first run, if not nil.
	firstRunStep func(firstRunStep) error
	// rotationStep is called at each step of a rotation of the master key, if not
	// nil.
	rotationStep func(rotationStep) error
}

// NoDefaultInstance as Config.DefaultInstance turns the default instance off.
const NoDefaultInstance = "none"

// Defaults returns the configuration that the zero Config stands for.
func Defaults() Config {
	w := wire.DefaultLimits()
	return Config{
		Listen:         "127.0.0.1:8080",
		DataDir:        "./bastide-data",
		ExternalDomain: "localhost",
		CacheSize:      store.DefaultCacheSize,

		SigningKeyLifetime: token.DefaultKeyLifetime,
		Limits: Limits{
			MaxHeaderBytes:   w.MaxHeaderBytes,
			HeaderTimeout:    w.HeaderTimeout,
			IdleTimeout:      w.IdleTimeout,
			CallTimeout:      w.CallTimeout,
			MaxBodyBytes:     w.MaxBody,
			MaxHTTP2Streams:  w.MaxStreams,
			DefaultListLimit: 1000,
			MaxListLimit:     1000,
			DrainTimeout:     15 * time.Second,
			// A hash takes a whole processor for a while: half of them stay
			// free for everything else.
			PasswordWorkers: max(1, runtime.GOMAXPROCS(0)/2),
		},
	}
}

// WithDefaults returns the configuration with its zero fields filled in, and
// with the external domain in its ASCII form. The external port stays 0 if the
// port to listen on is 0.
//
// It returns an error that names the flag of each setting that is not valid
// and says what to do.
func (c Config) WithDefaults() (Config, error) {
	d := Defaults()
	c.Listen = cmp.Or(c.Listen, d.Listen)
	c.DataDir = cmp.Or(c.DataDir, d.DataDir)
	c.ExternalDomain = cmp.Or(c.ExternalDomain, d.ExternalDomain)
	c.SigningKeyLifetime = cmp.Or(c.SigningKeyLifetime, d.SigningKeyLifetime)
	c.ExternalSecure = c.ExternalSecure || c.TLSCert != ""
	c.Log = cmp.Or(c.Log, slog.Default())
	c.Version = cmp.Or(c.Version, "dev")
	c.Limits = c.Limits.or(d.Limits)
	c.CacheSize = cmp.Or(c.CacheSize, d.CacheSize)

	port, listenErr := listenPort(c.Listen)
	c.ExternalPort = cmp.Or(c.ExternalPort, port)
	host, hostErr := externalDomain(c.ExternalDomain)
	c.ExternalDomain = host
	err := errors.Join(
		listenErr, hostErr,
		checkSocket(c.DataDir),
		checkDatabase(c.Database),
		checkDefaultInstance(c.DefaultInstance),
		c.checkAddress(),
		checkOrigins(c.CORSOrigins),
		checkCacheSize(c.CacheSize),
		checkKeyLifetime(c.SigningKeyLifetime),
		c.Limits.check(),
		checkSystemUsers(c.SystemUsers),
	)
	return c, err
}

// ExternalURL returns the URL that callers use: the issuer on hosts that no
// instance owns, and the audience of a system user's token. The configuration
// has its defaults, and an external port.
func (c Config) ExternalURL() string {
	u := url.URL{Scheme: "http", Host: c.ExternalDomain}
	standard := 80
	if c.ExternalSecure {
		u.Scheme, standard = "https", 443
	}
	if c.ExternalPort != standard {
		u.Host = net.JoinHostPort(c.ExternalDomain, strconv.Itoa(c.ExternalPort))
	}
	return u.String()
}

func listenPort(listen string) (int, error) {
	_, port, err := net.SplitHostPort(listen)
	if err == nil {
		var number uint64
		if number, err = strconv.ParseUint(port, 10, 16); err == nil {
			return int(number), nil
		}
	}
	return 0, fmt.Errorf("--listen: %q is not an address: give host:port, such as 127.0.0.1:8080", listen)
}

// externalDomain returns the ASCII form of a host name, which may be an IPv4
// address here, unlike the domain of an instance that somebody asks for.
func externalDomain(host string) (string, error) {
	if address, err := netip.ParseAddr(host); err == nil && address.Is4() {
		return host, nil
	}
	ascii, err := domain.Normalize("", host)
	if err != nil {
		return "", fmt.Errorf("--external-domain: %q is not a host name: give a name without scheme and port, such as id.example.com", host)
	}
	return ascii, nil
}

// checkDatabase never repeats the address, for it has a password in it.
func checkDatabase(database Secret) error {
	if database == "" {
		return nil
	}
	u, err := url.Parse(string(database))
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" && u.RawQuery == "" {
		return errors.New("--database: not the address of a database: give postgres://user:password@host/name, or nothing for SQLite in the data directory")
	}
	return nil
}

func checkDefaultInstance(id string) error {
	isDigit := func(r rune) bool { return '0' <= r && r <= '9' }
	if id == "" || id == NoDefaultInstance || len(id) == 18 && strings.TrimLeftFunc(id, isDigit) == "" {
		return nil
	}
	return fmt.Errorf("--default-instance: %q is not an instance id: give 18 digits, or %s", id, NoDefaultInstance)
}

// maxCacheSize is more than memory would hold of most entries.
const maxCacheSize = 1 << 24

func checkCacheSize(size int) error {
	if size > maxCacheSize {
		return fmt.Errorf("--cache-size: %d is out of range: give 1 to %d, or 0 to cache nothing", size, maxCacheSize)
	}
	return nil
}

// minKeyLifetime bounds the keys that an instance publishes at once: each stays
// until what it signed has expired.
const minKeyLifetime = time.Hour

func checkKeyLifetime(lifetime time.Duration) error {
	if lifetime < 0 || lifetime >= minKeyLifetime {
		return nil
	}
	return fmt.Errorf("--signing-key-lifetime: %s is too short: give an hour (1h) or more, or a negative time for ever", lifetime)
}

func (c Config) checkAddress() error {
	var errs []error
	if c.ExternalPort < 0 || c.ExternalPort > 65535 {
		errs = append(errs, fmt.Errorf("--external-port: %d is not a port: give 1 to 65535, or 0 for the port the server listens on", c.ExternalPort))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		errs = append(errs, errors.New("--tls-cert and --tls-key belong together: give both or none"))
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() {
			errs = append(errs, errors.New("--trusted-proxies: not a network: give addresses such as 10.0.0.0/8 or 192.0.2.1"))
		}
	}
	return errors.Join(errs...)
}

func checkOrigins(texts []string) error {
	if _, err := wire.ParseOrigins(texts); err != nil {
		return fmt.Errorf("--cors-origins: %w", err)
	}
	return nil
}

// Secret is a value that must not be seen: however it is printed or logged, it
// reads "[redacted]". string(s) is the value.
type Secret string

const redacted = "[redacted]"

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]"; JSON and YAML use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
