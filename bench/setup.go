package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
)

// members is how many members the first instance has when it is measured.
const members = 10

// ask makes one call over gRPC, which every server of the contract speaks, and
// reads the answer into response. It returns an error unless the call succeeds.
func (t target) ask(ctx context.Context, procedure, token string, request, response proto.Message) error {
	message, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+t.address+procedure, bytes.NewReader(envelope(message)))
	if err != nil {
		return err
	}
	r.Host = t.host
	r.Header = http.Header{
		"Content-Type":  {"application/grpc"},
		"Te":            {"trailers"},
		"Authorization": {"Bearer " + token},
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport, Timeout: spare}).Do(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	// An answer without a message has its trailer in the header.
	status := cmp.Or(answer.Trailer.Get("Grpc-Status"), answer.Header.Get("Grpc-Status"))
	if answer.StatusCode != http.StatusOK || status != "0" || len(body) < len(envelope(nil)) {
		reason := cmp.Or(answer.Trailer.Get("Grpc-Message"), answer.Header.Get("Grpc-Message"))
		return fmt.Errorf("%s: %s, gRPC status %q: %s", procedure, answer.Status, status, reason)
	}
	return proto.Unmarshal(body[len(envelope(nil)):], response)
}

// firstInstance returns the id of the instance that answers.
func (t target) firstInstance(ctx context.Context) (string, error) {
	var answer adminv1.GetMyInstanceResponse
	err := t.ask(ctx, adminv1connect.AdminServiceGetMyInstanceProcedure, t.owner, &adminv1.GetMyInstanceRequest{}, &answer)
	return answer.GetInstance().GetId(), err
}

// populate gives the first instance its members; it has one already.
func (t *target) populate(ctx context.Context) error {
	for i := 1; i < members; i++ {
		name := fmt.Sprintf("person%d", i)
		var user managementv1.ImportHumanUserResponse
		err := t.ask(ctx, managementv1connect.ManagementServiceImportHumanUserProcedure, t.owner, &managementv1.ImportHumanUserRequest{
			UserName: name,
			Profile:  &managementv1.ImportHumanUserRequest_Profile{FirstName: "Some", LastName: name},
			Email:    &managementv1.ImportHumanUserRequest_Email{Email: name + "@example.com", IsEmailVerified: true},
		}, &user)
		if err != nil {
			return err
		}
		t.people = append(t.people, user.GetUserId())
		member := &adminv1.AddIAMMemberRequest{UserId: user.GetUserId(), Roles: []string{"IAM_OWNER_VIEWER"}}
		err = t.ask(ctx, adminv1connect.AdminServiceAddIAMMemberProcedure, t.owner, member, &adminv1.AddIAMMemberResponse{})
		if err != nil {
			return err
		}
	}
	return nil
}

// otherTarget returns the server that the options name.
func otherTarget(ctx context.Context, o options) (target, error) {
	u, err := url.Parse(o.url)
	if err != nil {
		return target{}, err
	}
	t := target{name: o.url, address: u.Host, host: u.Host, owner: o.token, system: o.systemToken}
	t.instanceID, err = t.firstInstance(ctx)
	return t, err
}

// startCeiling starts a server that gives the answers that t gives.
func startCeiling(ctx context.Context, t target, calls []call, dir string) (*child, target, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, target{}, err
	}
	for _, c := range calls {
		if c.plain != nil {
			if err := t.record(ctx, c, dir); err != nil {
				return nil, target{}, err
			}
			continue
		}
		answer := proto.Clone(c.response)
		if err := t.ask(ctx, c.procedure, t.token(c), c.request(t.instanceID), answer); err != nil {
			return nil, target{}, err
		}
		data, err := proto.Marshal(answer)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, c.name), data, 0o600)
		}
		if err != nil {
			return nil, target{}, err
		}
	}
	c, err := startChild(ctx, ceilingRole, dir)
	if err != nil {
		return nil, target{}, err
	}
	t.name, t.address, t.process, t.database = ceilingRole, c.address, ofProcess(c.cmd.Process.Pid), nil
	return c, t, nil
}
