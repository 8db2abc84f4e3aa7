// Package language knows the languages that people are spoken to in.
package language

import (
	"slices"
	"strings"
)

// supported are the languages by their subtag (RFC 5646), sorted.
var supported = []string{
	"bg", "cs", "de", "en", "es", "fr", "hu", "id", "it", "ja", "ko",
	"mk", "nl", "pl", "pt", "ro", "ru", "sv", "tr", "uk", "zh",
}

// Supported returns the languages, sorted.
func Supported() []string { return slices.Clone(supported) }

// Base returns the language of a tag, without what narrows it down: de of
// de-CH.
func Base(tag string) string {
	base, _, _ := strings.Cut(tag, "-")
	return strings.ToLower(base)
}
