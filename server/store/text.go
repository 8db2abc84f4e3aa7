package store

import (
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
		bytes := []byte(Text(needle))
		asKey := false
		if method.ignoresCase() {
			bytes, asKey = Key(needle), key != ""
		}
		if len(bytes) == 0 && method >= TextStartsWith {
			return // every text starts with, contains and ends with nothing
		}
		s.Where(sql.P(func(b *sql.Builder) {
			value := s.C(column)
			switch {
			case asKey:
				value = s.C(key)
			case b.Dialect() == dialect.Postgres:
				value = "convert_to(" + value + ", 'UTF8')"
			default:
				value = "CAST(" + value + " AS BLOB)"
			}
			compare(b, value, method, bytes)
		}))
	}
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
