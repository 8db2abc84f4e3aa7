package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"

	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	userv1 "github.com/bastide-id/bastide/gen/zitadel/user/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/permission"
	"github.com/bastide-id/bastide/server/wire"
)

type bare struct {
	authv1connect.UnimplementedAuthServiceHandler
}

func (bare) GetMyUser(context.Context, *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	return &authv1.GetMyUserResponse{User: &userv1.User{Id: "u1"}}, nil
}

// BenchmarkGetMyUser compares a call through the wire with one to the handler
// alone, without a network.
func BenchmarkGetMyUser(b *testing.B) {
	w, err := wire.New(wire.Config{
		Resolve: resolve, Authenticate: func(context.Context, string, []string) (caller.Caller, error) {
			return caller.Caller{Kind: caller.User, ID: "u1", OrganizationID: "o1"}, nil
		},
		Memberships: memberships, Directory: benchDirectory(), Translate: func(err error) error { return err },
		Ready: func(context.Context) error { return nil }, ExternalURL: externalURL,
	})
	if err != nil {
		b.Fatal(err)
	}
	path, handler := authv1connect.NewAuthServiceHandler(bare{}, w.HandlerOptions()...)
	whole, err := w.Handler([]wire.Service{{Path: path, Handler: handler}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	_, alone := authv1connect.NewAuthServiceHandler(bare{}, connect.WithCompressMinBytes(1024))
	procedure := "/zitadel.auth.v1.AuthService/GetMyUser"
	for name, test := range map[string]struct {
		handler           http.Handler
		verb, path, types string
	}{
		"bare":    {alone, http.MethodPost, procedure, "application/json"},
		"connect": {whole, http.MethodPost, procedure, "application/json"},
		"grpc":    {whole, http.MethodPost, procedure, "application/grpc"},
		"rest":    {whole, http.MethodGet, "/auth/v1/users/me", ""},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				body := "{}"
				if name == "grpc" {
					body = "\x00\x00\x00\x00\x00"
				}
				r := httptest.NewRequest(test.verb, "http://"+ownHost+test.path, strings.NewReader(body))
				r.Header.Set("Authorization", "Bearer "+ownerToken)
				if test.types != "" {
					r.Header.Set("Content-Type", test.types)
				}
				rec := httptest.NewRecorder()
				if test.handler.ServeHTTP(rec, r); rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body)
				}
			}
		})
	}
}

func benchDirectory() permission.Directory {
	yes := func(context.Context, string) (bool, error) { return true, nil }
	return permission.Directory{InstanceExists: yes, OrganizationExists: yes, OwnerOf: ownerOf}
}
