package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"connectrpc.com/connect"

	"github.com/bastide-id/bastide/server"
)

type instanceCommand struct {
	Create instanceCreateCommand `cmd:"" help:"Create an instance (a tenant) with an owner who can call it at once."`
}

type instanceCreateCommand struct {
	Name         string `arg:"" help:"Name of the instance."`
	Domain       string `group:"command" placeholder:"HOST" help:"Host name of the instance, beside the one it is given."`
	OrgName      string `group:"command" placeholder:"NAME" help:"Name of its first organization; without it that of the instance."`
	Language     string `group:"command" placeholder:"TAG" help:"Its default language, such as de."`
	Owner        string `group:"command" placeholder:"NAME" help:"User name of the owner; without it owner, or the e-mail address."`
	Email        string `group:"command" placeholder:"ADDRESS" help:"Make the owner a person with this verified address; else it is a machine."`
	FirstName    string `group:"command" placeholder:"NAME" help:"First name of the person."`
	LastName     string `group:"command" placeholder:"NAME" help:"Last name of the person."`
	PasswordFile string `group:"command" placeholder:"FILE" help:"File of the person's password, which is to be changed; - is standard input."`
	SaveToken    string `group:"command" placeholder:"FILE" help:"Write the owner's personal access token into a new file that only you can read."`
	SaveKey      string `group:"command" placeholder:"FILE" help:"Have a key file made for the owner, and write it into such a file; then there is no token but by --save-token."`
	Expires      expiry `group:"command" placeholder:"TIME" help:"When the token and the key expire: after a time such as 720h, or at a date such as 2031-01-31 (it begins in UTC); without it never."`
	JSON         bool   `group:"command" name:"json" help:"Print what was made as JSON."`
	target       `group:"target"`
	systemKey    `group:"credential"`
	place        `group:"place"`
	address      `group:"address"`
}

// Help shows how it is used, and says where the owner's token goes.
func (instanceCreateCommand) Help() string {
	return `Beside a server that runs on the same data directory, which has the key of the
system user, it takes a name and no more:

  bastide instance create acme
  bastide instance create acme --domain acme.localhost --save-token acme.pat
  bastide instance create acme --save-key acme.key.json --expires 720h
  bastide instance create acme --email ada@acme.example --first-name Ada --last-name Lovelace

The owner is a machine unless --email makes it a person. A machine's token is
printed, this one time, if --save-token names no file for it. It and a key never
expire, unless --expires says when.`
}

// created is what there is after the instance was made, and what --json prints.
type created struct {
	InstanceID string   `json:"instanceId"`
	Name       string   `json:"name"`
	Domains    []string `json:"domains"`
	Owner      string   `json:"owner"`
	// Token and Key are what no file has.
	Token     string          `json:"token,omitempty"`
	TokenFile string          `json:"tokenFile,omitempty"`
	Key       json.RawMessage `json:"key,omitempty"`
	KeyFile   string          `json:"keyFile,omitempty"`
	// Expires is when the token and the key expire; nil is never.
	Expires *time.Time `json:"expires,omitempty"`
}

// Run creates the instance. What it is answered is in the files, or printed,
// whatever fails afterwards.
func (c instanceCreateCommand) Run(ctx context.Context, p *process) error {
	config, err := complete(server.Config{}, c.place, c.address)
	if err != nil {
		return err
	}
	expires := c.Expires.moment()
	request, err := c.request(p, expires)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	at, err := c.locate(ctx, config)
	if err != nil {
		return err
	}
	who, err := credential{systemKey: c.systemKey}.option(p, at, "", true)
	if err != nil {
		return err
	}
	to, err := c.connect(ctx, at, "", who)
	if err != nil {
		return err
	}
	tokenFile, err := reserve("--save-token", c.SaveToken)
	if err != nil {
		return err
	}
	keyFile, err := reserve("--save-key", c.SaveKey)
	if err != nil {
		tokenFile.discard()
		return err
	}
	made, err := c.create(ctx, p, to, request, expires)
	if err != nil {
		tokenFile.discard()
		keyFile.discard()
		return maybeMade(err, to.explainFields(err, flagsOfFields))
	}
	saveErr := made.save(tokenFile, keyFile, c)
	// The domains are good to know; the instance is there without.
	domains, domainsErr := domainsOf(ctx, to, made.InstanceID)
	made.Domains = domains
	return errors.Join(c.print(p, at, made), saveErr, to.explain(domainsErr))
}

