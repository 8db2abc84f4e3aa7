package oauth_test

import (
	"net/http"
	"net/url"
	"testing"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	managementv1 "github.com/bastide-id/bastide/gen/zitadel/management/v1"
	"github.com/bastide-id/bastide/server/oauth"
	"github.com/bastide-id/bastide/server/servertest"
)

// The history tells who did what an impersonator does as the user, through other
// clients as well; of what the user does itself it tells no actor.
func TestHistoryTellsOfTheImpersonator(t *testing.T) {
	vulnerability(t, func(t *testing.T, w *installation) {
		actor, r := w.robot(t, "support"), w.robot(t, "robot")
		servertest.OK(w.i.Owner.Admin.AddIAMMember(t.Context(), &adminv1.AddIAMMemberRequest{UserId: actor.id, Roles: []string{"IAM_ADMIN_IMPERSONATOR"}}))(t)
		servertest.OK(w.i.Owner.Management.AddOrgMember(t.Context(), &managementv1.AddOrgMemberRequest{UserId: r.id, Roles: []string{"ORG_OWNER"}}))(t)
		got := w.post(t, oauth.TokenPath, &w.exchanger, url.Values{
			"grant_type": {exchangeGrant}, "subject_token": {r.id}, "subject_token_type": {userIDType},
			"actor_token": {w.tokenOf(t, actor)}, "actor_token_type": {accessType},
		})
		if got.status != http.StatusOK {
			t.Fatalf("the answer is %d %s", got.status, got.text)
		}
		impersonated := got.claims["access_token"].(string)
		swapped := w.post(t, oauth.TokenPath, &w.exchanger, exchangeOf(impersonated)).claims["access_token"].(string)
		for name, c := range map[string]struct {
			text, actor string
		}{
			"impersonated": {impersonated, actor.id}, "exchanged again": {swapped, actor.id}, "the user itself": {w.tokenOf(t, r), ""},
		} {
			m := w.As(c.text).On(w.i.Domain).Management
			servertest.OK(m.UpdateProject(t.Context(), &managementv1.UpdateProjectRequest{Id: w.project, Name: name}))(t)
			events := servertest.OK(w.i.Owner.Admin.ListEvents(t.Context(), &adminv1.ListEventsRequest{Limit: 1, EventTypes: []string{"project.changed"}}))(t).GetEvents()
			if len(events) != 1 {
				t.Fatalf("%s: %d events", name, len(events))
			}
			told := events[0].GetPayload().AsMap()
			who, there := told["actorId"]
			if events[0].GetEditor().GetUserId() != r.id || there != (c.actor != "") || there && who != c.actor {
				t.Errorf("%s: %s did %v", name, events[0].GetEditor(), told)
			}
		}
	})
}
