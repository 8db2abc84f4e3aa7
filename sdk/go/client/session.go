package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
)

// The headers of the API.
const (
	headerAuthorization = "Authorization"
	headerOrganization  = "X-Zitadel-Orgid"
	headerPosition      = "X-Bastide-Position"
	headerPageToken     = "X-Bastide-Page-Token"
	headerNextPageToken = "X-Bastide-Next-Page-Token"
)

// session is what the calls of a client share.
type session struct {
	// base is where to connect to, origin how the tenant is addressed.
	base, origin string
	organization string
	timeout      time.Duration
	retries      retries
	http         connect.HTTPClient
	options      []connect.ClientOption
	credential   credential
	// position is that of the answer that came last. The server takes it for
	// all answers before it as well, of whichever process.
	position atomic.Pointer[string]
}

type organizationKey struct{}

// InOrganization returns a context whose calls act in the organization,
// whatever WithOrganization says. An empty id stands for the caller's own.
func InOrganization(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, organizationKey{}, id)
}

// intercept adds to every call what the session knows: it is the one place
// that all calls, of all services, go through.
func (s *session) intercept(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.timeout)
			defer cancel()
		}
		if err := s.address(ctx, request.Header()); err != nil {
			return nil, typed(connect.NewError(connect.CodeInvalidArgument, err))
		}
		response, err := s.repeat(ctx, request, next)
		if err != nil {
			return nil, typed(err)
		}
		if p := pageOf(ctx); p != nil {
			p.next = response.Header().Get(headerNextPageToken)
		}
		return response, nil
	}
}

// address sets the headers that stay the same when a call is repeated.
func (s *session) address(ctx context.Context, header http.Header) error {
	organization, chosen := ctx.Value(organizationKey{}).(string)
	if !chosen {
		organization = s.organization
	}
	if organization != "" {
		if err := checkHeader(organization); err != nil {
			return fmt.Errorf("InOrganization: the id %w", err)
		}
		header.Set(headerOrganization, organization)
	}
	if p := pageOf(ctx); p != nil && p.token != "" {
		if err := checkHeader(p.token); err != nil {
			return fmt.Errorf("the page token %w", err)
		}
		header.Set(headerPageToken, p.token)
	}
	return nil
}

// repeat makes a call until it is answered for good: once more with a new token
// if the one that was kept is refused, and a few times if the server is
// unavailable and the call is a read. What failed before it got its token was
// never made, so it is repeated whatever it is.
func (s *session) repeat(ctx context.Context, request connect.AnyRequest, next connect.UnaryFunc) (connect.AnyResponse, error) {
	read := request.Spec().IdempotencyLevel == connect.IdempotencyNoSideEffects
	var refused string
	for tries := 1; ; tries++ {
		token, kept, err := s.credential.token(ctx, refused)
		repeatable := true
		if err == nil {
			var response connect.AnyResponse
			response, err = s.attempt(ctx, token, request, next)
			if err == nil {
				return response, nil
			}
			if kept && refused == "" && connect.CodeOf(err) == connect.CodeUnauthenticated {
				refused = token
				tries--
				continue
			}
			repeatable = read
		}
		if !repeatable || connect.CodeOf(err) != connect.CodeUnavailable || !s.retries.wait(ctx, tries) {
			return nil, err
		}
	}
}

// attempt makes a call once.
func (s *session) attempt(ctx context.Context, token string, request connect.AnyRequest, next connect.UnaryFunc) (connect.AnyResponse, error) {
	if token != "" {
		request.Header().Set(headerAuthorization, "Bearer "+token)
	}
	if position := s.position.Load(); position != nil {
		request.Header().Set(headerPosition, *position)
	}
	response, err := next(ctx, request)
	if err != nil {
		if refused := new(connect.Error); errors.As(err, &refused) {
			s.note(refused.Meta())
		}
		return nil, unavailable(ctx, err)
	}
	s.note(response.Header())
	return response, nil
}

// note remembers the position of an answer. An error may have one as well: the
// change was made, and something behind it failed.
func (s *session) note(header http.Header) {
	if position := header.Get(headerPosition); position != "" {
		s.position.Store(&position)
	}
}
