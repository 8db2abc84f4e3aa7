package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// target is a server under load.
type target struct {
	// name is ceilingRole, a database, or the URL of another server.
	name string
	// address is where it listens, host is what it is called.
	address, host string
	// owner is the token of the first instance's owner, system that of a system
	// user.
	owner, system string
	instanceID    string
	party         party
	// people are the ids of users who can have a password.
	people []string
	// process and database measure processor time; nil where that cannot be
	// measured, or there is no database process.
	process, database meter
}

// client makes one call after the other on one connection.
type client interface {
	// do makes the call. It returns an error unless the call succeeds.
	do() error
	close() error
}

// spare is what a connection may take longer than the load is to last.
const spare = 30 * time.Second

// dial returns a client that makes the call for as long as life.
func (t target) dial(ctx context.Context, c call, protocol string, message proto.Message, life time.Duration) (client, error) {
	conn, err := t.connect(ctx, life)
	if err != nil {
		return nil, err
	}
	if c.plain != nil {
		return newHTTP1Client(conn, c.plain(t)), nil
	}
	if protocol == grpc {
		body, err := proto.Marshal(message)
		if err != nil {
			return nil, err
		}
		return newGRPCClient(conn, t.grpcHeader(c), envelope(body))
	}
	request, err := t.http1(c, protocol, message)
	if err != nil {
		return nil, err
	}
	return newHTTP1Client(conn, request), nil
}

// connect opens a connection for as long as life.
func (t target) connect(ctx context.Context, life time.Duration) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(life + spare))
}

func (t target) token(c call) string {
	if c.system {
		return t.system
	}
	return t.owner
}

// http1 returns the bytes of a request of HTTP/1.1.
func (t target) http1(c call, protocol string, message proto.Message) ([]byte, error) {
	body, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	verb, path := "POST", c.procedure
	if protocol == rest {
		verb, path = c.verb, strings.ReplaceAll(c.path, "{instance_id}", t.instanceID)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n", verb, path, t.host, t.token(c))
	if protocol == connectJSON {
		b.WriteString("Connect-Protocol-Version: 1\r\n")
	}
	if verb != "GET" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	if verb != "GET" {
		b.Write(body)
	}
	return b.Bytes(), nil
}

// field is a header field of HTTP/2.
type field struct{ name, value string }

func (t target) grpcHeader(c call) []field {
	return []field{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", c.procedure},
		{":authority", t.host},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
		{"authorization", "Bearer " + t.token(c)},
	}
}

// envelope returns a message as gRPC sends it: not compressed, with its length
// before it.
func envelope(message []byte) []byte {
	out := make([]byte, 5, 5+len(message))
	binary.BigEndian.PutUint32(out[1:], uint32(len(message)))
	return append(out, message...)
}
