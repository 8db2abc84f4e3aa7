// Package reference serves the description of the API and a page that shows it
// and can try a call. All of it is in the binary; nothing is asked of others.
package reference

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the page
	"net/http"
	"sync"

	"github.com/bastide-id/bastide/gen/openapi"
)

// The paths of the description and of the page.
const (
	DocumentPath = "/openapi.json"
	PagePath     = "/docs"
)

// What the page is made of. That of Swagger UI comes from its package, by
// tools/openapi/page/assets.mjs.
var (
	//go:embed page/index.html
	pageHTML string
	//go:embed page/page.js
	pageJS string
	//go:embed page/page.css
	pageCSS string
	//go:embed swagger/swagger-ui-bundle.js.gz
	swaggerJS string
	//go:embed swagger/swagger-ui.css.gz
	swaggerCSS string
	//go:embed swagger/favicon-32x32.png
	icon string
	//go:embed swagger/LICENSE
	license string
	//go:embed swagger/NOTICE
	notice string
	//go:embed swagger/swagger-ui-bundle.js.LICENSE.txt
	bundleLicense string
)

const (
	typeHTML  = "text/html; charset=utf-8"
	typeJS    = "text/javascript; charset=utf-8"
	typeCSS   = "text/css; charset=utf-8"
	typePlain = "text/plain; charset=utf-8"
)

// Handlers returns what answers GET and HEAD, by path. It takes no memory before
// somebody asks.
func Handlers() map[string]http.Handler {
	below := func(name string) string { return PagePath + "/" + name }
	return map[string]http.Handler{
		DocumentPath:                              newFile("application/json", openapi.Document, sync.OnceValue(packedDocument)),
		PagePath:                                  newFile(typeHTML, pageHTML, nil),
		PagePath + "/":                            http.RedirectHandler(PagePath, http.StatusPermanentRedirect),
		below("page.js"):                          newFile(typeJS, pageJS, nil),
		below("page.css"):                         newFile(typeCSS, pageCSS, nil),
		below("favicon.png"):                      newFile("image/png", icon, nil),
		below("swagger-ui-bundle.js"):             newFile(typeJS, "", func() string { return swaggerJS }),
		below("swagger-ui.css"):                   newFile(typeCSS, "", func() string { return swaggerCSS }),
		below("swagger-ui.LICENSE.txt"):           newFile(typePlain, license, nil),
		below("swagger-ui.NOTICE.txt"):            newFile(typePlain, notice, nil),
		below("swagger-ui-bundle.js.LICENSE.txt"): newFile(typePlain, bundleLicense, nil),
	}
}

// packedDocument compresses the description, which most callers take so.
func packedDocument() string {
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	// A buffer takes everything: neither call fails.
	_, _ = packer.Write([]byte(openapi.Document))
	_ = packer.Close()
	return out.String()
}
