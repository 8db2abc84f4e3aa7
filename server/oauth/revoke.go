package oauth

import (
	"net/http"
)

// SCAFFOLD
func (e *endpoints) revoke(w http.ResponseWriter, r *http.Request) {
	e.refuse(w, r, &refusal{code: serverError, description: "scaffold"})
}
