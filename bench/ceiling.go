package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
	"github.com/bastide-id/bastide/server"
)

// ceiling answers each measured call with one and the same message, by the
// generated handlers with no option: no authentication, no validation, no
// database. It answers nothing else.
type ceiling struct {
	created  systemv1.CreateInstanceResponse
	members  systemv1.ListIAMMembersResponse
	instance adminv1.GetMyInstanceResponse
	org      managementv1.GetMyOrgResponse
	user     authv1.GetMyUserResponse
}

type ceilingSystem struct {
	systemv1connect.UnimplementedSystemServiceHandler
	*ceiling
}

// CreateInstance returns the answer.
func (c ceilingSystem) CreateInstance(context.Context, *systemv1.CreateInstanceRequest) (*systemv1.CreateInstanceResponse, error) {
	return &c.created, nil
}

// ListIAMMembers returns the answer.
func (c ceilingSystem) ListIAMMembers(context.Context, *systemv1.ListIAMMembersRequest) (*systemv1.ListIAMMembersResponse, error) {
	return &c.members, nil
}

type ceilingAdmin struct {
	adminv1connect.UnimplementedAdminServiceHandler
	*ceiling
}

// GetMyInstance returns the answer.
func (c ceilingAdmin) GetMyInstance(context.Context, *adminv1.GetMyInstanceRequest) (*adminv1.GetMyInstanceResponse, error) {
	return &c.instance, nil
}

type ceilingManagement struct {
	managementv1connect.UnimplementedManagementServiceHandler
	*ceiling
}

// GetMyOrg returns the answer.
func (c ceilingManagement) GetMyOrg(context.Context, *managementv1.GetMyOrgRequest) (*managementv1.GetMyOrgResponse, error) {
	return &c.org, nil
}

type ceilingAuth struct {
	authv1connect.UnimplementedAuthServiceHandler
	*ceiling
}

// GetMyUser returns the answer.
func (c ceilingAuth) GetMyUser(context.Context, *authv1.GetMyUserRequest) (*authv1.GetMyUserResponse, error) {
	return &c.user, nil
}

// serveCeiling serves the answers in the directory until standard input ends.
func serveCeiling(ctx context.Context, answers string) error {
	c := &ceiling{}
	for name, message := range map[string]proto.Message{
		"CreateInstance": &c.created, "ListIAMMembers": &c.members,
		"GetMyInstance": &c.instance, "GetMyOrg": &c.org, "GetMyUser": &c.user,
	} {
		data, err := os.ReadFile(filepath.Join(answers, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // not measured
		}
		if err == nil {
			err = proto.Unmarshal(data, message)
		}
		if err != nil {
			return err
		}
	}
	mux := http.NewServeMux()
	mux.Handle(systemv1connect.NewSystemServiceHandler(ceilingSystem{ceiling: c}))
	mux.Handle(adminv1connect.NewAdminServiceHandler(ceilingAdmin{ceiling: c}))
	mux.Handle(managementv1connect.NewManagementServiceHandler(ceilingManagement{ceiling: c}))
	mux.Handle(authv1connect.NewAuthServiceHandler(ceilingAuth{ceiling: c}))
	if err := mountOAuth(mux, answers); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := bare(mux)
	defer context.AfterFunc(serving(ctx), func() { _ = s.Close() })()
	fmt.Println(listener.Addr())
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bare returns a plain HTTP server with the limits and protocols of the true
// one.
func bare(handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	l := server.Defaults().Limits
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: l.MaxHTTP2Streams},
		MaxHeaderBytes:    l.MaxHeaderBytes,
		ReadHeaderTimeout: l.HeaderTimeout,
		IdleTimeout:       l.IdleTimeout,
		WriteTimeout:      l.CallTimeout + l.HeaderTimeout,
	}
}
