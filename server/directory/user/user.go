// Package user has what more than one call does with people and machines.
package user

import (
	"context"
	"regexp"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/ent/application"
	"github.com/bastide-id/bastide/ent/user"
	"github.com/bastide-id/bastide/server/directory/password"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// apiAudience is what tokens that are good for the APIs have in their audience.
const apiAudience = "zitadel"

// New is a user to be created: a person if Human is set, else a machine.
type New struct {
	// ID is of the client's choice; empty for one of the server's.
	ID       string
	UserName string
	Human    *Human
	Machine  *Machine
}

// Human is what is known of a new person.
type Human struct {
	FirstName, LastName, NickName string
	// DisplayName is "first last" by default.
	DisplayName       string
	PreferredLanguage string
	Gender            int32
	Email             string
	EmailVerified     bool
	Phone             string
	PhoneVerified     bool
	// Password is empty for a person without one, and where PasswordHash is set.
	Password string
	// PasswordHash is that of another system, in the form that
	// password.CheckHash accepts.
	PasswordHash           *string
	PasswordChangeRequired bool
}

// Machine is what is known of a new machine user.
type Machine struct {
	Name            string
	Description     string
	AccessTokenType int32
}

// Paths name the request fields that Prepare may complain of.
type Paths struct {
	PreferredLanguage, Password, PasswordHash string
}

// Prepared is a new user that only needs to be saved.
type Prepared struct {
	New
	brought      bool // the id is of the client's choice
	passwordHash string
}

// Users creates users.
type Users struct {
	// Keep returns fault.LastOwner for a user who may not be locked, whose row is
	// locked; nil if every user may.
	Keep   func(context.Context, *store.Tx, *ent.User) error
	store  *store.Store
	hasher *password.Hasher
}

// New returns what creates users in a store.
func NewUsers(s *store.Store, hasher *password.Hasher) *Users {
	return &Users{store: s, hasher: hasher}
}

// Prepare does what takes long or needs no transaction: it checks the language
// and the password, by the policy of the organization, and hashes it. It
// returns fault.Invalid for the fields of paths, or fault.PasswordBusy.
func (u *Users) Prepare(ctx context.Context, n New, organizationID string, paths Paths) (p Prepared, err error) {
	p = Prepared{New: n, brought: n.ID != ""}
	if !p.brought {
		if p.ID, err = u.store.NewID(); err != nil {
			return p, err
		}
	}
	if n.Human == nil {
		return p, nil
	}
	rules, err := policy.Get(ctx, u.store.Read().OwnerPolicy, policy.PasswordComplexity, organizationID)
	if err != nil {
		return p, err
	}
	if err := Check(n, paths, rules); err != nil {
		return p, err
	}
	switch {
	case n.Human.PasswordHash != nil:
		p.passwordHash = *n.Human.PasswordHash
	case n.Human.Password != "":
		p.passwordHash, err = u.hasher.Hash(ctx, n.Human.Password)
	}
	return p, err
}

// Check returns fault.Invalid for the fields of a new user that the contract's
// rules could not judge: the language, the password by its policy, and a hash
// from elsewhere.
func Check(n New, paths Paths, rules policy.PasswordComplexityValues) error {
	if n.Human == nil {
		return nil
	}
	err := CheckLanguage(paths.PreferredLanguage, n.Human.PreferredLanguage)
	if n.Human.Password != "" {
		err = fault.Join(err, password.Check(paths.Password, n.Human.Password, rules))
	}
	if n.Human.PasswordHash == nil {
		return err
	}
	if n.Human.Password != "" {
		return fault.Join(err, fault.PasswordTwice.Field(paths.PasswordHash, paths.Password))
	}
	return fault.Join(err, password.CheckHash(paths.PasswordHash, *n.Human.PasswordHash))
}

// languageTag is the form of a tag: a language, and what may narrow it down
// (RFC 5646, 2.1). Whether the registry has the language does not matter.
var languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$`)

// CheckLanguage returns fault.Invalid, for the request field at path, if tag is
// neither empty nor a BCP 47 tag.
func CheckLanguage(path, tag string) error {
	if tag == "" {
		return nil
	}
	if !languageTag.MatchString(tag) {
		return fault.LanguageInvalid.Field(path)
	}
	return nil
}

// Save adds the user to an organization. It returns fault.UserNameTaken or
// fault.UserIDTaken.
func (p Prepared) Save(ctx context.Context, tx *store.Tx, in *ent.Organization) (*ent.User, store.Change, error) {
	if p.brought {
		if err := p.checkFresh(ctx, tx); err != nil {
			return nil, store.Change{}, err
		}
	}
	scope, err := policy.NameScope(ctx, tx, in.OrganizationID)
	if err != nil {
		return nil, store.Change{}, err
	}
	key := store.Key(p.UserName)
	if err := FreeName(ctx, tx, scope, key); err != nil {
		return nil, store.Change{}, err
	}
	create := tx.User.Create().
		SetUserID(p.ID).SetOrganization(in).SetResourceOwner(in.OrganizationID).
		SetUserName(store.Text(p.UserName)).SetNameScope(scope).SetNameKey(key)
	if p.Human != nil {
		p.setHuman(create, tx)
	} else {
		p.setMachine(create)
	}
	row, err := create.Save(ctx)
	switch store.TakenColumn(err) {
	case user.FieldNameKey:
		err = fault.UserNameTaken.With().Because(err)
	case user.FieldUserID:
		err = fault.UserIDTaken.With().Because(err)
	}
	if err != nil {
		return nil, store.Change{}, err
	}
	change, err := p.record(ctx, tx, row)
	return row, change, err
}

func (p Prepared) setMachine(create *ent.UserCreate) {
	create.SetType(user.TypeMachine).
		SetDisplayName(store.Text(p.Machine.Name)).
		SetDescription(store.Text(p.Machine.Description)).
		SetAccessTokenType(p.Machine.AccessTokenType).
		SetDisplayNameKey(store.Key(p.Machine.Name)).
		SetFirstNameKey([]byte{}).SetLastNameKey([]byte{}).SetNickNameKey([]byte{}).SetEmailKey([]byte{})
}

func (p Prepared) setHuman(create *ent.UserCreate, tx *store.Tx) {
	h := p.Human
	display := displayName(h.FirstName, h.LastName, h.DisplayName)
	create.SetType(user.TypeHuman).
		SetFirstName(store.Text(h.FirstName)).SetFirstNameKey(store.Key(h.FirstName)).
		SetLastName(store.Text(h.LastName)).SetLastNameKey(store.Key(h.LastName)).
		SetNickName(store.Text(h.NickName)).SetNickNameKey(store.Key(h.NickName)).
		SetDisplayName(store.Text(display)).SetDisplayNameKey(store.Key(display)).
		SetPreferredLanguage(h.PreferredLanguage).SetGender(h.Gender).
		SetEmail(store.Text(h.Email)).SetEmailKey(store.Key(h.Email)).SetEmailVerified(h.EmailVerified).
		SetPhone(store.Text(h.Phone)).SetPhoneVerified(h.Phone != "" && h.PhoneVerified)
	if p.passwordHash != "" {
		create.SetPasswordChangedAt(tx.Now())
	}
	create.SetState(stateOf(user.StateInitial, h.EmailVerified, p.passwordHash != ""))
}

// checkFresh returns fault.UserIDTaken for an id that the instance has seen,
// also if its user is gone, and for those that tokens name beside it. Tokens of a
// user and a client of one id would have the same subject (RFC 9700, 4.15), and
// as the id is in the audience of the user's own tokens, they would be good for
// the APIs, or in a project, of the same name.
func (p Prepared) checkFresh(ctx context.Context, tx *store.Tx) error {
	if p.ID == apiAudience {
		return fault.UserIDTaken.With()
	}
	if err := tx.HoldShared(ctx, store.Subjects); err != nil {
		return err
	}
	taken, err := tx.Application.Query().Where(application.Or(application.ClientID(p.ID), application.ApplicationID(p.ID))).Exist(ctx)
	if err == nil && taken {
		err = fault.UserIDTaken.With()
	}
	if err != nil {
		return err
	}
	return checkUnseen(ctx, tx, p.ID, store.UserType, store.ProjectType)
}

// CheckUnused returns fault.UserIDTaken if one of the ids is, or was, that of a
// user. It is for the ids of projects, applications and clients, which no user
// brings, in a transaction that holds store.Subjects.
func CheckUnused(ctx context.Context, tx *store.Tx, ids ...string) error {
	for _, id := range ids {
		if err := checkUnseen(ctx, tx, id, store.UserType); err != nil {
			return err
		}
	}
	return nil
}

// checkUnseen returns fault.UserIDTaken if the instance has seen the id on an
// object of one of the types.
func checkUnseen(ctx context.Context, tx *store.Tx, id string, types ...string) error {
	for _, kind := range types {
		seen, err := tx.Seen(ctx, store.Object{Type: kind, ID: id})
		if err == nil && seen {
			err = fault.UserIDTaken.With()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p Prepared) record(ctx context.Context, tx *store.Tx, row *ent.User) (store.Change, error) {
	object := store.UserObject(row)
	if p.Human == nil {
		return tx.Record(ctx, store.UserMachineAdded, object, store.Payload{Public: map[string]any{
			"userName": row.UserName, "name": row.DisplayName, "description": row.Description, "accessTokenType": row.AccessTokenType,
		}})
	}
	personal := map[string]any{
		"userName": row.UserName, "firstName": row.FirstName, "lastName": row.LastName, "nickName": row.NickName,
		"displayName": row.DisplayName, "preferredLanguage": row.PreferredLanguage, "gender": row.Gender,
		"email": row.Email, "phone": row.Phone,
	}
	change, err := tx.Record(ctx, store.UserHumanAdded, object, store.Payload{Personal: personal})
	if err != nil || p.passwordHash == "" {
		return change, err
	}
	err = tx.Password.Create().SetUser(row).SetHash(p.passwordHash).SetChangeRequired(p.Human.PasswordChangeRequired).Exec(ctx)
	if err != nil {
		return change, err
	}
	return tx.Record(ctx, store.UserHumanPasswordChanged, object,
		store.Payload{Public: map[string]any{"changeRequired": p.Human.PasswordChangeRequired}})
}
