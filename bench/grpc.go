package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// streamWindow is what an answer may hold.
	streamWindow = 16 << 20
	// connWindow is what all answers may hold until the window is opened again,
	// which happens each time refill bytes were read.
	connWindow, refill = 1 << 28, 1 << 20
)

// grpcClient makes gRPC calls on the frames of HTTP/2, one stream after the
// other. A whole client would take more of the processor than the server does.
type grpcClient struct {
	conn    net.Conn
	out     *bufio.Writer
	framer  *http2.Framer
	header  []field
	message []byte

	block   bytes.Buffer
	encoder *hpack.Encoder
	stream  uint32
	unread  uint32 // bytes read since the window was opened
}

func newGRPCClient(conn net.Conn, header []field, message []byte) (*grpcClient, error) {
	c := &grpcClient{conn: conn, out: bufio.NewWriter(conn), header: header, message: message, stream: 1}
	c.framer = http2.NewFramer(c.out, bufio.NewReaderSize(conn, 16<<10))
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.framer.SetReuseFrames()
	c.encoder = hpack.NewEncoder(&c.block)
	_, err := c.out.WriteString(http2.ClientPreface)
	return c, errors.Join(
		err,
		c.framer.WriteSettings(
			http2.Setting{ID: http2.SettingEnablePush, Val: 0},
			http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
		),
		c.framer.WriteWindowUpdate(0, connWindow),
	)
}

func (c *grpcClient) close() error { return c.conn.Close() }

func (c *grpcClient) do() error {
	id := c.stream
	c.stream += 2
	c.block.Reset()
	for _, f := range c.header {
		if err := c.encoder.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
			return err
		}
	}
	err := errors.Join(
		c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block.Bytes(), EndHeaders: true}),
		c.framer.WriteData(id, true, c.message),
		c.out.Flush(),
	)
	if err != nil {
		return err
	}
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		if done, err := c.take(id, frame); done || err != nil {
			return err
		}
	}
}

// take does what a frame asks for, and reports whether it ended the stream.
func (c *grpcClient) take(id uint32, frame http2.Frame) (done bool, err error) {
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		return f.StreamEnded(), failed(f, f.StreamEnded())
	case *http2.DataFrame:
		if f.StreamEnded() {
			return true, errors.New("the answer has no status")
		}
		if c.unread += f.Length; c.unread >= refill {
			err = c.framer.WriteWindowUpdate(0, c.unread)
			c.unread = 0
		}
	case *http2.SettingsFrame:
		if !f.IsAck() {
			err = errors.Join(c.framer.WriteSettingsAck(), c.out.Flush())
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			err = errors.Join(c.framer.WritePing(true, f.Data), c.out.Flush())
		}
	case *http2.RSTStreamFrame:
		err = fmt.Errorf("stream %d was reset: %s", id, f.ErrCode)
	case *http2.GoAwayFrame:
		err = fmt.Errorf("the connection was ended: %s", f.ErrCode)
	}
	return false, err
}

// failed returns an error unless the header, or the trailer if it is the last,
// is that of a success.
func failed(f *http2.MetaHeadersFrame, last bool) error {
	status, message := "", ""
	for _, h := range f.Fields {
		switch h.Name {
		case ":status":
			if h.Value != "200" {
				return fmt.Errorf("HTTP status %s", h.Value)
			}
		case "grpc-status":
			status = h.Value
		case "grpc-message":
			message = h.Value
		}
	}
	if last && status != "0" {
		return fmt.Errorf("gRPC status %q: %s", status, message)
	}
	return nil
}
