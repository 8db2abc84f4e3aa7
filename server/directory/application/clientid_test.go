package application_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/organization"
	"github.com/bastide-id/bastide/server/directory/application"
	"github.com/bastide-id/bastide/server/directory/project"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
	"github.com/bastide-id/bastide/server/token/tokentest"
)

// newProject adds a project to an organization.
func newProject(t *testing.T, ctx context.Context, d *tokentest.Directory, o *ent.Organization) (p *ent.Project) {
	t.Helper()
	projectID, err := d.Store.NewID()
	if err != nil {
		t.Fatal(err)
	}
	d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := project.Add(ctx, tx, o, projectID, project.Settings{Name: projectID}); err != nil {
			return err
		}
		p, err = project.Get(ctx, tx.Project, projectID)
		return err
	})
	return p
}

// add adds an application as the calls do.
func add(ctx context.Context, d *tokentest.Directory, p *ent.Project, n application.New) error {
	return d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.Hold(ctx, store.Subjects); err != nil {
			return err
		}
		_, err := application.Add(ctx, tx, p, n)
		return err
	})
}

// addProject adds a project as the calls do.
func addProject(ctx context.Context, d *tokentest.Directory, o *ent.Organization, id string) error {
	return d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := project.Add(ctx, tx, o, id, project.Settings{Name: id})
		return err
	})
}

// No application and no project is given an id that is, or was, the id of a
// user: tokens of both would have the same subject (RFC 9700, 4.15), or those of
// the user be good in the project.
func TestClientIDIsNoUserID(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, "http://acme.localhost")
		p, is, was := newProject(t, ctx, d, o), d.Machine(t, ctx, o), d.Machine(t, ctx, o)
		d.Write(t, ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := user.Remove(ctx, tx, was)
			return err
		})
		for _, taken := range []string{is.UserID, was.UserID} {
			n, err := application.Prepare(d.Store, "app", application.API(application.APIBasic))
			if err != nil {
				t.Fatal(err)
			}
			sameID := n
			sameID.ID, n.ClientID = taken, taken
			for _, n := range []application.New{n, sameID} {
				if err := add(ctx, d, p, n); !errors.Is(err, fault.UserIDTaken.With()) {
					t.Errorf("got %v", err)
				}
			}
			if err := addProject(ctx, d, o, taken); !errors.Is(err, fault.UserIDTaken.With()) {
				t.Errorf("a project: got %v", err)
			}
		}
		if count := d.Store.Read().Application.Query().CountX(ctx); count != 0 {
			t.Errorf("there are %d applications", count)
		}
	})
}

// Of a user and an application, or a project, that are given one id at the same
// moment, one is refused.
func TestClientIDAndUserIDAtOnce(t *testing.T) {
	tokentest.Each(t, nil, func(t *testing.T, d *tokentest.Directory) {
		ctx, o := d.Instance(t, "http://acme.localhost")
		p, users := newProject(t, ctx, d, o), user.NewUsers(d.Store, nil)
		for round := range 20 {
			n, err := application.Prepare(d.Store, "", application.API(application.APIBasic))
			if err != nil {
				t.Fatal(err)
			}
			n.Name = n.ID
			prepared, err := users.Prepare(ctx, user.New{ID: n.ClientID, UserName: n.ClientID, Machine: &user.Machine{Name: "x"}}, o.OrganizationID, user.Paths{})
			if err != nil {
				t.Fatal(err)
			}
			var both sync.WaitGroup
			var errs [2]error
			both.Go(func() {
				if round%2 == 0 {
					errs[0] = add(ctx, d, p, n)
				} else {
					errs[0] = addProject(ctx, d, o, n.ClientID)
				}
			})
			both.Go(func() {
				errs[1] = d.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					in, err := tx.Organization.Query().Where(organization.OrganizationID(o.OrganizationID)).Only(ctx)
					if err == nil {
						_, _, err = prepared.Save(ctx, tx, in)
					}
					return err
				})
			})
			both.Wait()
			taken := 0
			for _, err := range errs {
				if errors.Is(err, fault.UserIDTaken.With()) {
					taken++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if taken != 1 {
				t.Fatalf("%d of the two are refused", taken)
			}
		}
	})
}
