package oauth

import (
	"net/http"
)

// SCAFFOLD
func (e *endpoints) userinfo(w http.ResponseWriter, r *http.Request) {
	e.refuse(w, r, &refusal{code: serverError, description: "scaffold"})
}