// save puts the secrets into the files that there are for them. What cannot be
// kept remains, to be printed. It returns an error too for a secret that was
// asked for and not given.
func (c *created) save(tokenFile, keyFile *savedFile, flags instanceCreateCommand) error {
	var tokenErr, keyErr error
	if flags.hasToken() && c.Token == "" {
		tokenErr = tokenFile.missing("token")
	} else if tokenErr = tokenFile.keep([]byte(c.Token + "\n")); tokenFile != nil && tokenErr == nil {
		c.Token, c.TokenFile = "", flags.SaveToken
	}
	if flags.hasKey() && len(c.Key) == 0 {
		keyErr = keyFile.missing("key")
	} else if keyErr = keyFile.keep(c.Key); keyFile != nil && keyErr == nil {
		c.Key, c.KeyFile = nil, flags.SaveKey
	}
	return errors.Join(tokenErr, keyErr)
}

// maybeMade adds to what is told of a call's error that the call may have done
// its work all the same.
func maybeMade(err, told error) error {
	if isUnheard(err) {
		return told // nobody heard of it
	}
	switch connect.CodeOf(err) {
	case connect.CodeCanceled, connect.CodeDeadlineExceeded, connect.CodeUnavailable, connect.CodeUnknown:
		return fmt.Errorf("%w\nThe instance may be there all the same: bastide call system.v1.SystemService/ListInstances shows it", told)
	}
	return told
}

// create makes the call, and says on standard error that it does.
func (c instanceCreateCommand) create(ctx context.Context, p *process, to *remote, request map[string]any, expires time.Time) (*created, error) {
	var answer struct {
		InstanceID string `json:"instanceId"`
		Pat        string `json:"pat"`
		MachineKey []byte `json:"machineKey"`
	}
	said := begin(p.stderr, fmt.Sprintf("Creating instance %s…", printable(c.Name)))
	err := callSystem(ctx, to, "CreateInstance", request, &answer)
	said.end(err)
	if err != nil {
		return nil, err
	}
	made := &created{InstanceID: answer.InstanceID, Name: c.Name, Owner: c.owner(), Token: answer.Pat, Key: answer.MachineKey}
	if !expires.IsZero() {
		made.Expires = &expires
	}
	return made, nil
}

// print says what was made, and how to call it.
func (c instanceCreateCommand) print(p *process, at located, made *created) error {
	if c.JSON {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(made); err != nil {
			return err
		}
		_, err := p.stdout.Write(printableJSON(text.Bytes()))
		return err
	}
	out := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(out, "%s\t%s\n", name, printable(value))
		}
	}
	line("Instance", made.InstanceID+" ("+made.Name+")")
	for _, domain := range made.Domains {
		line("Domain", domain)
	}
	line("Owner", made.Owner)
	line("Token", made.Token)
	line("Token file", made.TokenFile)
	var key bytes.Buffer // on one line
	if err := json.Compact(&key, made.Key); err != nil {
		key = *bytes.NewBuffer(made.Key)
	}
	line("Key", key.String())
	line("Key file", made.KeyFile)
	if made.Expires != nil {
		line("Expires", made.Expires.Format(time.RFC3339))
	}
	noSecret := made.Token+made.TokenFile+made.KeyFile == "" && len(made.Key) == 0
	if err := out.Flush(); err != nil || len(made.Domains) == 0 || noSecret {
		return err
	}
	hint := ""
	if made.TokenFile+made.KeyFile == "" {
		hint = "; it reads the token"
	}
	_, err := fmt.Fprintf(p.stdout, "\nCall it as its owner%s:\n  %s\n", hint, printable(c.callLine(p, at, made)))
	return err
}

// callLine calls the instance as its owner, in a shell.
func (c instanceCreateCommand) callLine(p *process, at located, made *created) string {
	info, _ := debug.ReadBuildInfo()
	line := programLine(p.name, info) + " call auth.v1.AuthService/GetMyUser"
	flag := func(name, value, usual string) {
		if value != usual {
			line += " --" + name + " " + shellQuote(value)
		}
	}
	flag("config", c.Config, "")
	flag("data-dir", c.DataDir, server.Defaults().DataDir)
	flag("url", c.URL, "")
	flag("cacert", c.CACert, "")
	flag("protocol", c.Protocol, connectProtocol)
	if c.Cleartext {
		line += " --cleartext"
	}
	flag("host", made.Domains[0], at.host())
	switch {
	case made.TokenFile != "":
		return line + " --token-file " + shellQuote(made.TokenFile)
	case made.KeyFile != "":
		return line + " --key-file " + shellQuote(made.KeyFile)
	}
	return line + " --token-file -"
}
