package health

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// RequireToken lets only requests with "Authorization: Bearer TOKEN" through to
// next, and answers others with 401. Without a token it lets everything
// through. The comparison takes the same time whatever was sent.
func RequireToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := sha256.Sum256([]byte(bearer(r.Header.Get("Authorization"))))
		if subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			next.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		header["Cache-Control"] = noStore
		header.Set("WWW-Authenticate", "Bearer")
		writeError(w, http.StatusUnauthorized, "unauthorized", "send the header Authorization: Bearer TOKEN")
	})
}

// bearer takes the token out of an Authorization header; the scheme's name
// may be written in any case.
func bearer(header string) string {
	scheme, token, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
