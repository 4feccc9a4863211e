package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"
)

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"TOKEN": true, "HEALTH_TOKEN": true, "accessToken": true, "x-auth-token": true, "csrftoken": true,
		"API_KEY": true, "apiKey": true, "apikey": true, "X-Api-Key": true, "aws.secret.key": true, "sshkey": true,
		"PASSWORD": true, "db_password": true, "passwordHash": true, "PASSWD": true, "passphrase": true, "DB_PASS": true, "pwd": true,
		"client_secret": true, "Secret": true, "Authorization": true, "Set-Cookie": true, "credentials": true, "basicAuth": true,
		"key": false, "monkey": false, "turkey": false, "public_key": false, "publicKey": false, "prompt_tokens": false,
		"request_id": false, "pass": false, "compass": false, "author": false, "msg": false, "ts": false, "_key": false, "": false,
	} {
		if got := secretName([]byte(name)); got != want {
			t.Errorf("secretName(%q) = %v", name, got)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		console        bool
	}{
		{name: "nothing", in: `{"level":"info","msg":"key: a=b, c:d","n":1}`, want: `{"level":"info","msg":"key: a=b, c:d","n":1}`},
		{name: "string", in: `{"api_token":"s3cret","n":1}`, want: `{"api_token":"[redacted]","n":1}`},
		{name: "escaped quote in the value", in: `{"token":"a\"b\\","n":1}`, want: `{"token":"[redacted]","n":1}`},
		{name: "number", in: `{"pin_token":123456,"n":1}`, want: `{"pin_token":"[redacted]","n":1}`},
		{name: "object", in: `{"secrets":{"a":"}","b":[1]},"n":1}`, want: `{"secrets":"[redacted]","n":1}`},
		{name: "array", in: `{"cookie":["a","b"],"n":1}`, want: `{"cookie":"[redacted]","n":1}`},
		{name: "nothing to hide", in: `{"token":"","password":null,"secret":false}`, want: `{"token":"","password":null,"secret":false}`},
		{name: "environment", in: `{"msg":"env A=1 HEALTH_TOKEN=abc DB_PASSWORD=x\ny=2"}`, want: `{"msg":"env A=1 HEALTH_TOKEN=[redacted] DB_PASSWORD=[redacted]\ny=2"}`},
		{name: "query", in: `{"url":"/a?b=1&api_key=xyz&c=2"}`, want: `{"url":"/a?b=1&api_key=[redacted]&c=2"}`},
		{name: "separators inside a password", in: `{"msg":"password=a,b;c&d)e x"}`, want: `{"msg":"password=[redacted] x"}`},
		{name: "backslash inside a password", in: `{"msg":"password=a\\b x"}`, want: `{"msg":"password=[redacted] x"}`},
		{name: "end of the message", in: `{"msg":"token=","n":"secret"}`, want: `{"msg":"token=","n":"secret"}`},
		{name: "go struct", in: `{"msg":"{User:bob Password:hunter2} x"}`, want: `{"msg":"{User:bob Password:[redacted]} x"}`},
		{name: "JSON in a string", in: `{"body":"{\"user\":\"bob\",\"password\":\"hu\\\"nter2\",\"n\":1}"}`, want: `{"body":"{\"user\":\"bob\",\"password\":\"[redacted]\",\"n\":1}"}`},
		{name: "quoted in a message", in: `{"msg":"password='a b' user=c"}`, want: `{"msg":"password='[redacted]' user=c"}`},
		{name: "header", in: `{"msg":"Authorization: Basic Zm9v; x"}`, want: `{"msg":"Authorization: Basic [redacted]; x"}`},
		{name: "bearer alone", in: `{"msg":"sent Bearer abc.def-ghi~x now"}`, want: `{"msg":"sent Bearer [redacted] now"}`},
		{name: "bearer of news", in: `{"msg":"bearer of news"}`, want: `{"msg":"bearer of news"}`},
		{name: "URL", in: `{"url":"postgres://u:p@h:5432/d?sslmode=off"}`, want: `{"url":"postgres://u:[redacted]@h:5432/d?sslmode=off"}`},
		{name: "URL with a wild password", in: `{"url":"redis://:p@ss/w#rd@h/0"}`, want: `{"url":"redis://:[redacted]@h/0"}`},
		{name: "URL with a token", in: `{"url":"https://ghp_0123456789abcdefghij@github.com/x"}`, want: `{"url":"https://[redacted]@github.com/x"}`},
		{name: "URL with a user", in: `{"url":"ssh://git@github.com/x"}`, want: `{"url":"ssh://git@github.com/x"}`},
		{name: "URL with a port and an at-sign", in: `{"url":"http://h:8080/@scope/x@1"}`, want: `{"url":"http://h:8080/@scope/x@1"}`},
		{name: "DSN", in: `{"msg":"open u:p@ss=w@tcp(h:3306)/d"}`, want: `{"msg":"open u:[redacted]@tcp(h:3306)/d"}`},
		{name: "mail", in: `{"msg":"to: a@b.c (x)"}`, want: `{"msg":"to: a@b.c (x)"}`},
		{name: "libpq", in: `host=h password=p user=u` + "\n", want: `host=h password=[redacted] user=u` + "\n", console: true},
		{name: "console quotes", in: `x token="a b" y` + "\n", want: `x token="[redacted]" y` + "\n", console: true},
		{name: "console fields", in: "INFO  x  {\"api_key\": \"a\\\"b\", \"n\": 1}\n", want: "INFO  x  {\"api_key\": \"[redacted]\", \"n\": 1}\n", console: true},
		{name: "flag", in: `{"msg":"run x --db-password hunter2 --verbose"}`, want: `{"msg":"run x --db-password [redacted] --verbose"}`},
		{name: "not a name", in: `{"msg":"= : =x :y ://@ ://:@ @( @tcp("}`, want: `{"msg":"= : =x :y ://@ ://:@ @( @tcp("}`},
	} {
		got, changed := redactor{json: !c.console}.redact(nil, []byte(c.in))
		if !changed {
			got = []byte(c.in)
		}
		if string(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// Whatever zap writes stays valid JSON, and redacting twice changes nothing more.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"token", "a\"b", `{"token":"x"}`, "password=a\\", "https://a:b@c", "u:p@tcp(h)", "Bearer 12345678901", "token='", "{\"secret\":[\"", "\x00\xff"} {
		f.Add(s, s, true)
		f.Add("api_key", s, false)
	}
	f.Fuzz(func(t *testing.T, key, value string, asJSON bool) {
		entry := zapcore.Entry{Message: value}
		buf, err := newEncoder(asJSON).EncodeEntry(entry, []zap.Field{
			zap.String(key, value), zap.Any("nested", map[string]any{key: []string{value}}), zap.Error(errors.New(value)), zap.Int(key, 7)})
		if err != nil {
			t.Skip("zap refuses it")
		}
		line := buf.Bytes()
		r := redactor{json: asJSON}
		got, changed := r.redact(nil, line)
		if !changed {
			return
		}
		if asJSON && json.Valid(line) && !json.Valid(got) {
			t.Fatalf("no longer JSON:\n%s%s", line, got)
		}
		if !bytes.HasSuffix(got, []byte("\n")) {
			t.Fatalf("the line lost its end:\n%s%q", line, got)
		}
	})
}

// No way of logging a secret brings it into the line.
func TestNoSecretGetsThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := "Z" + rapid.StringMatching(`[A-Za-z0-9!#$%^*+~|?._-]{8,24}`).Draw(t, "secret") + "Z"
		name := rapid.SampledFrom([]string{"HEALTH_TOKEN", "api_key", "dbPassword", "client-secret", "SMTP_PASS"}).Draw(t, "name")
		field := rapid.SampledFrom([]zap.Field{
			zap.String(name, secret),
			zap.Strings(name, []string{"a", secret}),
			zap.Any("env", map[string]string{name: secret}),
			zap.Any("deep", []any{map[string]any{"x": map[string]any{name: secret}}}),
			zap.String("args", "--"+name+"="+secret+" --verbose"),
			zap.Error(errors.New("dial postgres://u:" + strings.NewReplacer("%", "_", "?", "_", "#", "_").Replace(secret) + "@h/d: refused")),
			zap.String("dsn", "u:"+secret+"@tcp(h:1)/d"),
			zap.String("body", `{"`+name+`": "`+secret+`"}`),
			zap.ByteString("header", []byte("Authorization: Bearer "+secret)),
			zap.Skip(),
		}).Draw(t, "field")
		message := rapid.SampledFrom([]string{"plain", name + "=" + secret, name + ": " + secret + ", next", "see " + name + "='" + secret + "'"}).Draw(t, "message")
		asJSON := rapid.Bool().Draw(t, "json")
		buf, err := newEncoder(asJSON).EncodeEntry(zapcore.Entry{Message: message}, []zap.Field{field})
		if err != nil {
			t.Fatal(err)
		}
		got, changed := redactor{json: asJSON}.redact(nil, buf.Bytes())
		if !changed {
			got = buf.Bytes()
		}
		if bytes.Contains(got, []byte(secret)) || bytes.Contains(got, []byte(secret[4:])) {
			t.Fatalf("the secret %s got through:\n%s", secret, got)
		}
	})
}

func BenchmarkRedactNothing(b *testing.B) {
	line := []byte(`{"level":"info","ts":"2026-11-23T03:14:15.926Z","msg":"request","service":"api","method":"GET","route":"/users/{id}","path":"/users/7","status":200,"bytes":20,"duration_ms":0.12,"client_ip":"127.0.0.1","request_id":"NZLTRE3IRDVCZQV4VOZPGRZQXX"}` + "\n")
	r := redactor{json: true}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		r.redact(nil, line)
	}
}
