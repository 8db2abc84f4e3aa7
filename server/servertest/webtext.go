//go:build unix

package servertest

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

// webText makes requests of gRPC-Web text of requests of gRPC-Web, and back.
type webText struct{ client connect.HTTPClient }

// Do makes the call that a gRPC-Web client asks for.
func (w webText) Do(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	text := base64.StdEncoding.EncodeToString(body)
	inner, err := http.NewRequestWithContext(request.Context(), request.Method, request.URL.String(), strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	inner.Header = request.Header.Clone()
	inner.Header.Set("Content-Type", strings.Replace(request.Header.Get("Content-Type"), "grpc-web", "grpc-web-text", 1))
	response, err := w.client.Do(inner)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, response.Body))
	if err != nil {
		return nil, err
	}
	response.Header.Set("Content-Type", strings.Replace(response.Header.Get("Content-Type"), "grpc-web-text", "grpc-web", 1))
	response.Header.Del("Content-Length")
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	return response, nil
}
