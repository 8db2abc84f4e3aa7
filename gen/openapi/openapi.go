// Package openapi is the description of the REST API. It is made from the
// contract by tools/openapi.
package openapi

import _ "embed" // the document

// Document is the API in OpenAPI 3.1, as JSON.
//
//go:embed openapi.json
var Document string
