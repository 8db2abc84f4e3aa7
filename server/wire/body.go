package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/bastide-id/bastide/server/fault"
)

const (
	encodingGzip = "gzip"
	// prefixLen is the length of the prefix of an enveloped message: a flag and
	// the length of the message.
	prefixLen = 5
	// flagCompressed is the flag of a message that is compressed.
	flagCompressed = 1
	// flagTrailers is the flag of the trailers of gRPC-Web.
	flagTrailers = 0x80
)

// readBody returns the message of a request, decompressed and without envelope.
// It reads the body whole, before the handler does, so that every protocol has
// the same limits and the same errors: fault.RequestTooLarge,
// fault.CompressionUnknown, fault.RequestInvalid, fault.DeadlinePassed, or the
// end of the context.
func (w *Wire) readBody(r *http.Request, p protocol, encoding string) ([]byte, error) {
	if encoding == "identity" {
		encoding = ""
	}
	if encoding != "" && encoding != encodingGzip {
		return nil, fault.CompressionUnknown.With(encoding)
	}
	limit := w.limits.MaxBody
	raw := limit
	if p.form == formEnveloped {
		raw += prefixLen
	}
	if p.text {
		// Base64 takes four bytes for three, and padding within.
		raw *= 2
	}
	data, err := w.readAll(r, raw)
	if err != nil {
		return nil, err
	}
	if p.text {
		if data, err = decodeText(data); err != nil {
			return nil, fault.RequestInvalid.With(err.Error())
		}
	}
	compressed := encoding != ""
	if p.form == formEnveloped {
		if data, compressed, err = unwrap(data, compressed); err != nil {
			return nil, err
		}
	}
	if len(data) > limit {
		return nil, fault.RequestTooLarge.With(limit)
	}
	if compressed && len(data) > 0 {
		return w.decompress(data)
	}
	return data, nil
}

// readAll reads a body of at most limit bytes.
func (w *Wire) readAll(r *http.Request, limit int) ([]byte, error) {
	tooLarge := fault.RequestTooLarge.With(w.limits.MaxBody)
	if r.ContentLength > int64(limit) {
		return nil, tooLarge
	}
	var buffer bytes.Buffer
	if r.ContentLength > 0 {
		buffer.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		// The connection knows better than the context, which a failed read
		// cancels.
		return nil, fault.DeadlinePassed.With().Because(err)
	case err != nil && r.Context().Err() != nil:
		return nil, r.Context().Err()
	case err != nil:
		return nil, fault.RequestInvalid.With("the request body ended early").Because(err)
	case buffer.Len() > limit:
		return nil, tooLarge
	}
	return buffer.Bytes(), nil
}

// unwrap returns the one message of an enveloped body, and whether it is
// compressed; may tells that the header names a compression.
func unwrap(data []byte, may bool) (message []byte, compressed bool, err error) {
	if len(data) == 0 {
		return nil, false, fault.RequestInvalid.With("the request body has no message")
	}
	if len(data) < prefixLen {
		return nil, false, fault.RequestInvalid.With("the request body ends within the prefix of its message")
	}
	flags, size := data[0], uint64(binary.BigEndian.Uint32(data[1:prefixLen]))
	message = data[prefixLen:]
	switch {
	case flags > flagCompressed:
		return nil, false, fault.RequestInvalid.With(fmt.Sprintf("the request message has unknown flags %#x", flags))
	case flags == flagCompressed && !may:
		return nil, false, fault.RequestInvalid.With("the request message is compressed, but no header says how")
	case uint64(len(message)) < size:
		return nil, false, fault.RequestInvalid.With(fmt.Sprintf("the request message has %d bytes of the %d that its prefix promises", len(message), size))
	case uint64(len(message)) > size:
		return nil, false, fault.RequestInvalid.With("the request body has more than one message")
	}
	return message, flags == flagCompressed, nil
}

// wrap puts a message into an envelope.
func wrap(message []byte) []byte {
	body := make([]byte, prefixLen, prefixLen+len(message))
	binary.BigEndian.PutUint32(body[1:], uint32(len(message)))
	return append(body, message...)
}

// decompress returns the bytes of a gzip stream.
func (w *Wire) decompress(data []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fault.RequestInvalid.With("the request body is not gzip")
	}
	var buffer bytes.Buffer
	_, err = buffer.ReadFrom(io.LimitReader(reader, int64(w.limits.MaxBody)+1))
	if err == nil {
		err = reader.Close()
	}
	switch {
	case buffer.Len() > w.limits.MaxBody:
		return nil, fault.RequestTooLarge.With(w.limits.MaxBody)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fault.RequestInvalid.With("the request body ends within its gzip stream")
	case err != nil:
		return nil, fault.RequestInvalid.With("the request body is not gzip")
	}
	return buffer.Bytes(), nil
}

// bound gives the caller until the end of the call to send its body, if there
// is one. A writer that has no deadlines has no slow callers either.
func bound(rw http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	deadline, _ := r.Context().Deadline()
	_ = http.NewResponseController(rw).SetReadDeadline(deadline)
	r.Body = &boundBody{ReadCloser: r.Body, rw: rw}
}

// boundBody lifts the bound at its end: a connection of HTTP/1.1 that times out
// after it cancels the call as if the caller had gone, and all that follow.
type boundBody struct {
	io.ReadCloser
	rw http.ResponseWriter
}

// Read reads from the body of the request.
func (b *boundBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = http.NewResponseController(b.rw).SetReadDeadline(time.Time{})
	}
	return n, err
}

// maxDrained bounds what is read of a body that nobody wants.
const maxDrained = 64 << 10

// drain reads what is left of the body of a request that was refused, within
// the time of the call. Over HTTP/2 the library resets the stream of a request
// that is answered before it was sent, which some clients take for an error of
// the connection. Over HTTP/1.1 it drains by itself. A caller who asks whether
// to send the body is answered first.
func drain(r *http.Request) {
	if r.ProtoMajor >= 2 && r.Header.Get("Expect") == "" {
		// Whatever goes wrong, the answer is the refusal.
		_, _ = io.CopyN(io.Discard, r.Body, maxDrained)
	}
}
