package main

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	"github.com/bastide-id/bastide/gen/zitadel/admin/v1/adminv1connect"
	authv1 "github.com/bastide-id/bastide/gen/zitadel/auth/v1"
	"github.com/bastide-id/bastide/gen/zitadel/auth/v1/authv1connect"
	authnv1 "github.com/bastide-id/bastide/gen/zitadel/authn/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/gen/zitadel/management/v1/managementv1connect"
	systemv1 "github.com/bastide-id/bastide/gen/zitadel/system/v1"
	"github.com/bastide-id/bastide/gen/zitadel/system/v1/systemv1connect"
)

// call is a call that is measured.
type call struct {
	name      string
	procedure string
	// verb and path are those of REST. {instance_id} is the first instance's.
	verb, path string
	// system tells that a system user makes the call, else the owner of the
	// first instance does.
	system bool
	// request returns the message to send.
	request func(instanceID string) proto.Message
	// response is an empty answer.
	response proto.Message
}

const (
	nameCreateInstance = "CreateInstance"
	nameGetMyUser      = "GetMyUser"
)

// calls are those that a report shows, in its order.
var calls = []call{
	{
		name: nameCreateInstance, procedure: systemv1connect.SystemServiceCreateInstanceProcedure,
		verb: "POST", path: "/system/v1/instances/_create", system: true,
		request:  func(string) proto.Message { return newInstance(false) },
		response: &systemv1.CreateInstanceResponse{},
	},
	{
		name: "ListIAMMembers", procedure: systemv1connect.SystemServiceListIAMMembersProcedure,
		verb: "POST", path: "/system/v1/instances/{instance_id}/members/_search", system: true,
		request: func(instanceID string) proto.Message {
			return &systemv1.ListIAMMembersRequest{InstanceId: instanceID}
		},
		response: &systemv1.ListIAMMembersResponse{},
	},
	{
		name: "GetMyInstance", procedure: adminv1connect.AdminServiceGetMyInstanceProcedure,
		verb: "GET", path: "/admin/v1/instances/me",
		request:  func(string) proto.Message { return &adminv1.GetMyInstanceRequest{} },
		response: &adminv1.GetMyInstanceResponse{},
	},
	{
		name: "GetMyOrg", procedure: managementv1connect.ManagementServiceGetMyOrgProcedure,
		verb: "GET", path: "/management/v1/orgs/me",
		request:  func(string) proto.Message { return &managementv1.GetMyOrgRequest{} },
		response: &managementv1.GetMyOrgResponse{},
	},
	{
		name: nameGetMyUser, procedure: authv1connect.AuthServiceGetMyUserProcedure,
		verb: "GET", path: "/auth/v1/users/me",
		request:  func(string) proto.Message { return &authv1.GetMyUserRequest{} },
		response: &authv1.GetMyUserResponse{},
	},
}

// newInstance returns the request for an instance with a machine that owns it
// and has a token, and a key too if wanted.
func newInstance(key bool) *systemv1.CreateInstanceRequest {
	machine := &systemv1.CreateInstanceRequest_Machine{
		UserName:            "owner",
		Name:                "Owner",
		PersonalAccessToken: &systemv1.CreateInstanceRequest_PersonalAccessToken{},
	}
	if key {
		machine.MachineKey = &systemv1.CreateInstanceRequest_MachineKey{Type: authnv1.KeyType_KEY_TYPE_JSON}
	}
	return &systemv1.CreateInstanceRequest{
		InstanceName: "Bench",
		Owner:        &systemv1.CreateInstanceRequest_Machine_{Machine: machine},
	}
}

func callNames() []string {
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.name
	}
	return names
}

// chosen returns the calls of the names. The one that makes the database grow
// comes last, so that the others are measured on a small one.
func chosen(names []string) []call {
	found := slices.DeleteFunc(slices.Clone(calls), func(c call) bool { return !slices.Contains(names, c.name) })
	slices.SortStableFunc(found, func(a, b call) int {
		return strings.Compare(growth(a), growth(b))
	})
	return found
}

func growth(c call) string {
	if c.name == nameCreateInstance {
		return "grows"
	}
	return ""
}
