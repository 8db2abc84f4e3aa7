package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress is a line about something that takes a moment.
type progress struct {
	out      io.Writer
	text     string
	terminal bool
	since    time.Time
}

// begin says what begins, if somebody looks on.
func begin(out io.Writer, text string) *progress {
	p := &progress{out: out, text: text, terminal: isTerminal(out), since: time.Now()}
	if p.terminal {
		_, _ = io.WriteString(out, text)
	}
	return p
}

// end completes the line. Where nobody looks on, it is the whole line.
func (p *progress) end(err error) {
	how := "failed"
	if err == nil {
		how = fmt.Sprintf("done (%d ms)", time.Since(p.since).Milliseconds())
	}
	if !p.terminal {
		how = p.text + " " + how
	} else {
		how = " " + how
	}
	_, _ = fmt.Fprintln(p.out, how)
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
