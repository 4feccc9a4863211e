package build_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/upkeephq/upkeep/services/kit/build"
)

func TestCollector(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(build.Info{Service: "api", Version: "1.4.0", Revision: "abc", Go: "go1.26"}.Collector())
	want := "# HELP build_info Always 1; the labels say which build this is.\n# TYPE build_info gauge\n" +
		`build_info{goversion="go1.26",revision="abc",service="api",version="1.4.0"} 1` + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestNothingTold(t *testing.T) {
	if got := build.Of("api", "", ""); got.Version != "dev" || got.Revision == "" || got.Go == "" {
		t.Errorf("got %+v", got)
	}
}

func ExampleInfo() {
	fmt.Println(build.Info{Service: "api", Version: "1.4.0", Revision: "abc", Go: "go1.26"})
	// Output: api 1.4.0 (revision abc, go1.26)
}
