package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// steersTerminal reports whether a terminal takes a character for a command
// instead of showing it, or shows what follows in another order.
func steersTerminal(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// printable returns text of others as it may be printed: what steers a terminal
// is escaped, also the ends of lines, so that it stays within its line.
func printable(text string) string { return escaped(text, "") }

// printableLines is printable for text that may have lines and columns.
func printableLines(text string) string { return escaped(text, "\n\t") }

func escaped(text, kept string) string {
	var out strings.Builder
	for i, r := range text {
		switch {
		case strings.ContainsRune(kept, r):
			out.WriteRune(r)
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			_, _ = fmt.Fprintf(&out, `\x%02x`, text[i]) // a byte that is no character
		case !steersTerminal(r):
			out.WriteRune(r)
		case r < utf8.RuneSelf:
			_, _ = fmt.Fprintf(&out, `\x%02x`, r)
		default:
			_, _ = fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

// printableJSON returns JSON that means the same and steers no terminal. JSON
// itself has only some of these characters escaped; the others stand within
// strings, and none of them takes more than four digits.
func printableJSON(text []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(text) {
		if r != '\n' && steersTerminal(r) {
			_, _ = fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}
