package user

import (
	"context"
	"slices"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/password"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Step takes users from one state to another.
type Step struct {
	event store.EventType
	from  []user.State
	// to is empty where users go back to what they were before.
	to user.State
	// needs says which state a user has to have.
	needs string
	// forgets says that wrong passwords are counted anew: those that locked the
	// user would make the next one lock it again.
	forgets bool
}

// The steps. All but active users have no valid token.
var (
	Deactivate = Step{store.UserDeactivated, []user.State{user.StateActive, user.StateInitial}, user.StateInactive, "active or initial", false}
	Reactivate = Step{store.UserReactivated, []user.State{user.StateInactive}, "", "inactive", false}
	Lock       = Step{store.UserLocked, []user.State{user.StateActive, user.StateInitial}, user.StateLocked, "active or initial", false}
	Unlock     = Step{store.UserUnlocked, []user.State{user.StateLocked}, "", "locked", true}
)

// Ends reports whether users cannot act any more after the step.
func (s Step) Ends() bool { return s.to != "" }

// Take takes the step with a user. It returns fault.UserStateWrong for a user
// in another state. Whether the user may be missed is not its business:
// membership.KeepOwners is asked before a step that Ends.
func (s Step) Take(ctx context.Context, tx *store.Tx, u *ent.User) (store.Change, error) {
	u, err := again(ctx, tx, u)
	if err != nil {
		return store.Change{}, err
	}
	if !slices.Contains(s.from, u.State) {
		return store.Change{}, fault.UserStateWrong.With(u.State, s.needs)
	}
	to := s.to
	if !s.Ends() {
		to = usable(u)
	}
	if err := tx.User.UpdateOne(u).SetState(to).Exec(ctx); err != nil {
		return store.Change{}, err
	}
	if s.forgets {
		if err := tx.Password.Update().Where(password.UserPk(u.ID)).SetFailedAttempts(0).Exec(ctx); err != nil {
			return store.Change{}, err
		}
	}
	return tx.Record(ctx, s.event, store.UserObject(u), store.Payload{})
}

// usable returns the state of a user whom nothing stops: active, but initial
// for a person who has yet to prove the e-mail address or to set a password.
func usable(u *ent.User) user.State {
	if u.Type == user.TypeHuman {
		return stateOf(user.StateInitial, u.EmailVerified, hasPassword(u))
	}
	return user.StateActive
}
