// Package wire puts HTTP around the API services: it finds the instance and the
// caller of a call, decides whether the caller may make it, bounds it, speaks
// Connect, gRPC, gRPC-Web and REST, and renders every error in one place.
//
// It knows no database: what it asks of lower rooms is handed in as functions.
package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/permission"
)

// Config is what the wire needs to know and to ask.
type Config struct {
	// Resolve returns the id of the instance that answers on the host, which is
	// in lower case, in its ASCII form and without a port. own tells that the
	// instance owns the host; it is false for the default instance.
	// It returns fault.HostUnknown if no instance answers.
	Resolve func(ctx context.Context, host string) (id string, own bool, err error)
	// Authenticate returns the caller of a bearer token. ctx has the instance,
	// without an id on an unknown host. audiences are the URLs that a system
	// user's token may name. It returns fault.TokenInvalid for every kind of
	// bad token; other errors travel to the log.
	Authenticate func(ctx context.Context, token string, audiences []string) (caller.Caller, error)
	// Memberships returns the memberships of a user in the instance of ctx.
	Memberships func(ctx context.Context, c caller.Caller) ([]caller.Membership, error)
	// Directory answers what a permission is decided on.
	Directory permission.Directory
	// Pages makes and reads page tokens; without it lists have none.
	Pages PageTokens
	// Heard reports whether this process has heard of the change at a position;
	// without it, it is taken to have heard of all.
	Heard func(caller.Position) bool
	// Confirm has this process make sure of a position, so that it has heard of it
	// the next time; without it, Heard finds out by itself. It is called for
	// callers who are authenticated.
	Confirm func(caller.Position)
	// Translate makes faults of database errors and leaves others alone.
	Translate func(error) error
	// Ready returns an error while the server cannot serve.
	Ready func(ctx context.Context) error
	// ExternalURL is the URL of the installation, http(s)://host[:port].
	ExternalURL string
	// Secure tells that callers arrive by TLS, here or at a proxy before.
	Secure bool
	// TrustedProxies are the peers whose forwarding headers count:
	// X-Forwarded-Host, X-Zitadel-Instance-Host and X-Forwarded-Proto. Each may
	// be sent once, with one value; a call with a list is refused with
	// fault.HeaderRepeated. Which element of a list a caller wrote cannot be
	// told, so the first of a chain of proxies must set the header and the
	// others must leave it as it is.
	TrustedProxies []netip.Prefix
	// Origins are the origins whose pages may call (CORS).
	Origins Origins
	// CrossOriginPaths are the paths of the public handler that these pages may
	// call; others of its paths, such as those that show pages, they may not.
	CrossOriginPaths []string
	// Documents are served by their paths to whoever reads them (GET and HEAD),
	// on any host and without a token; nil for none.
	Documents map[string]http.Handler
	// Limits bound what a caller can take; a zero field means its default.
	Limits Limits
	// Log gets one line per call; slog.Default() if nil.
	Log *slog.Logger
}

// Wire carries calls from HTTP to the handlers of the services and back.
type Wire struct {
	config     Config
	limits     Limits
	log        *slog.Logger
	errors     *connect.ErrorWriter
	validator  protovalidate.Validator
	inspector  *inspector
	procedures map[string]*procedure
}

// Service is a service as the generated constructors return it.
type Service struct {
	// Path is /package.Service/.
	Path string
	// Handler serves every method of the service.
	Handler http.Handler
}

// New returns a wire. It returns an error if a function of the configuration is
// missing.
func New(config Config) (*Wire, error) {
	d := config.Directory
	if config.Resolve == nil || config.Authenticate == nil || config.Memberships == nil ||
		config.Translate == nil || config.Ready == nil ||
		d.InstanceExists == nil || d.OrganizationExists == nil || d.OwnerOf == nil {
		return nil, errors.New("wire: every function of the configuration must be set")
	}
	if config.ExternalURL == "" {
		return nil, errors.New("wire: the external URL must be set")
	}
	log := config.Log
	if log == nil {
		log = slog.Default()
	}
	return &Wire{
		config:     config,
		limits:     config.Limits.orDefaults(),
		log:        log,
		errors:     connect.NewErrorWriter(),
		procedures: make(map[string]*procedure),
	}, nil
}

// HandlerOptions returns the options that the generated handlers are to be made
// with: the interceptors and the JSON codec. The size of a message is bounded
// before a handler sees it.
func (w *Wire) HandlerOptions() []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithInterceptors(
			connect.UnaryInterceptorFunc(w.faults),
			connect.UnaryInterceptorFunc(w.permit),
			connect.UnaryInterceptorFunc(w.validate),
			connect.UnaryInterceptorFunc(w.pages),
		),
		connect.WithCodec(jsonCodec{}),
		connect.WithCompressMinBytes(compressMinBytes),
	}
}

// compressMinBytes spares small answers the cost of compression.
const compressMinBytes = 1024

// Handler returns what serves all requests: the services on every protocol,
// health, reflection, and public below the paths of OAuth and OpenID Connect,
// with the instance of the host in its context. public may be nil. It is to be
// called once, before the first request.
//
// It returns an error if a service is unknown or mounted twice, a method streams
// or has no rule, a rule names a field that does not exist, two methods share a
// REST path, or a validation rule does not compile.
func (w *Wire) Handler(services []Service, public http.Handler) (http.Handler, error) {
	if err := w.register(services); err != nil {
		return nil, err
	}
	rest, err := w.newREST(services)
	if err != nil {
		return nil, err
	}
	return &router{
		wire:   w,
		rest:   rest,
		open:   w.openHandlers(services),
		public: public,
		probes: w.probes(),
		cors:   newCORS(w.config.Origins),
	}, nil
}
