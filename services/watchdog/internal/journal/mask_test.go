package journal

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMask(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"nothing to hide at http://api:8000/health", "nothing to hide at http://api:8000/health"},
		{"DB_PASSWORD=hunter2 port=5432", "DB_PASSWORD=*** port=5432"},
		{"PGPASSWORD=a,b;c", "PGPASSWORD=***"},
		{"STRIPE_API_KEY: sk_live_1", "STRIPE_API_KEY: ***"},
		{"AWS_SECRET_ACCESS_KEY=abc/def+g==", "AWS_SECRET_ACCESS_KEY=***"},
		{`{"user":"ann","password":"p\"w, x","age":3}`, `{"user":"ann","password":"***","age":3}`},
		{`{"token": 12345, "b": 1}`, `{"token": ***, "b": 1}`},
		{`{"msg":"{\"api_key\":\"abc\",\"n\":1}"}`, `{"msg":"{\"api_key\":\"***\",\"n\":1}"}`},
		{"secret='two words' next", "secret='***' next"},
		{"run --token=abc --verbose", "run --token=*** --verbose"},
		{"GET /hook?token=abc&x=1", "GET /hook?token=***&x=1"},
		{"Authorization: Bearer abc.def", "Authorization: ***"},
		{"authorization=Basic dXNlcjpwYXNz", "authorization=***"},
		{`headers: {"Authorization":"Bearer abc"}`, `headers: {"Authorization":"***"}`},
		{"sent Bearer abcdefgh12345", "sent Bearer ***"},
		{"Cookie: session=1; a=b", "Cookie: ***"},
		{"postgres://app:s3cret@db:5432/app?sslmode=off", "postgres://app:***@db:5432/app?sslmode=off"},
		{"redis://:pw@cache:6379", "redis://:***@cache:6379"},
		{`parse "amqp://u:p/w@d@mq": bad port`, `parse "amqp://u:***@mq": bad port`},
		{"root:pa:ss@tcp(db:3306)/app", "root:***@tcp(db:3306)/app"},
		{"got eyJhbGciOiJI.eyJzdWIiOiIx.sig-1 back", "got *** back"},
		{`{"password":"cut off by a lim`, `{"password":"*** off by a lim`},
		{`{"password":"abc`, `{"password":"***`},
		{"password authentication failed for user app", "password authentication failed for user app"},
		{"monkey: banana", "monkey: banana"},
	} {
		if got := Mask(c.in); got != c.want {
			t.Errorf("Mask(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

// FuzzMask plants a secret in every shape that is promised to be masked, between whatever the fuzzer makes up.
func FuzzMask(f *testing.F) {
	f.Add("", "", "hunter2")
	f.Add("a b", "c", "p@ss:w/rd")
	f.Add("\"", "\\", "x")
	f.Fuzz(func(t *testing.T, before, after, core string) {
		core = strings.Map(func(r rune) rune {
			if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:/+-", r) {
				return r
			}
			return -1
		}, core)
		secret := "Zq7" + core + "Zq7"
		for _, shape := range []string{
			"DB_PASSWORD=%", "api_key: %", `"client_secret": "%"`, `\"token\":\"%\"`, "Authorization: Bearer %", "pg://u:%@h/d", "u:%@tcp(h)",
		} {
			planted := strings.ReplaceAll(shape, "%", secret)
			text := before + "\n" + planted + "\n" + after
			got := Mask(text)
			if !strings.Contains(before, "Zq7") && !strings.Contains(after, "Zq7") && strings.Contains(got, "Zq7") {
				t.Fatalf("%q leaks through %q", secret, got)
			}
			if again := Mask(got); again != got {
				t.Fatalf("masking twice differs: %q, then %q", got, again)
			}
			if utf8.ValidString(text) && !utf8.ValidString(got) {
				t.Fatalf("%q became invalid UTF-8", text)
			}
		}
	})
}
