package logging

import "bytes"

// blank stands where a secret stood.
const blank = "[redacted]"

// redactor blanks secrets in encoded lines, so that it does not matter whether one came by a field,
// a nested object, an error or the message. What it knows:
//
//   - values of secret names (see secretName): "api_token":"…", DB_PASSWORD=…, Authorization: Bearer …
//   - passwords in URLs, and user parts long enough to be tokens: postgres://user:…@host
//   - passwords in data source names of the form user:…@tcp(host)
//   - bearer credentials on their own, and what follows a flag: --password …
type redactor struct {
	json bool // text stands inside JSON strings, with their escapes
}

// span is a part of a line that is to be replaced.
type span struct {
	from, to int
	quoted   bool // the blank needs quotes to stay valid JSON
}

// redact appends line to buf without its secrets. When there are none, it leaves buf alone and
// reports false.
func (r redactor) redact(buf, line []byte) ([]byte, bool) {
	done, changed := 0, false
	for i := 0; i < len(line); i++ {
		var s span
		switch line[i] {
		case ':', '=':
			if s = r.afterName(line, i); s.to == 0 && line[i] == ':' {
				s = r.inURL(line, i)
			}
		case '@':
			s = r.inDSN(line, i, done)
		case ' ':
			if s = r.bearer(line, i); s.to == 0 {
				s = r.afterFlag(line, i)
			}
		}
		if s.to <= s.from {
			continue
		}
		changed = true
		buf = append(buf, line[done:s.from]...)
		if s.quoted {
			buf = append(buf, '"')
		}
		buf = append(buf, blank...)
		if s.quoted {
			buf = append(buf, '"')
		}
		done = s.to
		i = s.to - 1
	}
	if !changed {
		return buf, false
	}
	return append(buf, line[done:]...), true
}

// afterName looks at the separator at sep: is the name before it secret, and where is the value?
func (r redactor) afterName(line []byte, sep int) span {
	end := sep
	for end > 0 && line[end-1] == ' ' {
		end--
	}
	quotes := 0 // the closing quote of the name with its backslashes
	if end > 0 && line[end-1] == '"' {
		quotes = 1
		for quotes < end && line[end-1-quotes] == '\\' {
			quotes++
		}
	} else if end > 0 && line[end-1] == '\'' {
		quotes = 1
	}
	end -= quotes
	start := end
	for start > 0 && nameByte(line[start-1]) {
		start--
	}
	if start == end || !secretName(line[start:end]) {
		return span{}
	}
	structural := quotes == 1 && line[end] == '"'
	s := r.value(line, sep+1, structural)
	if s.to == len(line) && line[s.to-1] == '\n' {
		s.to-- // a line stays a line
	}
	return s
}

// value finds the value that starts at or after from.
func (r redactor) value(line []byte, from int, structural bool) span {
	for from < len(line) && line[from] == ' ' {
		from++
	}
	if structural {
		return jsonValue(line, from)
	}
	slashes := 0
	for from+slashes < len(line) && line[from+slashes] == '\\' {
		slashes++
	}
	at := from + slashes
	if at < len(line) && (line[at] == '\'' || (line[at] == '"' && (!r.json || slashes%2 == 1))) {
		return r.quotedText(line, at+1, line[at], slashes)
	}
	from = skipScheme(line, from)
	return span{from: from, to: r.textEnd(line, from)}
}

// quotedText ends at the quote that is escaped as the opening one was, or less.
func (r redactor) quotedText(line []byte, from int, quote byte, slashes int) span {
	for i := from; i < len(line); i++ {
		run := 0
		for i < len(line) && line[i] == '\\' {
			run++
			i++
		}
		if i >= len(line) || line[i] == '\n' {
			return span{from: from, to: i - run}
		}
		if line[i] == quote && run <= slashes || (r.json && line[i] == '"' && run%2 == 0) {
			return span{from: from, to: i - run}
		}
	}
	return span{from: from, to: len(line)}
}

// textEnd is where an unquoted value ends.
func (r redactor) textEnd(line []byte, from int) int {
	for i := from; i < len(line); i++ {
		switch c := line[i]; {
		case c <= ' ', c == '"', c == '\'', c == '<', c == '>':
			return i
		case c == '\\' && r.json:
			if i+1 >= len(line) || line[i+1] != '\\' {
				return i // \n, \t, \" and the like
			}
			i++
		case c == ',', c == ';', c == '&':
			if startsPair(line[i+1:]) {
				return i
			}
		case c == ')', c == ']', c == '}', c == ':':
			if i+1 == len(line) || bytes.IndexByte([]byte(" \n\t\",;)]}\\"), line[i+1]) >= 0 {
				return i
			}
		}
	}
	return len(line)
}

// startsPair reports whether text goes on with another pair, or with other words, so that
// the separator before it was none of the value's own characters.
func startsPair(rest []byte) bool {
	i := 0
	for i < len(rest) && nameByte(rest[i]) {
		i++
	}
	return i == len(rest) || (i == 0 && rest[0] <= ' ') || (i > 0 && (rest[i] == '=' || rest[i] == ':'))
}

// jsonValue is the whole JSON value at from, if there is something in it to hide.
func jsonValue(line []byte, from int) span {
	if from >= len(line) {
		return span{}
	}
	switch line[from] {
	case '"':
		to := jsonStringEnd(line, from)
		return span{from: from + 1, to: to - 1}
	case '{', '[':
		depth := 0
		for i := from; i < len(line); i++ {
			switch line[i] {
			case '"':
				i = jsonStringEnd(line, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return span{from: from, to: i + 1, quoted: true}
				}
			}
		}
		return span{from: from, to: len(line), quoted: true}
	case 'n', 't', 'f': // null, true and false give nothing away
		return span{}
	}
	to := from
	for to < len(line) && line[to] > ' ' && line[to] != ',' && line[to] != '}' && line[to] != ']' {
		to++
	}
	return span{from: from, to: to, quoted: true}
}

// jsonStringEnd returns the index after the string that opens at from.
func jsonStringEnd(line []byte, from int) int {
	for i := from + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line) + 1
}
