//go:build unix

package server_test

import (
	"strings"
	"testing"
	"time"

	adminv1 "github.com/bastide-id/bastide/gen/zitadel/admin/v1"
	webkeyv2 "github.com/bastide-id/bastide/gen/zitadel/webkey/v2"
	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/servertest"
)

// keyed gives an instance a key that signs.
func keyed(t *testing.T, i servertest.Tenant) {
	t.Helper()
	id := servertest.OK(i.Owner.WebKey.CreateWebKey(t.Context(), &webkeyv2.CreateWebKeyRequest{
		Key: &webkeyv2.CreateWebKeyRequest_Ed25519{Ed25519: &webkeyv2.ED25519{}},
	}))(t).GetId()
	servertest.OK(i.Owner.WebKey.ActivateWebKey(t.Context(), &webkeyv2.ActivateWebKeyRequest{Id: id}))(t)
}

// Whoever the data directory belongs to rotates the keys of every instance, or
// of one; the history says that no user did it.
func TestRotateKeys(t *testing.T) {
	servertest.Each(t, func(t *testing.T, s *servertest.Server) {
		acme, other, empty := s.NewInstance(t, "acme"), s.NewInstance(t, "other"), s.NewInstance(t, "empty")
		keyed(t, acme)
		keyed(t, other)
		rotate := func(instance string, announce time.Duration) (told []server.KeyRotation, err error) {
			err = server.RotateKeys(t.Context(), s.DataDir, instance, announce, func(r server.KeyRotation) { told = append(told, r) })
			return told, err
		}
		states := func(i servertest.Tenant) string {
			var all []string
			for _, key := range servertest.OK(i.Owner.WebKey.ListWebKeys(t.Context(), nil))(t).GetWebKeys() {
				all = append(all, strings.TrimPrefix(key.GetState().String(), "STATE_"))
			}
			return strings.Join(all, " ")
		}
		told, err := rotate("", 0)
		if err != nil || len(told) != 2 || told[0].Algorithm != "EdDSA" {
			t.Errorf("told is %+v, the error %v", told, err)
		}
		told, err = rotate(acme.ID, 24*time.Hour)
		if err != nil || len(told) != 1 || told[0].InstanceID != acme.ID || told[0].ActivatesAt == nil {
			t.Errorf("told is %+v, the error %v", told, err)
		}
		if a, b, c := states(acme), states(other), states(empty); a != "INITIAL ACTIVE INACTIVE" || b != "ACTIVE INACTIVE" || c != "" {
			t.Errorf("the keys are %s, %s and %s", a, b, c)
		}
		if told, err = rotate(empty.ID, 0); err != nil || len(told) != 1 || told[0].KeyID != "" {
			t.Errorf("told is %+v, the error %v", told, err)
		}
		if told, err = rotate("unknown", 0); err == nil || told != nil || !strings.Contains(err.Error(), `no instance "unknown"`) {
			t.Errorf("told is %+v, the error %v", told, err)
		}
		for _, announce := range []time.Duration{-1, server.MaxKeyAnnouncement + 1} {
			if told, err = rotate("", announce); err == nil || told != nil || !strings.Contains(err.Error(), "400") {
				t.Errorf("%s: told is %+v, the error %v", announce, told, err)
			}
		}
		events := servertest.OK(acme.Owner.Admin.ListEvents(t.Context(), &adminv1.ListEventsRequest{AggregateTypes: []string{"web_key"}, Asc: true}))(t).GetEvents()
		if len(events) != 6 || events[1].GetEditor().GetUserId() != acme.OwnerID || events[2].GetEditor().GetUserId() != "" {
			t.Errorf("the history says %v", events)
		}
		if !strings.Contains(s.Logs(), "signing keys were rotated") {
			t.Error("the log does not say so")
		}
	})
}
