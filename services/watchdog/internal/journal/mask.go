package journal

import (
	"regexp"
	"strings"
)

const masked = "***"

// The shapes in which secrets show up in logs and answers.
var (
	// A name that promises a secret, then = or : and a value, quoted or not: PASSWORD=x, "api_key": "x", --token=x. An
	// unquoted value goes on through a comma, since passwords have them too.
	secretField = regexp.MustCompile(`(?i)([\w.-]*(?:password|passwd|passphrase|secret|token|credential|[_-]key|` +
		`(?:api|access|account|private|signing|encryption)[_-]?key)s?[\w.-]*)` +
		`(\\?["']?\s*[=:]\s*)` +
		`(\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|\\?["'][^\s"']+|(?:[^\s"'&,]|,[^\s"'])+)`)
	// The header, whatever its scheme.
	authorization = regexp.MustCompile(`(?i)((?:proxy-)?authorization\\?["']?\s*[=:]\s*\\?["']?)(?:(basic|bearer|digest|negotiate|token|apikey)\s+)?[^\s"',;}\]]+`)
	bearer        = regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{8,}`)
	// scheme://user:password@host, and the form without a scheme that Go's MySQL driver takes.
	urlPassword = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s:/?#@"']*:)([^\s"'<>]*)@`)
	dsnPassword = regexp.MustCompile(`\b([\w.-]+:)([^\s"']+)(@(?:tcp|udp|unix)\()`)
	cookie      = regexp.MustCompile(`(?i)\b((?:set-)?cookie:\s*)[^\r\n"']+`)
	webToken    = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*`)
)

// Mask replaces the values of secrets in a text by ***: of fields and variables named like a token, key, password or
// secret, of Authorization headers and cookies, and the password within a URL. Other text comes back as it was.
func Mask(s string) string {
	low := strings.ToLower(s) // most text holds none of the words, and looking for a word is cheap
	if strings.Contains(low, "@") {
		s = urlPassword.ReplaceAllString(s, "${1}"+masked+"@")
		s = dsnPassword.ReplaceAllString(s, "${1}"+masked+"${3}")
	}
	if strings.Contains(low, "authorization") {
		s = authorization.ReplaceAllString(s, "${1}"+masked)
	}
	if strings.Contains(low, "bearer") || strings.Contains(low, "basic") {
		s = bearer.ReplaceAllString(s, "${1}${2}"+masked)
	}
	if strings.Contains(low, "cookie") {
		s = cookie.ReplaceAllString(s, "${1}"+masked)
	}
	if strings.Contains(low, "eyj") {
		s = webToken.ReplaceAllString(s, masked)
	}
	for _, word := range secretWords {
		if strings.Contains(low, word) {
			return secretField.ReplaceAllStringFunc(s, maskField)
		}
	}
	return s
}

// secretWords holds a part of every name that secretField takes.
var secretWords = []string{"pass", "secret", "token", "credential", "key"}

// maskField keeps the name and the quotes of one field.
func maskField(field string) string {
	m := secretField.FindStringSubmatch(field)
	name, between, value := m[1], m[2], m[3]
	for _, q := range []string{`\"`, `"`, `'`} {
		if len(value) >= 2*len(q) && strings.HasPrefix(value, q) && strings.HasSuffix(value, q) {
			return name + between + q + masked + q
		}
	}
	for _, q := range []string{`\"`, `"`, `'`} { // it was cut off before the end
		if strings.HasPrefix(value, q) {
			return name + between + q + masked
		}
	}
	return name + between + masked
}

// escapeSequence is what terminals obey: colours, and worse.
var escapeSequence = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-_])")

// clean is a foreign text that may be kept and shown: without secrets, escape sequences and control characters.
func clean(s string) string {
	if strings.ContainsFunc(s, isControl) {
		s = strings.Map(func(r rune) rune {
			if isControl(r) {
				return -1
			}
			return r
		}, escapeSequence.ReplaceAllString(s, ""))
	}
	return Mask(s)
}

func isControl(r rune) bool { return r != '\t' && r != '\n' && (r < ' ' || 0x7f <= r && r < 0xa0) }
