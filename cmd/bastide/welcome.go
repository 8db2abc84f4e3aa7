package main

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/bastide-id/bastide/server"
)

// welcome is what serve tells the person who started it.
type welcome struct {
	config server.Config
	url    string
	// configFile is the file of --config, empty if none.
	configFile string
	// program calls this program again in a shell.
	program string
	// directory is where the person is.
	directory string
}

// short is the text of a start on existing data.
func (w welcome) short() string {
	return fmt.Sprintf("Bastide is running at %s\nIts data is in %s. Ctrl-C stops it.\n", w.url, w.dataPlace())
}

// first is the text of the first run. Its lines that begin with two spaces and
// curl can be pasted into bash as they are, in their order.
func (w welcome) first() string {
	masterKey := cmp.Or(w.config.MasterKeyFile, w.inData("master.key"))
	secrets := [][2]string{
		{w.path(masterKey), "the key of what the database keeps encrypted: back it up"},
		{w.path(w.inData(server.SystemKeyFile)), "the private key of the system user"},
		{w.path(w.inData(server.OwnerTokenFile)), "the owner's personal access token"},
		{w.path(w.inData(server.OwnerKeyFile)), "the owner's machine key"},
	}
	width := 0
	for _, secret := range secrets {
		width = max(width, len(secret[0]))
	}
	lines := w.lines()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Bastide is running at %s", w.url)
	line("")
	line("This was the first run: it made an instance with an organization and an owner.")
	line("The data is in %s. These files hold secrets; only you can read them:", w.dataPlace())
	for _, secret := range secrets {
		line("  %-*s  %s", width, secret[0], secret[1])
	}
	line("")
	line("Paste these lines into another terminal, in this directory. Who the owner is:")
	line("  %s", lines[0])
	line("Make an instance with a domain and an owner of its own:")
	line("  %s", lines[1])
	line("Call it with the token it answered:")
	line("  %s", lines[2])
	line("")
	line("Ctrl-C stops the server; the same command starts it again.")
	return b.String()
}

// newInstance is the request of the second line.
const newInstance = `{"instanceName":"ACME","customDomain":"%s","machine":{"userName":"owner","name":"Owner","personalAccessToken":{}}}`

// lines are three lines for bash: read the owner, create an instance, and call
// it with the token that creating it answered. The answer is kept in the data
// directory, which nobody else can read.
func (w welcome) lines() [3]string {
	curl := "curl"
	if w.config.TLSCert != "" {
		// A certificate of one's own making is trusted by nobody else.
		curl += " --cacert " + w.path(w.config.TLSCert)
	}
	domain := "acme." + w.config.ExternalDomain
	answer := w.path(w.inData("acme.json"))
	bearer := func(command string) string { return ` -H "Authorization: Bearer $(` + command + `)" ` }

	read := curl + bearer("cat "+w.path(w.inData(server.OwnerTokenFile))) + w.url + "/auth/v1/users/me"
	create := curl + " -sS" + bearer(w.systemToken()) + "-H 'Content-Type: application/json' -d '" + fmt.Sprintf(newInstance, domain) + "' " +
		w.url + "/system/v1/instances/_create | (umask 077 && tee " + answer + ")"
	call := curl + bearer(`sed -n 's/.*"pat": *"\([^"]*\)".*/\1/p' `+answer) + w.onDomain(domain) + "/admin/v1/instances/me"
	return [3]string{read, create, call}
}

// onDomain is how curl reaches a domain of the server. It finds every name
// under localhost by itself; for another one, and where a certificate has to
// fit, it goes to the external URL and only names the domain.
func (w welcome) onDomain(domain string) string {
	u, err := url.Parse(w.url)
	if err != nil || u.Scheme != "http" || u.Hostname() != "localhost" {
		return "-H 'Host: " + domain + "' " + w.url
	}
	u.Host = strings.Replace(u.Host, "localhost", domain, 1)
	return u.String()
}

// systemToken is the command that prints a system token for this server, from
// the person's directory.
func (w welcome) systemToken() string {
	defaults := server.Defaults()
	command := w.program + " system-token"
	if w.configFile != "" {
		command += " --config " + w.path(w.configFile)
	}
	if w.config.DataDir != defaults.DataDir {
		command += " --data-dir " + w.path(w.config.DataDir)
	}
	// The settings that make the URL may have been flags of serve only.
	if defaults, err := defaults.WithDefaults(); err != nil || w.url != defaults.ExternalURL() {
		command += " --audience " + w.url
	}
	return command
}

func (w welcome) inData(name string) string { return filepath.Join(w.config.DataDir, name) }

// dataPlace names the directory, and the database where it is elsewhere,
// without its address, which has a password in it.
func (w welcome) dataPlace() string {
	if w.config.Database == "" {
		return w.path(w.config.DataDir)
	}
	return "PostgreSQL and " + w.path(w.config.DataDir)
}

// path is a path as the shell takes it: from the person's directory if that is
// shorter.
func (w welcome) path(path string) string {
	path = filepath.Clean(path)
	if filepath.IsAbs(path) {
		if relative, err := filepath.Rel(w.directory, path); err == nil && len(relative) < len(path) {
			path = relative
		}
	}
	return shellQuote(path)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,][A-Za-z0-9_./:@%+=,-]*$`)

// shellQuote makes a word that bash takes for s.
func shellQuote(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// builtByGoRun matches where go run puts the program: a directory of its own
// that ends with it, or the build cache.
var builtByGoRun = regexp.MustCompile(`/go-build[^/]*/|/[0-9a-f]{64}-d/`)

// programLine is how to call this program again: as it was typed, or the go run
// that built and started it.
func programLine(name string, info *debug.BuildInfo) string {
	if info == nil || !builtByGoRun.MatchString(filepath.ToSlash(name)) {
		return shellQuote(name)
	}
	if _, err := os.Stat("cmd/bastide/main.go"); err == nil {
		return "go run ./cmd/bastide"
	}
	return "go run " + info.Path
}
