package inbox

import (
	"crypto/tls"
	"net/smtp"
	"slices"
	"strings"
	"testing"
	"time"
)

const letter = "From: Upkeep <upkeep@example.org>\r\nTo: owner@example.org\r\nSubject: =?utf-8?q?[RESOLVED]_A_=C2=B7_B?=\r\n" +
	"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-Id: <1@upkeep>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=frontier\r\n\r\n" +
	"--frontier\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n5 > 3 =C2=B7 http://plain\r\n" +
	"--frontier\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"<p>5 &gt; 3 <a class=3D\"b\" href=3D\"http://r?a=3D1&amp;b=3D2\"><b>What</b> to do</a></p>\r\n--frontier--\r\n"

// deliver sends a letter as Alertmanager does, with net/smtp.
func deliver(in *Inboxes, password, to, letter string, startTLS bool) error {
	c, err := smtp.Dial(in.Smarthost())
	if err != nil {
		return err
	}
	defer c.Close()
	if startTLS {
		if err := c.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
			return err
		}
	}
	if password != "" {
		if err := c.Auth(smtp.PlainAuth("", MailUser, password, "127.0.0.1")); err != nil {
			return err
		}
	}
	if err := c.Mail("upkeep@example.org"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(letter)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

func TestMailIsRead(t *testing.T) {
	for _, startTLS := range []bool{false, true} {
		in := open(t)
		if err := deliver(in, MailPassword, MailTo, letter, startTLS); err != nil {
			t.Fatal(err, in.Refused())
		}
		m, err := in.Wait(t.Context(), Email, time.Second, nil)
		if err != nil {
			t.Fatal(err)
		}
		if m.Title != "[RESOLVED] A · B" || !m.Resolved || !strings.Contains(m.Text, "5 > 3 ·") || m.Fields["to"] != MailTo {
			t.Errorf("read as %+v", m)
		}
		for _, want := range []Link{{"http://plain", "http://plain"}, {"What to do", "http://r?a=1&b=2"}} {
			if !slices.Contains(m.Links, want) {
				t.Errorf("links %q, want %q", m.Links, want)
			}
		}
	}
}

func TestMailIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ password, to, letter, want string }{
		"without a password": {"", MailTo, letter, "authenticate"},
		"wrong password":     {"other", MailTo, letter, "535"},
		"unknown recipient":  {MailPassword, "nobody@example.org", letter, "550"},
		"no subject":         {MailPassword, MailTo, strings.Replace(letter, "Subject", "X-Subject", 1), "subject"},
		"no date":            {MailPassword, MailTo, strings.Replace(letter, "Date", "X-Date", 1), "no header Date"},
		"one part":           {MailPassword, MailTo, strings.Replace(letter, "multipart/alternative", "text/plain", 1), "want multipart"},
		"empty":              {MailPassword, MailTo, letter[:strings.Index(letter, "--frontier")] + "--frontier--\r\n", "empty"},
	} {
		in := open(t)
		if err := deliver(in, c.password, c.to, c.letter, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if got := in.Messages(Email, nil); len(got) != 0 {
			t.Errorf("%s: kept %+v", name, got)
		}
	}
}

func TestBrokenMailServer(t *testing.T) {
	in := open(t)
	in.Break(Email, 500)
	if err := deliver(in, MailPassword, MailTo, letter, false); err == nil || !strings.Contains(err.Error(), "451") {
		t.Errorf("answered %v, want 451", err)
	}
}
