package render_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
)

// web takes what is posted to it, and answers what all of the services would.
type web struct {
	*httptest.Server
	mu     sync.Mutex
	posted []byte
}

func newWeb(t testing.TB) *web {
	w := &web{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.posted = body
		if r.URL.Path == "/" && r.Header.Get("Authorization") != "Bearer tk_x" {
			http.Error(out, "ntfy's token is missing", http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/slack", "/discord", "/msteams", "/pagerduty", "/webhook", "/":
			_, _ = io.WriteString(out, "ok")
		case "/bot1:x/sendMessage":
			_, _ = io.WriteString(out, `{"ok":true,"result":{"message_id":1,"chat":{"id":-100}}}`)
		default:
			http.NotFound(out, r)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *web) last() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posted
}

// mailServer speaks as much SMTP as it takes to be sent a mail.
type mailServer struct {
	address string
	mu      sync.Mutex
	mail    []byte
}

func newMailServer(t testing.TB) *mailServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	m := &mailServer{address: l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.talk(conn)
		}
	}()
	return m
}

func (m *mailServer) talk(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = fmt.Fprint(conn, line+"\r\n") }
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch command, _, _ := strings.Cut(strings.TrimSpace(line), " "); command {
		case "DATA":
			say("354 go on")
			var all []byte
			for {
				line, err := in.ReadBytes('\n')
				if err != nil || string(line) == ".\r\n" {
					break
				}
				all = append(all, bytes.TrimPrefix(line, []byte("."))...)
			}
			m.mu.Lock()
			m.mail = all
			m.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (m *mailServer) last() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mail
}

// letter is a mail as a person gets it.
type letter struct{ Subject, Auto, Plain, HTML string }

func (l letter) String() string {
	return fmt.Sprintf("Subject: %s\nAuto-Submitted: %s\n--- plain\n%s\n--- html\n%s\n", l.Subject, l.Auto, l.Plain, l.HTML)
}

func readMail(t testing.TB, raw []byte) letter {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("no mail: %v\n%s", err, raw)
	}
	var l letter
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	l.Auto = msg.Header.Get("Auto-Submitted")
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		body := strings.ReplaceAll(string(text), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.HTML = body
		} else {
			l.Plain = body
		}
	}
}
