package main

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

//go:embed completion
var completionScripts embed.FS

// Help says what to do with the script.
func (completionCommand) Help() string {
	return "For bash: source <(bastide completion bash). For zsh, after compinit: source <(bastide completion zsh).\n" +
		"For fish: bastide completion fish > ~/.config/fish/completions/bastide.fish."
}

// Run prints the script of the shell.
func (c completionCommand) Run(p *process) error {
	script, err := fs.ReadFile(completionScripts, "completion/bastide."+c.Shell)
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(script)
	return err
}

// completeWord is what the scripts call the program with, before the words of
// the line up to the cursor.
const completeWord = "__complete"

// What the shell completes by itself.
const (
	completeFile = ":file"
	completeDir  = ":dir"
)

// candidate is a word that can stand where the cursor is.
type candidate struct{ word, help string }

// printCandidates prints a line for each word that can stand for the last of
// words, with its help after a tab; or one of the constants above. It asks
// nobody else, so that it answers at once and never fails.
func printCandidates(out io.Writer, app *kong.Application, words []string) {
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
		words = words[:len(words)-1]
	}
	for _, c := range candidates(app, words, last) {
		if c.word == completeFile || c.word == completeDir {
			_, _ = fmt.Fprintln(out, c.word)
			return
		}
		if strings.HasPrefix(c.word, last) || last == "=" {
			_, _ = fmt.Fprintf(out, "%s\t%s\n", c.word, c.help)
		}
	}
}

// candidates returns what can stand after the words; some do not begin as last
// does.
func candidates(app *kong.Application, words []string, last string) []candidate {
	node, at, onlyArguments := app.Node, 0, false
	// bash makes a word of its own of the sign in --flag=value.
	if last == "=" && len(words) > 0 {
		return valuesOf(flagNamed(node, words))
	}
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "=" })
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case !onlyArguments && word == "--":
			onlyArguments = true
		case !onlyArguments && strings.HasPrefix(word, "-") && word != "-":
			flag := flagOf(node, word)
			if flag == nil || flag.IsBool() || strings.Contains(word, "=") {
				continue
			}
			if i++; i == len(words) {
				return valuesOf(flag)
			}
		default:
			if child := childOf(node, word); child != nil {
				node = child
			} else {
				at++
			}
		}
	}
	name, _, assigned := strings.Cut(last, "=")
	switch {
	case !onlyArguments && assigned && strings.HasPrefix(name, "--"):
		return prefixed(name+"=", valuesOf(flagOf(node, name)))
	case !onlyArguments && strings.HasPrefix(last, "-") && last != "-":
		return flagsOf(node)
	case len(node.Children) > 0:
		return commandsOf(node)
	case at < len(node.Positional):
		return argumentsFor(node.Positional[at], last)
	}
	return nil
}

// flagNamed returns the flag that ends the words, of the command in them.
func flagNamed(node *kong.Node, words []string) *kong.Flag {
	for _, word := range words[:len(words)-1] {
		if child := childOf(node, word); child != nil {
			node = child
		}
	}
	return flagOf(node, words[len(words)-1])
}

func childOf(node *kong.Node, word string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == word && !child.Hidden {
			return child
		}
	}
	return nil
}

func flagOf(node *kong.Node, word string) *kong.Flag {
	word, _, _ = strings.Cut(word, "=")
	for _, level := range node.AllFlags(true) {
		for _, flag := range level {
			if word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short) {
				return flag
			}
		}
	}
	return nil
}

func flagsOf(node *kong.Node) (flags []candidate) {
	for _, level := range node.AllFlags(true) {
		for _, flag := range level {
			flags = append(flags, candidate{"--" + flag.Name, flag.Help})
		}
	}
	return flags
}

func commandsOf(node *kong.Node) (commands []candidate) {
	for _, child := range node.Children {
		if !child.Hidden {
			commands = append(commands, candidate{child.Name, child.Help})
		}
	}
	return commands
}

func valuesOf(flag *kong.Flag) []candidate {
	switch {
	case flag == nil:
		return nil
	case flag.PlaceHolder == "FILE":
		return []candidate{{word: completeFile}}
	case flag.PlaceHolder == "DIR":
		return []candidate{{word: completeDir}}
	}
	return enumerated(flag.Value)
}

func argumentsFor(argument *kong.Value, last string) []candidate {
	if argument.Tag.Get("complete") == "method" {
		return methodNames(strings.HasPrefix(last, contractPackage))
	}
	return enumerated(argument)
}

func enumerated(value *kong.Value) (values []candidate) {
	if value.Enum == "" {
		return nil
	}
	for _, word := range value.EnumSlice() {
		values = append(values, candidate{word: word})
	}
	return values
}

func prefixed(prefix string, values []candidate) []candidate {
	for i := range values {
		if !strings.HasPrefix(values[i].word, ":") {
			values[i].word = prefix + values[i].word
		}
	}
	return values
}

// methodNames returns the methods that this program serves. A server of another
// version may have others; it is not asked, because it may be far away, or hang.
func methodNames(full bool) (names []candidate) {
	for service := range contractServices() {
		name := string(service.FullName())
		if !full {
			name = strings.TrimPrefix(name, contractPackage)
		}
		for j := range service.Methods().Len() {
			names = append(names, candidate{word: name + "/" + string(service.Methods().Get(j).Name())})
		}
	}
	slices.SortFunc(names, func(a, b candidate) int { return cmp.Compare(a.word, b.word) })
	return names
}
