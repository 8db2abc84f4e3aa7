package management

import (
	"context"

	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/directory/instance"
	"github.com/bastide-id/bastide/server/directory/language"
	"github.com/bastide-id/bastide/server/store"
)

// Instances are the calls about the instance that the organization belongs to.
type Instances struct{ store *store.Store }

// apiProject is the name by which tokens ask for the APIs, in the scope
// urn:zitadel:iam:org:project:id:zitadel:aud.
const apiProject = "zitadel"

// GetOIDCInformation returns where the instance's issuer is.
func (s Instances) GetOIDCInformation(ctx context.Context, _ *managementv1.GetOIDCInformationRequest) (*managementv1.GetOIDCInformationResponse, error) {
	issuer := caller.InstanceOf(ctx).Origin
	return &managementv1.GetOIDCInformationResponse{Issuer: issuer, DiscoveryEndpoint: issuer + "/.well-known/openid-configuration"}, nil
}

// GetIAM returns the default organization of the instance, and the project of
// the APIs.
func (s Instances) GetIAM(ctx context.Context, _ *managementv1.GetIAMRequest) (*managementv1.GetIAMResponse, error) {
	row, err := instance.Get(ctx, s.store.Read().Instance)
	if err != nil {
		return nil, err
	}
	return &managementv1.GetIAMResponse{
		GlobalOrgId:  row.DefaultOrganizationID,
		DefaultOrgId: row.DefaultOrganizationID,
		IamProjectId: apiProject,
	}, nil
}

// GetSupportedLanguages returns the languages that the server knows.
func (s Instances) GetSupportedLanguages(context.Context, *managementv1.GetSupportedLanguagesRequest) (*managementv1.GetSupportedLanguagesResponse, error) {
	return &managementv1.GetSupportedLanguagesResponse{Languages: language.Supported()}, nil
}
