package wire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
)

// probes returns what answers whether the server lives and can serve, by path.
func (w *Wire) probes() map[string]http.Handler {
	return map[string]http.Handler{
		"/debug/healthz": probe(func(context.Context) error { return nil }),
		"/debug/ready": probe(func(ctx context.Context) error {
			err := w.config.Ready(ctx)
			if err != nil {
				w.log.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.Any("cause", err))
			}
			return err
		}),
	}
}

// probe returns a handler that answers 200, or 503 if check returns an error.
func probe(check func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		noStore(rw.Header())
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			rw.Header().Set("Allow", "GET, HEAD")
			rw.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if check(r.Context()) != nil {
			rw.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(rw, "not ready")
			return
		}
		_, _ = io.WriteString(rw, "ok")
	})
}

// openHandlers returns the handlers of the services that need no token, by the
// name of the service: health and reflection of gRPC.
func (w *Wire) openHandlers(services []Service) map[string]http.Handler {
	var names []string
	for _, service := range services {
		names = append(names, strings.Trim(service.Path, "/"))
	}
	limit := connect.WithReadMaxBytes(w.limits.MaxBody)
	reflector := grpcreflect.NewStaticReflector(append(slices.Clone(names), grpchealth.HealthV1ServiceName)...)
	open := make(map[string]http.Handler)
	add := func(path string, handler http.Handler) { open[strings.Trim(path, "/")] = handler }
	add(grpchealth.NewHandler(health{names: names, ready: w.config.Ready}, limit))
	add(grpcreflect.NewHandlerV1(reflector, limit))
	add(grpcreflect.NewHandlerV1Alpha(reflector, limit))
	return open
}

// health tells whether the server, or one of its services, can serve.
type health struct {
	names []string
	ready func(context.Context) error
}

// Check returns the status of a service, or of the server for an empty name. It
// returns connect.CodeNotFound for a service that is not served.
func (h health) Check(ctx context.Context, request *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if request.Service != "" && !slices.Contains(h.names, request.Service) {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("the service is not served here"))
	}
	if h.ready(ctx) != nil {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}
