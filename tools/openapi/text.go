package main

import (
	"strings"

	"google.golang.org/protobuf/compiler/protogen"

	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
	"github.com/bastide-id/bastide/tools/rule"
)

// comment returns a comment as flowing text; an empty line parts paragraphs.
func comment(c protogen.CommentSet) string {
	var paragraphs []string
	var words []string
	end := func() {
		if len(words) > 0 {
			paragraphs = append(paragraphs, strings.Join(words, " "))
		}
		words = nil
	}
	for _, part := range []protogen.Comments{c.Leading, c.Trailing} {
		for line := range strings.Lines(string(part)) {
			if line = strings.TrimSpace(line); line == "" {
				end()
				continue
			}
			words = append(words, line)
		}
		end()
	}
	return strings.Join(paragraphs, "\n\n")
}

// summary parts the first sentence of a text from the others.
func summary(text string) (first, others string) {
	end := len(text)
	for _, mark := range []string{". ", "\n\n"} {
		if at := strings.Index(text, mark); at >= 0 {
			end = min(end, at)
		}
	}
	return strings.TrimSuffix(text[:end], "."), strings.TrimSpace(strings.TrimPrefix(text[end:], "."))
}

// needed says which permission a method needs, and where.
func needed(r *bastidev1.Rule) string {
	if permission := rule.Code(r.GetPermission()); permission != "" {
		return "Permission: " + permission + " on " + rule.Where(r) + "."
	}
	_, who, _ := strings.Cut(rule.Where(r), ": ")
	return "Permission: none; " + who + "."
}

// join returns the texts that are not empty as paragraphs.
func join(texts ...string) string {
	var some []string
	for _, text := range texts {
		if text != "" {
			some = append(some, text)
		}
	}
	return strings.Join(some, "\n\n")
}
