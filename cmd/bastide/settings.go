package main

import (
	"encoding"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/bastide-id/bastide/server"
)

// settings is everything that serve can be told. Its flags are at the same time
// the environment variables and the keys of the file: see sources.
type settings struct {
	place    `group:"place"`
	database `group:"place"`
	address  `group:"address"`
	access   `group:"access"`
	keys     `group:"keys"`
	limits   `group:"limits"`
	memory   `group:"memory"`
	logging  `group:"log"`
}

type place struct {
	Config  string `placeholder:"FILE" help:"YAML file with the same settings."`
	DataDir string `placeholder:"DIR" default:"${dataDir}" help:"Directory for the SQLite database and the secret files."`
}

type database struct {
	Database      string `placeholder:"URL" help:"PostgreSQL, as postgres://user:password@host/name; without it SQLite in the data directory."`
	MasterKeyFile string `placeholder:"FILE" help:"File of the master key; without it master.key in the data directory."`
}

type address struct {
	Listen         string `placeholder:"ADDR" default:"${listen}" help:"Address to listen on, host:port."`
	ExternalDomain string `placeholder:"HOST" default:"${externalDomain}" help:"Host name by which callers reach the server."`
	ExternalPort   int    `placeholder:"PORT" default:"0" help:"Port by which callers reach the server; 0 is the port it listens on."`
	ExternalSecure bool   `help:"Callers use https, though a proxy ends it; always so with a certificate."`
	TLSCert        string `name:"tls-cert" placeholder:"FILE" help:"PEM certificate to listen with TLS."`
	TLSKey         string `name:"tls-key" placeholder:"FILE" help:"PEM private key of the certificate."`
}

type access struct {
	DefaultInstance string    `placeholder:"ID" help:"Instance for hosts that none owns: an id, or none; without it the first instance."`
	TrustedProxies  []network `placeholder:"NET,…" help:"Networks or addresses of proxies whose x-forwarded-… and x-zitadel-instance-host headers count."`
	CORSOrigins     []string  `name:"cors-origins" placeholder:"ORIGIN,…" help:"Origins whose pages may call, such as https://app.example.com or https://*.example.com; localhost for all ports of this machine, * for every origin, none for nobody. Without it localhost if the server listens on a loopback address."`
	Docs            bool      `default:"true" negatable:"" help:"Serve the description of the API at /openapi.json, and a page at /docs that shows it and can try a call."`
}

type keys struct {
	SigningKeyLifetime time.Duration `placeholder:"TIME" default:"${signingKeyLifetime}" help:"How long a key of an instance signs tokens before another one follows it; a negative time is for ever."`
}

type limits struct {
	MaxHeaderBytes   int           `placeholder:"N" default:"${maxHeaderBytes}" help:"Largest header of a request."`
	HeaderTimeout    time.Duration `placeholder:"TIME" default:"${headerTimeout}" help:"Longest a request's header may take to arrive."`
	IdleTimeout      time.Duration `placeholder:"TIME" default:"${idleTimeout}" help:"A connection without calls is closed after it."`
	CallTimeout      time.Duration `placeholder:"TIME" default:"${callTimeout}" help:"Longest a call may take."`
	MaxBodyBytes     int           `placeholder:"N" default:"${maxBodyBytes}" help:"Largest body of a request, after decompression."`
	MaxHTTP2Streams  int           `name:"max-http2-streams" placeholder:"N" default:"${maxHTTP2Streams}" help:"Most calls at once on a connection."`
	DefaultListLimit int           `placeholder:"N" help:"Page of a list call that asks for no size; without it 1000, or the largest page if that is less."`
	MaxListLimit     int           `placeholder:"N" default:"${maxListLimit}" help:"Largest page of a list call."`
	DrainTimeout     time.Duration `placeholder:"TIME" default:"${drainTimeout}" help:"Longest that running calls may take to end when the server stops."`
	PasswordWorkers  int           `placeholder:"N" default:"${passwordWorkers}" help:"Most passwords hashed at once."`
}

type memory struct {
	CacheSize uint `placeholder:"N" default:"${cacheSize}" help:"Most answers of the database that each cache holds; 0 caches nothing."`
}

type logging struct {
	LogFormat string `enum:"text,json" placeholder:"text|json" default:"text" help:"Form of the log, which goes to standard error."`
	LogLevel  string `enum:"debug,info,warn,error" placeholder:"LEVEL" default:"info" help:"Least level to log: debug, info, warn or error."`
}

