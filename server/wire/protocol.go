package wire

import (
	"mime"
	"net/http"
	"strings"
)

// form is how the body and the errors of a protocol look.
type form int

const (
	// formREST is plain JSON both ways, with numbers for codes.
	formREST form = iota
	// formOAuth has the errors of OAuth 2.0.
	formOAuth
	// formConnect is one message, its codec in the content type.
	formConnect
	// formEnveloped is messages with a prefix: gRPC and gRPC-Web.
	formEnveloped
)

// protocol is how a call speaks.
type protocol struct {
	form form
	// name is for the log.
	name string
	// codec is how messages are written: proto or json.
	codec string
	// contentType is what the handler is told; it has no parameters, and for
	// gRPC-Web text it is that of gRPC-Web.
	contentType string
	// text tells that the bodies of gRPC-Web are base64.
	text bool
}

var (
	restProtocol = protocol{form: formREST, name: "rest", codec: codecJSON, contentType: "application/json"}
	// plainProtocol is that of health and reflection.
	plainProtocol = protocol{form: formREST, name: "http"}
	oauthProtocol = protocol{form: formOAuth, name: "http"}
)

const (
	codecJSON  = "json"
	codecProto = "proto"

	typeGRPC        = "application/grpc"
	typeGRPCWeb     = "application/grpc-web"
	typeGRPCWebText = "application/grpc-web-text"
)

// families are the content types of the RPC protocols without their codec.
var families = map[string]protocol{
	typeGRPC:        {form: formEnveloped, name: "grpc"},
	typeGRPCWeb:     {form: formEnveloped, name: "grpc-web"},
	typeGRPCWebText: {form: formEnveloped, name: "grpc-web-text", text: true},
}

// rpcProtocol returns the protocol of an RPC request by its content type. known
// is false for a content type that no handler takes; the protocol then still
// says how its errors are to look.
func rpcProtocol(contentType string) (p protocol, known bool) {
	base, charset := mediaType(contentType)
	family, codec, _ := strings.Cut(base, "+")
	p, enveloped := families[family]
	if !enveloped {
		p = protocol{form: formConnect, name: "connect"}
		codec = strings.TrimPrefix(base, "application/")
	} else if codec == "" {
		codec = codecProto
	}
	if p.text {
		family = typeGRPCWeb
	}
	p.codec = codec
	if enveloped {
		p.contentType = family + "+" + codec
	} else {
		p.contentType = "application/" + codec
	}
	return p, charset && (codec == codecProto || codec == codecJSON) && (enveloped || strings.HasPrefix(base, "application/"))
}

// mediaType returns a content type in lower case and without parameters, and
// whether its charset is one we read. It is empty if it can not be parsed.
func mediaType(contentType string) (base string, charset bool) {
	base, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", false
	}
	return base, params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8")
}

// isRPC reports whether a request to a path that nobody serves was meant for a
// method: its caller expects the answer in the form of its protocol.
func isRPC(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	p, known := rpcProtocol(r.Header.Get("Content-Type"))
	if p.form == formEnveloped {
		return true
	}
	return known && isProcedure(r.URL.Path)
}

// isProcedure reports whether the path looks like /package.Service/Method.
func isProcedure(path string) bool {
	service, method, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return ok && method != "" && !strings.Contains(method, "/") && strings.Contains(service, ".") &&
		!strings.HasPrefix(service, ".")
}
