package main

import (
	"errors"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/caller"
)

// systemUsers reads the system users of a file of settings.
func systemUsers(node *yaml.Node, file string) ([]server.SystemUser, error) {
	items, err := sequence(node)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", systemUsersKey, err)
	}
	users := make([]server.SystemUser, len(items))
	for i, item := range items {
		if users[i], err = systemUser(item, file); err != nil {
			return nil, fmt.Errorf("%s: user %s: %w", systemUsersKey, nameOr(users[i].Name, i), err)
		}
	}
	return users, nil
}

// nameOr names a user that may have no name by its place in the list.
func nameOr(name string, i int) string {
	if name == "" {
		return fmt.Sprint(i + 1)
	}
	return fmt.Sprintf("%q", name)
}

// systemUser reads a user. With an error it returns what it has, for the name.
func systemUser(node *yaml.Node, file string) (server.SystemUser, error) {
	var u server.SystemUser
	entries, err := mapping(node, "name", "publicKey", "publicKeyFile", "memberships")
	if err != nil {
		return u, err
	}
	if u.Name, err = text(entries["name"]); err != nil {
		return u, err
	}
	if u.PublicKey, err = publicKey(entries["publicKey"], entries["publicKeyFile"], file); err != nil {
		return u, err
	}
	items, err := sequence(entries["memberships"])
	if err != nil {
		return u, err
	}
	for i, item := range items {
		m, err := membership(item)
		if err != nil {
			return u, fmt.Errorf("membership %d: %w", i+1, err)
		}
		u.Memberships = append(u.Memberships, m)
	}
	return u, nil
}

func publicKey(inline, inFile *yaml.Node, file string) (string, error) {
	key, err := text(inline)
	if err != nil {
		return "", err
	}
	path, err := text(inFile)
	if err != nil || path == "" {
		return key, err
	}
	if key != "" {
		return "", errors.New("publicKey and publicKeyFile exclude each other: set one")
	}
	content, err := os.ReadFile(fromFile(file, path))
	if err != nil {
		return "", fmt.Errorf("publicKeyFile: %w", err)
	}
	return string(content), nil
}

// levels are the types of membership as the file names them.
var levels = map[string]caller.Level{
	"System":       caller.SystemLevel,
	"Instance":     caller.InstanceLevel,
	"Organization": caller.OrganizationLevel,
}

func membership(node *yaml.Node) (caller.Membership, error) {
	var m caller.Membership
	entries, err := mapping(node, "type", "id", "roles")
	if err != nil {
		return m, err
	}
	kind, err := text(entries["type"])
	if err != nil {
		return m, err
	}
	level, ok := levels[kind]
	if !ok {
		return m, fmt.Errorf("the type %q does not exist: it is System, Instance or Organization", kind)
	}
	m.Level = level
	if m.ID, err = text(entries["id"]); err != nil {
		return m, err
	}
	items, err := sequence(entries["roles"])
	if err != nil {
		return m, err
	}
	for _, item := range items {
		role, err := text(item)
		if err != nil {
			return m, err
		}
		m.Roles = append(m.Roles, role)
	}
	return m, nil
}
