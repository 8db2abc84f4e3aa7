package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// http1Client sends the same bytes again and again and reads no more of the
// answers than it takes to find their end: what it does costs processor time
// that the server does not have.
type http1Client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func newHTTP1Client(conn net.Conn, request []byte) *http1Client {
	return &http1Client{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), request: request}
}

func (c *http1Client) close() error { return c.conn.Close() }

func (c *http1Client) do() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	// The line is overwritten by what is read next.
	ok := bytes.HasPrefix(line, []byte("HTTP/1.1 200 "))
	status := ""
	if !ok {
		status = string(bytes.TrimSpace(line))
	}
	length, chunked, err := c.header()
	if err != nil {
		return err
	}
	if !ok {
		text := make([]byte, max(0, min(length, 1<<10)))
		_, err := io.ReadFull(c.in, text)
		return errors.Join(fmt.Errorf("%s: %s", status, text), err)
	}
	if chunked {
		return c.skipChunks()
	}
	if length < 0 {
		return errors.New("an answer without a length")
	}
	_, err = c.in.Discard(length)
	return err
}

// header reads up to the empty line. length is -1 if none is named.
func (c *http1Client) header() (length int, chunked bool, err error) {
	length = -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return length, chunked, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || length < 0 {
				return 0, false, fmt.Errorf("the length of an answer is %q", value)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked"))
		}
	}
}

// skipChunks reads to the end of a chunked body without trailers.
func (c *http1Client) skipChunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return err
		}
		if _, err := c.in.Discard(int(size) + len("\r\n")); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}