// groups are the headings of --help and of config print.
var groups = []kong.Group{
	{Key: "command", Title: "This command"},
	{Key: "target", Title: "Which server"},
	{Key: "credential", Title: "Who calls"},
	{Key: "place", Title: "Where things lie"},
	{Key: "address", Title: "Address"},
	{Key: "access", Title: "Access"},
	{Key: "keys", Title: "Keys"},
	{Key: "limits", Title: "Limits"},
	{Key: "memory", Title: "Memory"},
	{Key: "log", Title: "Log"},
}

// commandGroups are the headings of the commands in --help.
var commandGroups = []kong.Group{
	{Key: "run", Title: "Run a server"},
	{Key: "use", Title: "Use a server"},
	{Key: "program", Title: "This program"},
}

// defaults gives the tags above the server's own defaults.
func defaults(c server.Config) map[string]string {
	return map[string]string{
		"dataDir":            c.DataDir,
		"firstSystemUser":    server.FirstSystemUser,
		"listen":             c.Listen,
		"externalDomain":     c.ExternalDomain,
		"signingKeyLifetime": c.SigningKeyLifetime.String(),
		"maxHeaderBytes":     strconv.Itoa(c.Limits.MaxHeaderBytes),
		"headerTimeout":      c.Limits.HeaderTimeout.String(),
		"idleTimeout":        c.Limits.IdleTimeout.String(),
		"callTimeout":        c.Limits.CallTimeout.String(),
		"maxBodyBytes":       strconv.Itoa(c.Limits.MaxBodyBytes),
		"maxHTTP2Streams":    strconv.Itoa(c.Limits.MaxHTTP2Streams),
		"maxListLimit":       strconv.Itoa(c.Limits.MaxListLimit),
		"drainTimeout":       c.Limits.DrainTimeout.String(),
		"passwordWorkers":    strconv.Itoa(c.Limits.PasswordWorkers),
		"cacheSize":          strconv.Itoa(c.CacheSize),
	}
}

func (p place) apply(c *server.Config) { c.DataDir = p.DataDir }

func (d database) apply(c *server.Config) {
	c.Database = server.Secret(d.Database)
	c.MasterKeyFile = d.MasterKeyFile
}

func (a address) apply(c *server.Config) {
	c.Listen = a.Listen
	c.ExternalDomain, c.ExternalPort, c.ExternalSecure = a.ExternalDomain, a.ExternalPort, a.ExternalSecure
	c.TLSCert, c.TLSKey = a.TLSCert, a.TLSKey
}

func (a access) apply(c *server.Config) {
	c.DefaultInstance = a.DefaultInstance
	c.CORSOrigins = a.CORSOrigins
	c.NoDocs = !a.Docs
	for _, n := range a.TrustedProxies {
		c.TrustedProxies = append(c.TrustedProxies, n.Prefix)
	}
}

func (k keys) apply(c *server.Config) { c.SigningKeyLifetime = k.SigningKeyLifetime }

func (l limits) apply(c *server.Config) { c.Limits = server.Limits(l) }

func (m memory) apply(c *server.Config) {
	c.CacheSize = int(min(m.CacheSize, math.MaxInt))
	if m.CacheSize == 0 {
		c.CacheSize = -1
	}
}

// logger writes to the standard error of the process.
func (l logging) logger(p *process) *slog.Logger {
	var level slog.Level
	// The enum of the flag lets nothing through that is not a level.
	_ = level.UnmarshalText([]byte(l.LogLevel))
	options := &slog.HandlerOptions{Level: level}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, options))
	}
	return slog.New(slog.NewTextHandler(p.stderr, options))
}

// config returns the server's configuration, with its defaults and checked.
func (s settings) config(p *process, src *sources) (server.Config, error) {
	c := server.Config{SystemUsers: src.file.systemUsers, Log: s.logger(p)}
	return complete(c, s.place, s.database, s.address, s.access, s.keys, s.limits, s.memory)
}

// complete applies parts of the settings to c and fills in the rest. An error
// is a usageError.
func complete(c server.Config, parts ...interface{ apply(*server.Config) }) (server.Config, error) {
	for _, part := range parts {
		part.apply(&c)
	}
	c, err := c.WithDefaults()
	if err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// network is a range of addresses, or one address.
type network struct{ netip.Prefix }

var _ encoding.TextUnmarshaler = (*network)(nil)

// UnmarshalText takes 10.0.0.0/8 and 192.0.2.1 alike.
func (n *network) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is not a network: give addresses such as 10.0.0.0/8 or 192.0.2.1", s)
	}
	n.Prefix = prefix.Masked()
	return nil
}
