package policy

import (
	"context"
	"slices"
	"time"

	"github.com/bastide-id/bastide/server/directory/language"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/store"
)

// Restrictions say what an instance does not offer. No organization decides on
// them.
var Restrictions = Kind[RestrictionValues]{
	name:       "restrictions",
	ofInstance: events{added: store.RestrictionsSet, changed: store.RestrictionsSet},
}

// RestrictionValues are the values of Restrictions.
type RestrictionValues struct {
	// DisallowPublicOrgRegistration keeps strangers from making organizations.
	DisallowPublicOrgRegistration bool `json:"disallowPublicOrgRegistration"`
	// AllowedLanguages are those that are offered; all if there are none.
	AllowedLanguages []string `json:"allowedLanguages,omitempty"`
}

// LanguagePath names the request field that Restrict may complain of.
const LanguagePath = "allowed_languages.list"

// Restrict changes the restrictions of the instance of ctx; what is nil stays.
// An empty list allows all languages. It returns when the instance was first
// restricted, or fault.Invalid for LanguagePath if one is not supported, named
// twice, or the default one is missing, and fault.NothingChanged.
func Restrict(ctx context.Context, s *store.Store, disallow *bool, languages *[]string) (store.Change, time.Time, error) {
	return write(ctx, s, Restrictions, "", func(ctx context.Context, e *edit[RestrictionValues]) error {
		if languages != nil {
			// Read under the lock, which who sets the default language takes, too.
			of, err := e.tx.Instance.Query().Only(ctx)
			if err != nil {
				return err
			}
			if err := checkLanguages(*languages, of.DefaultLanguage); err != nil {
				return err
			}
		}
		return e.update(ctx, func(values *RestrictionValues) {
			if disallow != nil {
				values.DisallowPublicOrgRegistration = *disallow
			}
			if languages != nil {
				values.AllowedLanguages = append([]string(nil), *languages...)
			}
		})
	})
}

func checkLanguages(tags []string, defaultLanguage string) error {
	for i, tag := range tags {
		if !slices.Contains(language.Supported(), tag) {
			return fault.LanguageUnsupported.Field(LanguagePath, tag)
		}
		if slices.Contains(tags[:i], tag) {
			return fault.LanguageRepeated.Field(LanguagePath, tag)
		}
	}
	if len(tags) > 0 && !slices.Contains(tags, language.Base(defaultLanguage)) {
		return fault.LanguageDefaultMissing.Field(LanguagePath, defaultLanguage)
	}
	return nil
}
