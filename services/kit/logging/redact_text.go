package logging

import "bytes"

// minToken is the length from which a URL's user without a password is taken for a token.
const minToken = 20

// inURL looks at the colon at i: does it start "://user:password@"?
func (r redactor) inURL(line []byte, i int) span {
	if !bytes.HasPrefix(line[i:], []byte("://")) {
		return span{}
	}
	from := i + len("://")
	end := from
	for end < len(line) && !r.endsWord(line, end) {
		end++
	}
	word := line[from:end]
	at := bytes.LastIndexByte(word, '@')
	if at < 0 {
		return span{}
	}
	host := len(word)
	if n := bytes.IndexAny(word, "/?#"); n >= 0 {
		host = n
	}
	colon := bytes.IndexByte(word, ':')
	switch {
	case colon >= 0 && colon < at && (bytes.IndexByte(word[:host], '@') > colon || !digits(word[colon+1:max(colon+1, host)])):
		return span{from: from + colon + 1, to: from + at}
	case colon < 0 || colon > at:
		if user := bytes.IndexByte(word[:host], '@'); user >= minToken {
			return span{from: from, to: from + user}
		}
	}
	return span{}
}

// inDSN looks at the at-sign at i: is it the one of user:password@tcp(host:port)/name? What lies
// before floor is out already.
func (r redactor) inDSN(line []byte, i, floor int) span {
	open := i + 1
	for open < len(line) && 'a' <= line[open] && line[open] <= 'z' {
		open++
	}
	if open == i+1 || open >= len(line) || line[open] != '(' {
		return span{}
	}
	start := i
	for start > floor && !r.endsWord(line, start-1) {
		start--
	}
	if colon := bytes.IndexByte(line[start:i], ':'); colon >= 0 {
		return span{from: start + colon + 1, to: i}
	}
	return span{}
}

// bearer looks at the space at i: does it stand in "Bearer CREDENTIAL"?
func (r redactor) bearer(line []byte, i int) span {
	const word = "bearer"
	if i < len(word) || !equalFold(line[i-len(word):i], word) {
		return span{}
	}
	to := i + 1
	for to < len(line) && (nameByte(line[to]) || bytes.IndexByte([]byte("~+/="), line[to]) >= 0) {
		to++
	}
	if to-i <= 8 {
		return span{}
	}
	return span{from: i + 1, to: to}
}

// afterFlag looks at the space at i: does a secret flag stand before it?
func (r redactor) afterFlag(line []byte, i int) span {
	start := i
	for start > 0 && nameByte(line[start-1]) {
		start--
	}
	flag := line[start:i]
	if !bytes.HasPrefix(flag, []byte("--")) || !secretName(flag) {
		return span{}
	}
	return r.value(line, i+1, false)
}

// endsWord reports whether the byte at i ends a URL or a DSN.
func (r redactor) endsWord(line []byte, i int) bool {
	switch c := line[i]; c {
	case '"', '\'', '<', '>', '`':
		return true
	case '\\':
		return r.json && (i+1 >= len(line) || line[i+1] != '\\') && (i == 0 || line[i-1] != '\\')
	default:
		return c <= ' '
	}
}

// skipScheme steps over "Bearer " and "Basic ", so that what follows is blanked.
func skipScheme(line []byte, from int) int {
	for _, scheme := range []string{"bearer ", "basic ", "token "} {
		if end := from + len(scheme); end <= len(line) && equalFold(line[from:end], scheme) {
			return end
		}
	}
	return from
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
