//go:build unix

package store

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/bastide-id/bastide/ent"
)

// patience is how long tests wait for what has to happen.
const patience = 30 * time.Second

// eventually returns once the condition holds.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it did not happen")
		}
	}
}

// hearing opens a store that serves from its caches, as another process would.
func hearing(t *testing.T, url string) *Store {
	t.Helper()
	s := open(t, Options{URL: url})
	eventually(t, s.caches.serving.Load)
	return s
}

// dropped counts the drops of a cache.
func (n *names) dropped() uint64 { return n.drops.now.Load() }

// Another process sees a change one notification later; what changes no answer
// it is not told of.
func TestOtherProcessesHearOfChanges(t *testing.T) {
	url := newPostgres(t)
	here, there := open(t, Options{URL: url, CacheSize: -1}), hearing(t, url)
	own, other := newTenant(t, here, "one"), newTenant(t, here, "two")
	n, projects := newNames(there, ent.TypeOrganization, ent.TypeAccessToken), newNames(there, ent.TypeProject)
	n.want(t, own, "org of one", 1)
	n.want(t, other, "org of two", 1)
	before := n.dropped()
	undone := errors.New("undone")
	for what, f := range map[string]func(context.Context, *Tx) error{
		"a row that is new": func(ctx context.Context, tx *Tx) error { return addOrganization(ctx, tx, own, "second") },
		"an access token": func(ctx context.Context, tx *Tx) error {
			return tx.AccessToken.Create().SetTokenID("t").SetAudience(nil).SetUser(own.user).SetHash([]byte("h")).SetScopes(nil).SetExpiresAt(tx.Now()).Exec(ctx)
		},
		"what is undone": func(ctx context.Context, tx *Tx) error {
			return errors.Join(rename(ctx, tx, own, "new"), tx.tell(ctx), undone)
		},
		"what is cached nowhere": func(ctx context.Context, tx *Tx) error {
			return errors.Join(tx.Membership.Update().SetRoles(nil).Exec(ctx), record(ctx, tx, own))
		},
	} {
		if err := here.Write(own.ctx, f); err != nil && !errors.Is(err, undone) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	// What is told is heard in its order: this comes after all of the above.
	write(t, here, own.ctx, func(ctx context.Context, tx *Tx) error {
		return errors.Join(tx.Project.UpdateOneID(own.project.ID).SetName("x").Exec(ctx), record(ctx, tx, own))
	})
	eventually(t, func() bool { return projects.dropped() > 0 })
	if got := n.dropped(); got != before {
		t.Errorf("%d drops for nothing", got-before)
	}
	write(t, here, own.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "new") })
	eventually(t, func() bool { return n.dropped() > before })
	n.want(t, own, "new", 1)
	n.want(t, other, "org of two", 0)
}

// A commit whose answer was lost may be done after all was dropped here.
func TestOwnChangesAreHeard(t *testing.T) {
	s := hearing(t, newPostgres(t))
	own := newTenant(t, s, "one")
	n := newNames(s, ent.TypeOrganization)
	write(t, s, own.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "new") })
	eventually(t, func() bool { return n.dropped() == 2 })
}

func TestNotifications(t *testing.T) {
	s := open(t, Options{URL: filepath.Join(t.TempDir(), "bastide.db")})
	own, other := newTenant(t, s, "one"), newTenant(t, s, "two")
	many := make(map[change]bool)
	for kind := range cachedKinds {
		many[change{kind, "one"}] = true
	}
	if text := notification(many); len(text) > maxNotification || !strings.Contains(text, `["User","one"]`) {
		t.Errorf("%s", text)
	}
	for i := range maxNotification / 10 {
		many[change{ent.TypeUser, strings.Repeat("x", i+1)}] = true
	}
	for text, drops := range map[string][2]int64{
		`[["Organization","one"]]`:                {1, 0},
		`[["User","one"],["Organization","two"]]`: {0, 1},
		`[["Organization",""]]`:                   {1, 1},
		`[["Later","one"],["User","one"]]`:        {0, 0},
		newPositions().begin().text:               {0, 0},
		`[]`:                                      {0, 0},
		notification(many):                        {1, 1},
		`later`:                                   {1, 1},
	} {
		n := newNames(s, ent.TypeOrganization)
		n.want(t, own, "org of one", 1)
		n.want(t, other, "org of two", 1)
		s.caches.heard(text)
		n.want(t, own, "org of one", drops[0])
		n.want(t, other, "org of two", drops[1])
	}
}

// A process that may miss what others change asks the database, and has dropped
// what it had before it serves from a cache again.
func TestListenerIsLost(t *testing.T) {
	url := newPostgres(t)
	for name, test := range map[string]struct{ cut, dumb bool }{"cut": {cut: true}, "silent": {dumb: true}} {
		t.Run(name, func(t *testing.T) {
			there, w := wired(t, url, pace{beat: 20 * time.Millisecond, answer: 2 * time.Second, pause: time.Millisecond, longest: 5 * time.Millisecond})
			own := newTenant(t, there, name)
			here := open(t, Options{URL: url})
			n := newNames(there, ent.TypeOrganization)
			n.want(t, own, "org of "+name, 1)
			n.want(t, own, "org of "+name, 0)

			w.set(test.cut, test.dumb)
			eventually(t, func() bool { return !there.caches.serving.Load() })
			n.want(t, own, "org of "+name, 1)
			write(t, here, own.ctx, func(ctx context.Context, tx *Tx) error { return rename(ctx, tx, own, "new") })
			n.want(t, own, "new", 1)
			n.want(t, own, "new", 1)

			w.set(false, false)
			eventually(t, there.caches.serving.Load)
			n.want(t, own, "new", 1)
			n.want(t, own, "new", 0)
		})
	}
}

// A store that closes waits for no database.
func TestListenerEnds(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := open(t, Options{URL: filepath.Join(t.TempDir(), "bastide.db")})
	s.options.URL = "postgres://bastide@" + silent.Addr().String() + "/bastide?sslmode=disable"
	l, err := s.listen(usualPace)
	if err != nil {
		t.Fatal(err)
	}
	client, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l.close()
}

// The listener is a connection like those of the pool.
func TestListenerConnectsAsThePool(t *testing.T) {
	url := newPostgres(t)
	s := hearing(t, url)
	rows, err := s.readDB.QueryContext(t.Context(), `SELECT application_name, query FROM pg_stat_activity WHERE datname = current_database()`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var queries []string
	for rows.Next() {
		var application, query string
		if err := rows.Scan(&application, &query); err != nil {
			t.Fatal(err)
		}
		if application != "bastide" {
			t.Errorf("the name is %q for %s", application, query)
		}
		queries = append(queries, query)
	}
	if !slices.Contains(queries, "LISTEN "+pq.QuoteIdentifier(changesChannel)) {
		t.Errorf("nobody listens: %v", queries)
	}
}
