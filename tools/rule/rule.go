// Package rule says in words what the contract declares of its methods, for the
// pages and documents that are made from it.
package rule

import (
	bastidev1 "github.com/bastide-id/bastide/gen/bastide/v1"
)

// Where says where a rule asks for its permission; field names are in backticks.
// It returns nothing for a rule that names no place.
func Where(rule *bastidev1.Rule) string {
	object := Code(rule.GetObject().GetField())
	switch rule.GetOn() {
	case bastidev1.On_ON_PUBLIC:
		return "nowhere: anybody may call"
	case bastidev1.On_ON_HOST:
		return "nowhere: anybody may call, on a host of an instance"
	case bastidev1.On_ON_SELF:
		if rule.GetPermission() != "" {
			return "the user's own organization"
		}
		return "nowhere: any user with a valid token, for itself"
	case bastidev1.On_ON_AUTHENTICATED:
		return "nowhere: any caller with a valid token"
	case bastidev1.On_ON_SYSTEM:
		if object != "" {
			return "the system, or the instance of " + object
		}
		return "the system"
	case bastidev1.On_ON_INSTANCE:
		return "the instance"
	case bastidev1.On_ON_HEADER_ORG:
		if object != "" {
			return "the chosen organization, which must own " + object
		}
		return "the chosen organization"
	case bastidev1.On_ON_OBJECT:
		return "the organization that owns " + object
	default:
		return ""
	}
}

// Code returns the text in backticks, and nothing for nothing.
func Code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}
