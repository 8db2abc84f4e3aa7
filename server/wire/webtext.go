package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
)

// errNotBase64 is a gRPC-Web text body that can not be decoded.
var errNotBase64 = errors.New("the body is not base64")

// decodeText returns the bytes of a gRPC-Web text body: base64 that may be put
// together of chunks, each with its own padding. It reuses text.
func decodeText(text []byte) ([]byte, error) {
	text = bytes.TrimRight(text, "\r\n")
	if len(text)%4 != 0 {
		return nil, errNotBase64
	}
	out := text[:0]
	for len(text) > 0 {
		// A chunk ends with its padding, at the latest where the body does.
		end := len(text)
		if pad := bytes.IndexByte(text, '='); pad >= 0 {
			end = (pad/4 + 1) * 4
		}
		var err error
		if out, err = base64.StdEncoding.Strict().AppendDecode(out, text[:end]); err != nil {
			return nil, errNotBase64
		}
		text = text[end:]
	}
	return out, nil
}

// textWriter writes a gRPC-Web text body. The whole answer is one chunk, which
// every client reads.
type textWriter struct {
	io.WriteCloser
}

func newTextWriter(w io.Writer) *textWriter {
	return &textWriter{base64.NewEncoder(base64.StdEncoding, w)}
}
