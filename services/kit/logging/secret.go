package logging

// secretName reports whether what a name names is to be hidden: PASSWORD, PASSWD, PASSPHRASE or SECRET
// anywhere in it; or at its end TOKEN, AUTHORIZATION, COOKIE, CREDENTIAL(S), or, as a word
// after another one, KEY, PWD, PASS or AUTH. Words are told apart by _ - . and capitals. A
// public key is none.
func secretName(name []byte) bool {
	if len(name) < 3 {
		return false
	}
	switch lower(name[len(name)-1]) {
	case 'n': // token, authorization
		if endsWith(name, "token") || endsWith(name, "authorization") {
			return true
		}
	case 'y':
		if endsWith(name, "key") && lastWord(name, len("key")) && !endsWith(name[:len(name)-len("key")], "public_") {
			return !endsWith(name, "publickey") && !endsWith(name, "public-key")
		}
	case 'd':
		if endsWith(name, "pwd") || endsWith(name, "password") {
			return true
		}
	case 's':
		if endsWith(name, "credentials") || (endsWith(name, "pass") && lastWord(name, len("pass"))) {
			return true
		}
	case 'l':
		if endsWith(name, "credential") {
			return true
		}
	case 'e':
		if endsWith(name, "cookie") {
			return true
		}
	case 'h':
		if endsWith(name, "auth") && lastWord(name, len("auth")) {
			return true
		}
	}
	return secretInside(name)
}

// secretInside looks for the words that are telling wherever they stand.
func secretInside(name []byte) bool {
	for i := 0; i+len("passw") <= len(name); i++ {
		switch name[i] {
		case 'p', 'P':
			if startsWith(name[i:], "passw") || startsWith(name[i:], "passphrase") {
				return true
			}
		case 's', 'S':
			if startsWith(name[i:], "secret") {
				return true
			}
		}
	}
	return false
}

// lastWord reports whether the last n bytes are a word of their own behind another one.
func lastWord(name []byte, n int) bool {
	start := len(name) - n
	if start == 0 {
		return false
	}
	before := name[start-1]
	if before == '_' || before == '-' || before == '.' {
		return start > 1
	}
	if c := name[start]; 'A' <= c && c <= 'Z' && 'a' <= before && before <= 'z' {
		return true
	}
	for _, first := range []string{"api", "access", "secret", "private", "signing", "encryption", "ssh"} {
		if equalFold(name[:start], first) {
			return true
		}
	}
	return false
}

// nameByte reports whether c may stand in the name of a field, a header or a variable.
func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalFold compares with a lower-case ASCII word.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i := range b {
		if lower(b[i]) != word[i] {
			return false
		}
	}
	return true
}

func endsWith(b []byte, word string) bool {
	return len(b) >= len(word) && equalFold(b[len(b)-len(word):], word)
}

func startsWith(b []byte, word string) bool {
	return len(b) >= len(word) && equalFold(b[:len(word)], word)
}
