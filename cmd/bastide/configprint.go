package main

import (
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/bastide-id/bastide/server"
	"github.com/bastide-id/bastide/server/caller"
)

type configCommand struct {
	Print configPrintCommand `cmd:"" help:"Print the configuration in effect as a file for --config, without secrets."`
}

type configPrintCommand struct{ settings }

// Run prints what serve would run with. What it prints is the same
// configuration when it is read again, but for a password in the database's
// address.
func (c *configPrintCommand) Run(ctx *kong.Context, p *process, src *sources) error {
	effective, err := c.config(p, src)
	if err != nil {
		return err
	}
	c.ExternalDomain, c.ExternalPort, c.ExternalSecure = effective.ExternalDomain, effective.ExternalPort, effective.ExternalSecure
	c.DefaultListLimit = effective.Limits.DefaultListLimit
	c.Database = withoutPassword(c.Database)
	document, err := configDocument(ctx.Selected().Flags, src.file.systemUsers)
	if err != nil {
		return err
	}
	encoder := yaml.NewEncoder(p.stdout)
	encoder.SetIndent(2)
	if err := encoder.Encode(document); err != nil {
		return err
	}
	return encoder.Close()
}

// configDocument is the file with the values of the flags and the users.
func configDocument(flags []*kong.Flag, users []server.SystemUser) (*yaml.Node, error) {
	document := &yaml.Node{Kind: yaml.MappingNode}
	title := ""
	for _, flag := range flags {
		if flag.Name == "config" {
			continue
		}
		value := &yaml.Node{}
		if err := value.Encode(plainValue(flag.Target)); err != nil {
			return nil, err
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: fileKey(flag.Name)}
		if flag.Group.Title != title {
			title = flag.Group.Title
			key.HeadComment = title
		}
		document.Content = append(document.Content, key, value)
	}
	value := &yaml.Node{}
	if err := value.Encode(printedUsers(users)); err != nil {
		return nil, err
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: systemUsersKey, HeadComment: "System users"}
	document.Content = append(document.Content, key, value)
	return document, nil
}

// plainValue is the value of a flag as the file has it.
func plainValue(value reflect.Value) any {
	switch v := value.Interface().(type) {
	case []network:
		list := make([]string, len(v))
		for i, n := range v {
			list[i] = n.String()
		}
		return list
	case interface{ String() string }:
		return v.String()
	default:
		return v
	}
}

type printedUser struct {
	Name        string              `yaml:"name"`
	PublicKey   string              `yaml:"publicKey"`
	Memberships []printedMembership `yaml:"memberships"`
}

type printedMembership struct {
	Type  string   `yaml:"type"`
	ID    string   `yaml:"id,omitempty"`
	Roles []string `yaml:"roles,flow"`
}

// printedUsers are the users as the file has them. A key that came from a file
// is printed itself, so that the output does not depend on where it is read.
func printedUsers(users []server.SystemUser) []printedUser {
	names := map[caller.Level]string{}
	for name, level := range levels {
		names[level] = name
	}
	printed := make([]printedUser, len(users))
	for i, u := range users {
		printed[i] = printedUser{Name: u.Name, PublicKey: u.PublicKey, Memberships: []printedMembership{}}
		for _, m := range u.Memberships {
			printed[i].Memberships = append(printed[i].Memberships, printedMembership{Type: names[m.Level], ID: m.ID, Roles: m.Roles})
		}
	}
	return printed
}

// withoutPassword returns the address of a database with the word redacted for
// each password in it.
func withoutPassword(database string) string {
	const hidden = "redacted"
	u, err := url.Parse(database)
	if err != nil {
		return hidden
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), hidden)
	}
	query := strings.Split(u.RawQuery, "&")
	for i, parameter := range query {
		name, _, _ := strings.Cut(parameter, "=")
		if slices.Contains([]string{"password", "sslpassword"}, name) {
			query[i] = name + "=" + hidden
		}
	}
	u.RawQuery = strings.Join(query, "&")
	return u.String()
}
