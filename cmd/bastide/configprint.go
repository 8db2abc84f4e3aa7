package main

import (
	"net/url"
	"path/filepath"
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
// configuration when it is read again, wherever the file is, but for what is
// secret in the database's address.
func (c *configPrintCommand) Run(ctx *kong.Context, p *process, src *sources) error {
	effective, err := c.config(p, src)
	if err != nil {
		return err
	}
	c.ExternalDomain, c.ExternalPort, c.ExternalSecure = effective.ExternalDomain, effective.ExternalPort, effective.ExternalSecure
	c.DefaultListLimit = effective.Limits.DefaultListLimit
	c.Database = withoutPassword(c.Database)
	for _, path := range []*string{&c.DataDir, &c.MasterKeyFile, &c.TLSCert, &c.TLSKey} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
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

const hidden = "redacted"

// knownParameters are those of a database's address that hold no secret.
var knownParameters = []string{
	"host", "hostaddr", "port", "dbname", "user", "passfile", "service",
	"sslmode", "sslnegotiation", "sslcert", "sslrootcert", "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version",
	"application_name", "fallback_application_name", "connect_timeout", "client_encoding", "datestyle", "tz", "timezone",
	"search_path", "statement_timeout", "lock_timeout", "target_session_attrs", "load_balance_hosts",
	"krbsrvname", "krbspn", "binary_parameters", "disable_prepared_binary_result",
}

// secretParameters hold a secret, and their names do not.
var secretParameters = []string{"password", "sslpassword", "sslkey"}

// withoutPassword returns the address of a database with the word redacted for
// each password in it, and for whatever else may be one or a part of one: a
// sign that is not encoded cuts a password in pieces.
func withoutPassword(database string) string {
	u, err := url.Parse(database)
	if err != nil || u.Opaque != "" {
		return hidden
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), hidden)
	}
	if strings.ContainsAny(u.Path, ":@") {
		u.Path, u.RawPath = "/"+hidden, ""
	}
	if u.Fragment != "" {
		u.Fragment, u.RawFragment = hidden, ""
	}
	if u.RawQuery != "" {
		query := strings.Split(u.RawQuery, "&")
		for i, parameter := range query {
			query[i] = withoutSecret(parameter)
		}
		u.RawQuery = strings.Join(query, "&")
	}
	return u.String()
}

// withoutSecret returns a parameter of an address as it is if it is known to
// hold no secret.
func withoutSecret(parameter string) string {
	encoded, value, _ := strings.Cut(parameter, "=")
	name, err := url.QueryUnescape(encoded)
	switch {
	case err == nil && slices.Contains(knownParameters, name) && !strings.ContainsAny(value, ";="):
		return parameter
	case err == nil && slices.Contains(secretParameters, name):
		return name + "=" + hidden
	default:
		return hidden
	}
}
