package store

import (
	"encoding/json"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// TextMethod is how a text is compared. Its values are those of the contract.
type TextMethod int

// The methods, each also without regard to case.
const (
	TextEquals TextMethod = iota
	TextEqualsIgnoreCase
	TextStartsWith
	TextStartsWithIgnoreCase
	TextContains
	TextContainsIgnoreCase
	TextEndsWith
	TextEndsWithIgnoreCase
)

func (m TextMethod) ignoresCase() bool { return m%2 == 1 }

// Text returns s as it is stored: in Unicode normalization form C (UAX #15).
func Text(s string) string { return norm.NFC.String(s) }

// Key returns what texts are sorted by, and found by when case does not
// matter: NFC(fold(NFC(s))) with full case folding (Unicode 3.13, D145).
func Key(s string) []byte {
	return norm.NFC.Bytes(cases.Fold().Bytes(norm.NFC.Bytes([]byte(s))))
}

// TextMatch returns the condition that a text column matches needle. key is
// the column with the Key of the text; empty for columns that hold only lower
// case ASCII. The bytes of UTF-8 are compared, so both databases answer alike,
// and no character of needle has a special meaning.
func TextMatch(column, key string, method TextMethod, needle string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		s.Where(match(method, needle, key != "", func(b *sql.Builder, asKey bool) string {
			if asKey {
				return s.C(key)
			}
			return bytesOf(b, s.C(column))
		}))
	}
}

// AddressMatch returns the condition that name@domain matches needle, as
// TextMatch does: name is a column of text with its Key, domain one of lower
// case ASCII, all of them with their tables. The sign between them neither
// composes nor folds, so that the Key of the whole is that of its parts.
func AddressMatch(name, key, domain string, method TextMethod, needle string) *sql.Predicate {
	return match(method, needle, true, func(b *sql.Builder, asKey bool) string {
		switch {
		case !asKey:
			return bytesOf(b, name+" || '@' || "+domain)
		case b.Dialect() == dialect.Postgres:
			return "(" + key + " || " + bytesOf(b, "'@' || "+domain) + ")"
		default:
			return bytesOf(b, key+" || '@' || "+domain) // a text of the same bytes, until it is cast
		}
	})
}

// TextIn returns the condition that a text column has one of the values, of
// which there may be more than a statement can have arguments.
func TextIn(column string, values []string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		texts := make([]string, len(values))
		for i, value := range values {
			texts[i] = Text(value)
		}
		list, err := json.Marshal(texts)
		s.AddError(err)
		s.Where(sql.P(func(b *sql.Builder) {
			b.WriteString(s.C(column))
			if b.Dialect() == dialect.Postgres {
				b.WriteString(" IN (SELECT jsonb_array_elements_text(").Arg(string(list)).WriteString("::jsonb))")
			} else {
				b.WriteString(" IN (SELECT value FROM json_each(").Arg(string(list)).WriteString("))")
			}
		}))
	}
}

// match returns the condition that bytes match needle: those that value
// returns, of the text itself or, if it has one, of its key.
func match(method TextMethod, needle string, hasKey bool, value func(b *sql.Builder, asKey bool) string) *sql.Predicate {
	bytes := []byte(Text(needle))
	if method.ignoresCase() {
		bytes = Key(needle)
	}
	if len(bytes) == 0 && method >= TextStartsWith {
		return sql.ExprP("1 = 1") // every text starts with, contains and ends with nothing
	}
	return sql.P(func(b *sql.Builder) { compare(b, value(b, method.ignoresCase() && hasKey), method, bytes) })
}

// bytesOf returns the expression for the bytes of UTF-8 of a text.
func bytesOf(b *sql.Builder, text string) string {
	if b.Dialect() == dialect.Postgres {
		return "convert_to(" + text + ", 'UTF8')"
	}
	return "CAST(" + text + " AS BLOB)"
}

func compare(b *sql.Builder, value string, method TextMethod, needle []byte) {
	switch method {
	case TextStartsWith, TextStartsWithIgnoreCase:
		b.WriteString("substr(" + value + ", 1, ").Arg(len(needle)).WriteString(") = ").Arg(needle)
	case TextContains, TextContainsIgnoreCase:
		if b.Dialect() == dialect.Postgres {
			b.WriteString("position(").Arg(needle).WriteString("::bytea IN " + value + ") > 0")
		} else {
			b.WriteString("instr(" + value + ", ").Arg(needle).WriteString(") > 0")
		}
	case TextEndsWith, TextEndsWithIgnoreCase:
		// A shorter text yields itself or a piece of itself, which is not equal.
		b.WriteString("substr(" + value + ", length(" + value + ") - ").Arg(len(needle) - 1).WriteString(") = ").Arg(needle)
	default:
		b.WriteString(value + " = ").Arg(needle)
	}
}
