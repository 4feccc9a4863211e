package routes_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gorilla/mux"

	"github.com/upkeephq/upkeep/services/api/internal/routes"
)

func ExampleRegister() {
	router := mux.NewRouter()
	routes.Register(router)
	for _, path := range []string{"/", "/api/hello/world"} {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Print(answer.Code, " ", answer.Body)
	}
	fmt.Println(len(routes.Checks()), "dependencies")
	// Output:
	// 200 {"health":"/health","message":"Hello from Upkeep","metrics":"/metrics"}
	// 200 {"message":"Hello, world"}
	// 0 dependencies
}
