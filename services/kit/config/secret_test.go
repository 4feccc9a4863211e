package config_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/services/kit/config"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	s := struct{ Token config.Secret }{"hunter2"}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%q", s.Token), string(data)} {
		if strings.Contains(printed, "hunter2") {
			t.Errorf("printed: %s", printed)
		}
	}
	if s.Token.Reveal() != "hunter2" {
		t.Error("Reveal does not return the text")
	}
}
