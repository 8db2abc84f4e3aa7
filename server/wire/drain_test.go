package wire_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/bastide-id/bastide/server/caller"
	"github.com/bastide-id/bastide/server/fault"
	"github.com/bastide-id/bastide/server/wire"
)

// raw is an HTTP/2 connection, frame by frame.
type raw struct {
	*http2.Framer
	t     *testing.T
	pings byte
}

func (f *fixture) raw(t *testing.T) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	c := &raw{Framer: http2.NewFramer(conn, conn), t: t}
	c.must(c.WriteSettings())
	return c
}

func (c *raw) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// open begins stream 1.
func (c *raw) open(path, token string) {
	c.t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":authority", ownHost}, {":path", path},
		{"content-type", "application/json"}, {"authorization", "Bearer " + token},
	} {
		c.must(encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
	}
	c.must(c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}))
}

// quiet sends a ping and expects that nothing of the stream comes before its
// answer.
func (c *raw) quiet() {
	c.t.Helper()
	c.pings++
	c.must(c.WritePing(false, [8]byte{c.pings}))
	for {
		frame, err := c.ReadFrame()
		c.must(err)
		if ping, ok := frame.(*http2.PingFrame); ok && ping.IsAck() && ping.Data[0] == c.pings {
			return
		}
		if frame.Header().StreamID != 0 && frame.Header().Type != http2.FrameWindowUpdate {
			c.t.Fatalf("%v before the body was sent", frame)
		}
	}
}

// answered expects an answer of the status, whole, and no reset of the stream,
// be it after the answer.
func (c *raw) answered(status string) {
	c.t.Helper()
	ended := false
	decoder := hpack.NewDecoder(4096, nil)
	for {
		frame, err := c.ReadFrame()
		c.must(err)
		switch frame := frame.(type) {
		case *http2.RSTStreamFrame:
			c.t.Fatal(frame)
		case *http2.HeadersFrame:
			fields, err := decoder.DecodeFull(frame.HeaderBlockFragment())
			c.must(err)
			if fields[0].Value != status {
				c.t.Errorf("the answer is %v", fields)
			}
			ended = frame.StreamEnded()
		case *http2.DataFrame:
			ended = frame.StreamEnded()
		case *http2.PingFrame:
			return
		}
		if ended {
			ended = false
			c.must(c.WritePing(false, [8]byte{}))
		}
	}
}

// TestRefusedBeforeTheBody sends a body bit by bit after its call was refused:
// the answer waits for it, for a client that is cut off while it sends takes
// that for an error of the connection.
func TestRefusedBeforeTheBody(t *testing.T) {
	refused := make(chan struct{}, 1)
	f := start(t, func(c *wire.Config) {
		resolve := c.Resolve
		c.Resolve = func(ctx context.Context, host string) (string, bool, error) {
			if host == ownHost {
				refused <- struct{}{}
			}
			return resolve(ctx, host)
		}
		c.Authenticate = func(context.Context, string, []string) (caller.Caller, error) {
			return caller.Caller{}, fault.TokenInvalid.With()
		}
	})
	for path, status := range map[string]string{
		"/zitadel.auth.v1.AuthService/GetMyUser": "401",
		"/management/v1/users/machine":           "401",
		"/oauth/v2/token":                        "418",
	} {
		c := f.raw(t)
		c.open(path, "nonsense")
		<-refused
		for range 20 {
			c.quiet()
			c.must(c.WriteData(1, false, []byte(" ")))
		}
		c.must(c.WriteData(1, true, []byte("{}")))
		c.answered(status)
	}
}

// notes is a body that notes how much of it was read.
type notes struct {
	io.Reader
	read int
}

func (n *notes) Read(p []byte) (int, error) {
	count, err := n.Reader.Read(p)
	n.read += count
	return count, err
}

func (*notes) Close() error { return nil }

// TestHowMuchIsDrained counts what is read of bodies that nobody wants.
func TestHowMuchIsDrained(t *testing.T) {
	f := start(t, nil)
	w := mustWire(t, f)
	handler, err := w.Handler(f.mounted(w), http.HandlerFunc(f.servePublic))
	if err != nil {
		t.Fatal(err)
	}
	const method = "/zitadel.auth.v1.AuthService/GetMyUser"
	for _, test := range []struct {
		name, path, contentType string
		header                  string
		major, size, status     int
		want                    int
	}{
		{"method", method, "application/json", "", 2, 1000, 401, 1000},
		{"gRPC", method, "application/grpc", "", 2, 1000, 200, 1000},
		{"unknown path", "/robots", "application/json", "", 2, 1000, 404, 1000},
		{"unknown method", "/zitadel.auth.v1.AuthService/Get", "application/json", "", 2, 1000, 501, 1000},
		{"public", "/oauth/v2/token", "application/json", "", 2, 1000, 418, 1000},
		{"public on an unknown host", "http://nowhere.test/oauth/v2/token", "application/json", "", 2, 1000, 404, 1000},
		{"public, panics", "/oauth/panic", "application/json", "", 2, 1000, 500, 1000},
		{"much", method, "application/json", "", 2, 100 << 10, 401, 64 << 10},
		// HTTP/1.1 is read on by the library below.
		{"HTTP/1.1", method, "application/json", "", 1, 1000, 401, 0},
		// Who asks whether to send a body has its answer.
		{"asks first", method, "application/json", "100-continue", 2, 1000, 401, 0},
		// A stream of gRPC may stay open until it is answered.
		{"unknown method of gRPC", "/zitadel.auth.v1.AuthService/Get", "application/grpc", "", 2, 1000, 200, 0},
	} {
		body := &notes{Reader: strings.NewReader(strings.Repeat("x", test.size))}
		path := test.path
		if strings.HasPrefix(path, "/") {
			path = "http://" + ownHost + path
		}
		r := httptest.NewRequest(http.MethodPost, path, body)
		r.ProtoMajor, r.ProtoMinor, r.Proto = test.major, 0, "HTTP/2.0"
		r.Header.Set("Content-Type", test.contentType)
		r.Header.Set("Expect", test.header)
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if rec.Code != test.status || body.read != test.want {
			t.Errorf("%s: HTTP %d, %d bytes read", test.name, rec.Code, body.read)
		}
	}
}
