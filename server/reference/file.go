package reference

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// policy lets the page run its own scripts and call its own server, and nothing
// else. The pictures of Swagger UI are in its style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is one that is sent as it is.
type file struct {
	contentType string
	// plain is empty where only the packed form is in the binary.
	plain string
	// packed returns the content in gzip; nil for a small file.
	packed func() string
	// tag names the content.
	tag func() string
}

func newFile(contentType, plain string, packed func() string) *file {
	return &file{contentType: contentType, plain: plain, packed: packed, tag: sync.OnceValue(func() string {
		text := plain
		if text == "" {
			text = packed()
		}
		return fmt.Sprintf("%.16x", sha256.Sum256([]byte(text)))
	})}
}

// ServeHTTP answers GET and HEAD. Whoever has the file already is told so.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// It may be kept, and has to be asked about: another version of the server
	// has another one.
	h.Set("Cache-Control", "no-cache")
	if f.packed == nil {
		h.Set("ETag", strconv.Quote(f.tag()))
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(f.plain))
		return
	}
	h.Add("Vary", "Accept-Encoding") // beside Origin, by which the answer varies too
	if takesGzip(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", strconv.Quote(f.tag()+"-gzip"))
		r.Header.Del("Range") // of what, nobody could tell
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(f.packed()))
		return
	}
	h.Set("ETag", strconv.Quote(f.tag()))
	if f.plain != "" {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(f.plain))
		return
	}
	f.unpack(w, r)
}

// unpack sends a file that is in the binary in gzip only.
func (f *file) unpack(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("If-None-Match"), w.Header().Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	text, err := gzip.NewReader(strings.NewReader(f.packed()))
	if err != nil {
		panic(err) // the binary is broken
	}
	_, _ = io.Copy(w, text) // a client that is gone misses nothing
}

// takesGzip reports whether a client reads gzip (RFC 9110, 12.5.3).
func takesGzip(headers []string) bool {
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, weight, _ := strings.Cut(element, ";")
		if name = strings.ToLower(strings.TrimSpace(name)); name != "gzip" && name != "*" {
			continue
		}
		_, value, _ := strings.Cut(weight, "=")
		quality, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return err != nil || quality > 0
	}
	return false
}
