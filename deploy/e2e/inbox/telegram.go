package inbox

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// maxTelegram is how long a message may be, in UTF-16 units and without its markup.
const maxTelegram = 4096

// readTelegram reads what the method sendMessage of Telegram's Bot API takes.
func readTelegram(body []byte, m *Message) error {
	var b struct {
		ChatID string `json:"chat_id"`
		Text   string
		Mode   string `json:"parse_mode"`
	}
	if err := decode(body, &b); err != nil {
		return err
	}
	if b.ChatID != TelegramChat {
		return errors.New("chat not found")
	}
	m.Fields["parse_mode"] = b.Mode
	switch b.Mode {
	case "":
		m.Text = b.Text
		m.bare(b.Text)
	case "HTML":
		if err := m.html(b.Text); err != nil {
			return fmt.Errorf("can't parse entities: %w", err)
		}
	default:
		return fmt.Errorf("unsupported parse_mode %q here", b.Mode)
	}
	m.Text = strings.TrimSpace(m.Text)
	if m.Text == "" {
		return errors.New("message text is empty")
	}
	if len(utf16.Encode([]rune(m.Text))) > maxTelegram {
		return errors.New("message is too long")
	}
	m.Title, _, _ = strings.Cut(m.Text, "\n")
	m.Resolved = strings.Contains(m.Title, "RESOLVED")
	return nil
}

// telegramTags are the tags that Telegram knows; all others are an error, as is one that is not closed.
var telegramTags = []string{"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "tg-emoji", "code", "pre", "blockquote"}

// html reads Telegram's HTML, which is strict: its tags nest and are closed, and it has four named entities.
func (m *Message) html(s string) error {
	d := xml.NewDecoder(strings.NewReader("<message>" + s + "</message>"))
	if strings.Contains(s, "&apos;") {
		return errors.New("unsupported entity &apos;")
	}
	depth, link, words := 0, "", ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			m.bare(m.Text)
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > 1 && !slices.Contains(telegramTags, t.Name.Local) {
				return fmt.Errorf("unsupported start tag %q", t.Name.Local)
			}
			if i := slices.IndexFunc(t.Attr, func(a xml.Attr) bool { return t.Name.Local == "a" && a.Name.Local == "href" }); i >= 0 {
				link, words = t.Attr[i].Value, ""
			}
		case xml.EndElement:
			if depth--; depth == 0 && d.InputOffset() != int64(len(s)+len("<message></message>")) {
				return errors.New("unexpected end tag")
			}
			if t.Name.Local == "a" && link != "" {
				m.Links = append(m.Links, Link{words, link})
				link = ""
			}
		case xml.CharData:
			m.Text += string(t)
			words += string(t)
		default:
			return fmt.Errorf("unsupported markup %T", t)
		}
	}
}

func acceptTelegram(w http.ResponseWriter, m Message) {
	answer(w, http.StatusOK, map[string]any{"ok": true, "result": map[string]any{
		"message_id": 1, "date": time.Now().Unix(), "text": m.Text,
		"chat": map[string]any{"id": -1001234567890, "type": "supergroup", "title": "Upkeep"},
	}})
}

func refuseTelegram(w http.ResponseWriter, err error) {
	answer(w, http.StatusBadRequest, map[string]any{"ok": false, "error_code": http.StatusBadRequest, "description": "Bad Request: " + err.Error()})
}
