package instance

import (
	"context"
	"slices"

	"github.com/bastide-id/bastide/ent"
	"github.com/bastide-id/bastide/server/directory/language"
	"github.com/bastide-id/bastide/server/directory/policy"
	"github.com/bastide-id/bastide/server/directory/user"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// AllowedLanguages returns the languages that the instance of ctx offers: those
// of its restrictions, else all that are supported. It serves reads and
// transactions alike.
func AllowedLanguages(ctx context.Context, policies *ent.OwnerPolicyClient) ([]string, error) {
	restrictions, err := policy.Get(ctx, policies, policy.Restrictions, "")
	if err != nil || len(restrictions.AllowedLanguages) > 0 {
		return restrictions.AllowedLanguages, err
	}
	return language.Supported(), nil
}

// SetDefaultLanguage sets the default language of the instance of ctx. It
// returns fault.Invalid, for the request field at path, if tag is no language
// tag, or its language not supported or not allowed; fault.NothingChanged for
// the one that it has; fault.InstanceUnknown.
func SetDefaultLanguage(ctx context.Context, s *store.Store, path, tag string) (row *ent.Instance, change store.Change, err error) {
	if err := user.CheckLanguage(path, tag); err != nil {
		return nil, change, err
	}
	if !slices.Contains(language.Supported(), language.Base(tag)) {
		return nil, change, fault.LanguageUnsupported.Field(path, tag)
	}
	err = s.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if row, err = lock(ctx, tx); err != nil {
			return err
		}
		allowed, err := AllowedLanguages(ctx, tx.OwnerPolicy)
		if err != nil {
			return err
		}
		if !slices.Contains(allowed, language.Base(tag)) {
			return fault.LanguageNotAllowed.Field(path, tag)
		}
		if row.DefaultLanguage == tag {
			return fault.NothingChanged.With()
		}
		if err := tx.Instance.UpdateOne(row).SetDefaultLanguage(tag).Exec(ctx); err != nil {
			return err
		}
		change, err = tx.Record(ctx, store.InstanceDefaultLanguageSet, store.InstanceObject(row), store.Payload{Public: map[string]any{"language": tag}})
		return err
	})
	return row, change, err
}

// lock locks the instance of ctx, and returns it as it is then: another change
// may have ended before the lock was had.
func lock(ctx context.Context, tx *store.Tx) (*ent.Instance, error) {
	row, err := Get(ctx, tx.Instance)
	if err != nil {
		return nil, err
	}
	if err := tx.Lock(ctx, store.InstanceObject(row)); err != nil {
		return nil, err
	}
	return Get(ctx, tx.Instance)
}
