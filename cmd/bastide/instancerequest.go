package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// firstOwner is the user name of an owner that is not given one.
const firstOwner = "owner"

// owner is the user name of the owner.
func (c instanceCreateCommand) owner() string {
	if c.Email != "" {
		return cmp.Or(c.Owner, c.Email)
	}
	return cmp.Or(c.Owner, firstOwner)
}

// request returns the request for the flags, with secrets that expire at the
// moment, if it is not zero. It returns a usageError for flags that do not fit
// together.
func (c instanceCreateCommand) request(p *process, expires time.Time) (map[string]any, error) {
	request := map[string]any{
		"instanceName":    c.Name,
		"firstOrgName":    c.OrgName,
		"customDomain":    c.Domain,
		"defaultLanguage": c.Language,
	}
	if c.Email == "" {
		for flag, value := range map[string]string{"first-name": c.FirstName, "last-name": c.LastName, "password-file": c.PasswordFile} {
			if value != "" {
				return nil, usageError{fmt.Errorf("--%s: is for an owner who is a person: give --email as well", flag)}
			}
		}
		request["machine"] = c.machine(expires)
		return request, nil
	}
	if c.SaveToken != "" || c.SaveKey != "" || !expires.IsZero() {
		return nil, usageError{errors.New("--email: an owner who is a person has no token and no key: leave out --save-token, --save-key and --expires")}
	}
	human := map[string]any{
		"userName": c.Owner,
		"email":    map[string]any{"email": c.Email, "isEmailVerified": true},
		"profile":  map[string]any{"firstName": c.FirstName, "lastName": c.LastName},
	}
	if c.PasswordFile != "" {
		password, err := readSecret(p, "--password-file", c.PasswordFile)
		if err != nil {
			return nil, err
		}
		human["password"] = map[string]any{"password": password, "passwordChangeRequired": true}
	}
	request["human"] = human
	return request, nil
}

// hasToken and hasKey report which secrets the owner is to have.
func (c instanceCreateCommand) hasToken() bool {
	return c.Email == "" && (c.SaveToken != "" || c.SaveKey == "")
}

func (c instanceCreateCommand) hasKey() bool { return c.SaveKey != "" }

// machine is the owner that is a machine, with the secrets that it is to have.
func (c instanceCreateCommand) machine(expires time.Time) map[string]any {
	machine := map[string]any{"userName": c.owner(), "name": c.owner()}
	if c.hasToken() {
		machine["personalAccessToken"] = expiring(map[string]any{}, expires)
	}
	if c.hasKey() {
		machine["machineKey"] = expiring(map[string]any{"type": "KEY_TYPE_JSON"}, expires)
	}
	return machine
}

func expiring(secret map[string]any, expires time.Time) map[string]any {
	if !expires.IsZero() {
		secret["expirationDate"] = expires.Format(time.RFC3339Nano)
	}
	return secret
}

// flagsOfFields are the flags that fields of the request come from.
var flagsOfFields = map[string]string{
	"instance_name":     "the name",
	"first_org_name":    "--org-name",
	"custom_domain":     "--domain",
	"default_language":  "--language",
	"machine.user_name": "--owner",
	"machine.name":      "--owner",
	"human.user_name":   "--owner",

	"machine.personal_access_token.expiration_date": "--expires",
	"machine.machine_key.expiration_date":           "--expires",

	"human.email.email":        "--email",
	"human.profile.first_name": "--first-name",
	"human.profile.last_name":  "--last-name",
	"human.password.password":  "--password-file",
}

// callSystem calls a method of the system API with a request and for an answer
// in the form of JSON.
func callSystem(ctx context.Context, to *remote, method string, request, answer any) error {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(contractPackage + "system.v1.SystemService")
	if err != nil {
		return err
	}
	descriptor := found.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(method))
	in, out := dynamicpb.NewMessage(descriptor.Input()), dynamicpb.NewMessage(descriptor.Output())
	text, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(text, in); err != nil {
		return err
	}
	if err := to.Call(ctx, descriptor, in, out); err != nil {
		return err
	}
	if text, err = protojson.Marshal(out); err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

// domainsOf returns the domains of an instance, the primary one first.
func domainsOf(ctx context.Context, to *remote, instanceID string) (domains []string, err error) {
	var answer struct {
		Instance struct {
			Domains []struct {
				Domain  string `json:"domain"`
				Primary bool   `json:"primary"`
			} `json:"domains"`
		} `json:"instance"`
	}
	if err := callSystem(ctx, to, "GetInstance", map[string]any{"instanceId": instanceID}, &answer); err != nil {
		return nil, err
	}
	for _, d := range answer.Instance.Domains {
		if d.Primary {
			domains = append([]string{d.Domain}, domains...)
		} else {
			domains = append(domains, d.Domain)
		}
	}
	return domains, nil
}
