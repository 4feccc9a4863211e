package inbox

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Who may send mail, and to whom.
const (
	MailUser     = "upkeep"
	MailPassword = "mail-secret"
	MailTo       = "owner@example.org"
)

// Smarthost is the mail server's host:port. It offers STARTTLS with a certificate that it made itself.
func (in *Inboxes) Smarthost() string { return in.mail }

func (in *Inboxes) serveMail(l net.Listener) io.Closer {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{in: in}, nil }))
	s.Domain, s.AllowInsecureAuth, s.MaxMessageBytes = "mail.example.org", true, 1<<20
	s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.TLSConfig = selfSigned(in.host)
	go func() { _ = s.Serve(l) }()
	return s
}

// delivery is one connection of a mail client.
type delivery struct {
	in    *Inboxes
	known bool
	to    []string
}

// AuthMechanisms implements smtp.AuthSession.
func (d *delivery) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (d *delivery) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if d.known = user == MailUser && subtle.ConstantTimeCompare([]byte(password), []byte(MailPassword)) == 1; !d.known {
			d.in.take(Message{Via: Email, Raw: user}, smtp.ErrAuthFailed)
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (d *delivery) Mail(string, *smtp.MailOptions) error {
	if !d.known {
		return smtp.ErrAuthRequired
	}
	return nil
}

// Rcpt implements smtp.Session.
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to != MailTo {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox: " + to}
	}
	d.to = append(d.to, to)
	return nil
}

// Data implements smtp.Session.
func (d *delivery) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if d.in.status(Email) != 0 {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "broken on purpose"}
	}
	m := Message{Via: Email, At: time.Now(), Raw: string(raw), Fields: map[string]string{"to": strings.Join(d.to, ",")}}
	err = readMail(raw, &m)
	d.in.take(m, err)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	return nil
}

// Reset implements smtp.Session.
func (d *delivery) Reset() { d.to = nil }

// Logout implements smtp.Session.
func (d *delivery) Logout() error { return nil }

// readMail reads a message in two versions, for people with and without HTML.
func readMail(raw []byte, m *Message) error {
	letter, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	for _, name := range []string{"From", "To", "Date", "Message-Id"} {
		if letter.Header.Get(name) == "" {
			return fmt.Errorf("no header %s", name)
		}
	}
	m.Title, err = new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil || m.Title == "" {
		return fmt.Errorf("the subject cannot be read: %q: %w", letter.Header.Get("Subject"), err)
	}
	m.Resolved = strings.Contains(m.Title, "RESOLVED")
	m.Fields["from"] = letter.Header.Get("From")
	kind, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return fmt.Errorf("content type %q: want multipart/alternative: %w", kind, err)
	}
	parts := multipart.NewReader(letter.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return err
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		m.Fields[kind] = string(content)
	}
	m.Text = m.Fields["text/plain"]
	m.bare(m.Text)
	for _, a := range anchor.FindAllStringSubmatch(m.Fields["text/html"], -1) {
		m.Links = append(m.Links, Link{strings.TrimSpace(html.UnescapeString(tag.ReplaceAllString(a[2], ""))), html.UnescapeString(a[1])})
	}
	if m.Text == "" && m.Fields["text/html"] == "" {
		return errors.New("the message is empty")
	}
	return nil
}

var (
	anchor = regexp.MustCompile(`(?is)<a\s[^>]*href="([^"]*)"[^>]*>(.*?)</a>`)
	tag    = regexp.MustCompile(`<[^>]*>`)
)

// selfSigned makes a certificate for an address, for a day.
func selfSigned(host string) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, IPAddresses: []net.IP{net.ParseIP(host)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		panic(err) // the template above is wrong
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
