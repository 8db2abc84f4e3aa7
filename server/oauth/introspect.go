package oauth

import (
	"net/http"
)

// SCAFFOLD
func (e *endpoints) introspect(w http.ResponseWriter, r *http.Request) {
	e.refuse(w, r, &refusal{code: serverError, description: "scaffold"})
}
