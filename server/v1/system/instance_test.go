package system_test

import (
	"testing"

	"connectrpc.com/connect"

	instancev1 "github.com/bastide-id/bastide/gen/zitadel/instance/v1"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	zitadelv1 "github.com/bastide-id/bastide/gen/zitadel/v1"
	"github.com/bastide-id/bastide/server/servertest"
)

// machine is an owner that takes few lines.
func machine() *systemv1.CreateInstanceRequest_Machine_ {
	return &systemv1.CreateInstanceRequest_Machine_{Machine: &systemv1.CreateInstanceRequest_Machine{
		UserName: "owner", Name: "Owner",
		PersonalAccessToken: &systemv1.CreateInstanceRequest_PersonalAccessToken{},
	}}
}

// details are those of an object after so many changes.
func details(sequence uint64, owner string) *zitadelv1.ObjectDetails {
	return &zitadelv1.ObjectDetails{Sequence: sequence, ResourceOwner: owner}
}

func TestHealthz(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		for _, token := range []string{"", "not-a-token"} {
			s.As(token).On("unknown.test").EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
				got := servertest.OK(c.System.Healthz(t.Context(), &systemv1.HealthzRequest{}))(t)
				s.Equal(t, got, &systemv1.HealthzResponse{})
			})
		}
	})
}

func TestCreateInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			domain := c.Name("create") + ".test"
			request := &systemv1.CreateInstanceRequest{InstanceName: "Created", CustomDomain: domain, Owner: machine()}
			got := servertest.OK(c.System.CreateInstance(t.Context(), request))(t)
			if len(got.GetInstanceId()) != 18 || len(got.GetDetails().GetResourceOwner()) != 18 || got.GetPat() == "" {
				t.Errorf("the answer has an id or the token missing: %v", got.GetDetails())
			}
			s.Equal(t, got, &systemv1.CreateInstanceResponse{
				InstanceId: got.GetInstanceId(), Pat: got.GetPat(),
				Details: details(5, got.GetDetails().GetResourceOwner()),
			})
			_, err := c.System.CreateInstance(t.Context(), request)
			servertest.Refused(t, err, connect.CodeAlreadyExists, "domain.taken")
		})
	})
}

func TestGetInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.System.GetInstance(t.Context(), &systemv1.GetInstanceRequest{InstanceId: i.ID}))(t)
			s.Equal(t, got, &systemv1.GetInstanceResponse{Instance: &instancev1.InstanceDetail{
				Id: i.ID, Details: details(7, i.ID), State: instancev1.State_STATE_RUNNING, Name: "acme", Version: servertest.Version,
				Domains: domainsOf(i, got.GetInstance().GetDomains()),
			}})
			_, err := c.System.GetInstance(t.Context(), &systemv1.GetInstanceRequest{InstanceId: "123456789012345678"})
			servertest.Refused(t, err, connect.CodeNotFound, "instance.unknown")
		})
	})
}

// domainsOf are the domains of a new instance. The name of the generated one is
// taken from what was answered.
func domainsOf(i servertest.Tenant, got []*instancev1.Domain) []*instancev1.Domain {
	generated := ""
	for _, d := range got {
		if d.GetGenerated() {
			generated = d.GetDomain()
		}
	}
	return []*instancev1.Domain{
		{Details: details(5, i.ID), Domain: i.Domain, Primary: true},
		{Details: details(3, i.ID), Domain: generated, Generated: true},
	}
}

func TestListInstances(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		query := &instancev1.Query{Query: &instancev1.Query_IdQuery{IdQuery: &instancev1.IdsQuery{Ids: []string{i.ID}}}}
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			got := servertest.OK(c.System.ListInstances(t.Context(), &systemv1.ListInstancesRequest{
				Queries: []*instancev1.Query{query}, SortingColumn: instancev1.FieldName_FIELD_NAME_NAME,
			}))(t)
			s.Equal(t, got, &systemv1.ListInstancesResponse{
				Details:       &zitadelv1.ListDetails{TotalResult: 1},
				SortingColumn: instancev1.FieldName_FIELD_NAME_NAME,
				Result: []*instancev1.Instance{{
					Id: i.ID, Details: details(7, i.ID), State: instancev1.State_STATE_RUNNING, Name: "acme", Version: servertest.Version,
					Domains: domainsOf(i, got.GetResult()[0].GetDomains()),
				}},
			})
			_, err := c.System.ListInstances(t.Context(), &systemv1.ListInstancesRequest{Queries: []*instancev1.Query{{}}})
			servertest.Refused(t, err, connect.CodeInvalidArgument, "request.invalid")
		})
	})
}

func TestUpdateInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		i := s.NewInstance(t, "acme")
		changes := uint64(7)
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			changes++
			request := &systemv1.UpdateInstanceRequest{InstanceId: i.ID, InstanceName: c.Name("New")}
			got := servertest.OK(c.System.UpdateInstance(t.Context(), request))(t)
			s.Equal(t, got, &systemv1.UpdateInstanceResponse{Details: details(changes, i.ID)})
			read := servertest.OK(c.System.GetInstance(t.Context(), &systemv1.GetInstanceRequest{InstanceId: i.ID}))(t).GetInstance()
			if read.GetName() != c.Name("New") || read.GetDetails().GetSequence() != changes {
				t.Errorf("the instance is %q after %d changes", read.GetName(), read.GetDetails().GetSequence())
			}
			if read.GetDetails().GetCreationDate().AsTime() != got.GetDetails().GetCreationDate().AsTime() {
				t.Error("the update moved the time of creation")
			}
			_, err := c.System.UpdateInstance(t.Context(), request)
			servertest.Refused(t, err, connect.CodeFailedPrecondition, "object.unchanged")
		})
	})
}

func TestRemoveInstance(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		s.AsSystem(t).EachProtocol(t, func(t *testing.T, c *servertest.Caller) {
			i := s.NewInstance(t, c.Name("gone"))
			got := servertest.OK(c.System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: i.ID}))(t)
			s.Equal(t, got, &systemv1.RemoveInstanceResponse{Details: details(8, i.ID)})
			_, err := c.System.RemoveInstance(t.Context(), &systemv1.RemoveInstanceRequest{InstanceId: i.ID})
			servertest.Refused(t, err, connect.CodeNotFound, "instance.unknown")
		})
	})
}
