package instance_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// crowd adds users with memberships and tokens to the first organization of an
// instance, behind the back of the server.
func crowd(t *testing.T, s *servertest.Server, instanceID string, users int) {
	t.Helper()
	numbers := fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)`, users)
	bytes := map[servertest.Database]string{servertest.SQLite: `CAST('crowd-' || i AS BLOB)`, servertest.Postgres: `convert_to('crowd-' || i, 'UTF8')`}[s.Kind]
	for _, statement := range []string{
		`INSERT INTO users (instance_id, sequence, created_at, changed_at, user_id, resource_owner, type, user_name,
			name_key, first_name_key, last_name_key, nick_name_key, display_name_key, email_key, organization_pk)
			` + numbers + ` SELECT o.instance_id, 1, o.created_at, o.created_at, 'crowd-' || i, o.organization_id, 'machine', 'crowd-' || i,
			` + strings.Repeat(bytes+", ", 6) + `o.id FROM n, organizations o WHERE o.instance_id = '` + instanceID + `'`,
		`INSERT INTO memberships (instance_id, sequence, created_at, changed_at, level, object_id, roles, user_pk)
			SELECT instance_id, 1, created_at, created_at, 'instance', instance_id, '["IAM_OWNER_VIEWER"]', id
			FROM users WHERE instance_id = '` + instanceID + `' AND user_id LIKE 'crowd-%'`,
		`INSERT INTO access_tokens (instance_id, token_id, hash, scopes, audience, created_at, expires_at, user_pk)
			SELECT instance_id, user_id, name_key, '[]', '[]', created_at, '9999-01-01 00:00:00+00:00', id
			FROM users WHERE instance_id = '` + instanceID + `' AND user_id LIKE 'crowd-%'`,
	} {
		s.Exec(t, statement)
	}
}

// A large instance goes whole, and the one beside it stays whole.
func TestRemoveALargeInstance(t *testing.T) {
	const users = 5000
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		stays := s.NewInstance(t, "stays")
		crowd(t, s, stays.ID, users)
		before := s.Rows(t)
		if before["users"] < users || before["memberships"] < users || before["access_tokens"] < users {
			t.Fatalf("the rows are %v", before)
		}
		goes := s.NewInstance(t, "goes")
		crowd(t, s, goes.ID, users)
		servertest.OK(s.AsSystem(t).System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: goes.ID}))(t)
		s.Erased(t)
		after := s.Rows(t)
		if after["events"] <= before["events"] {
			t.Error("the history of the instance is gone")
		}
		after["events"] = before["events"]
		servertest.SameRows(t, before, after)
		servertest.OK(stays.Owner.Auth.GetMyUser(t.Context(), nil))(t)
	})
}

// Whoever writes into an instance while it is removed is done before, or told
// that it is gone: neither writers nor removals meet anything else.
func TestRemoveBesideWriters(t *testing.T) {
	const rounds, writers, removals, calls = 4, 6, 2, 8
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		system := s.AsSystem(t)
		for round := range rounds {
			i := s.NewInstance(t, fmt.Sprintf("round%d", round))
			var all sync.WaitGroup
			for n := range writers {
				all.Go(func() {
					for call := range calls {
						name := fmt.Sprintf("n%d-%d-%d", round, n, call)
						if n%2 == 0 {
							_, err := system.System.AddDomain(t.Context(), &systemv1.AddDomainRequest{InstanceId: i.ID, Domain: name + ".test"})
							checkGone(t, err)
						} else {
							_, err := i.Owner.Management.AddMachineUser(t.Context(), &managementv1.AddMachineUserRequest{UserName: name, Name: name})
							// The owner's token and memberships are read one after the other.
							checkGone(t, err, connect.CodeUnauthenticated, connect.CodePermissionDenied)
						}
					}
				})
			}
			removed := make([]error, removals)
			for n := range removals {
				all.Go(func() {
					_, removed[n] = system.System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: i.ID})
					checkGone(t, removed[n])
				})
			}
			all.Wait()
			if (removed[0] == nil) == (removed[1] == nil) {
				t.Errorf("two removals ended with %v", removed)
			}
		}
	})
}

// checkGone refuses an error but that of something that is not there, and those
// of a caller who went with it.
func checkGone(t *testing.T, err error, ofCaller ...connect.Code) {
	t.Helper()
	var failed *connect.Error
	switch {
	case err == nil:
	case !errors.As(err, &failed):
		t.Error(err)
	case failed.Code() != connect.CodeNotFound && !slices.Contains(ofCaller, failed.Code()):
		t.Errorf("got %v", err)
	}
}

// Of several who give an instance the same name at once one changes it.
func TestRenameAtOnce(t *testing.T) {
	const rounds, callers = 10, 6
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i, system := s.NewInstance(t, "acme"), s.AsSystem(t)
		for round := range rounds {
			request := &systemv1.UpdateInstanceRequest{InstanceId: i.ID, InstanceName: fmt.Sprintf("name %d", round)}
			errs := make([]error, callers)
			start := make(chan struct{})
			var all sync.WaitGroup
			for n := range callers {
				all.Go(func() {
					<-start
					_, errs[n] = system.System.UpdateInstance(t.Context(), request)
				})
			}
			close(start)
			all.Wait()
			changed := 0
			for _, err := range errs {
				if err == nil {
					changed++
				} else {
					servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
				}
			}
			if changed != 1 {
				t.Errorf("%d callers changed the name", changed)
			}
		}
	})
}
