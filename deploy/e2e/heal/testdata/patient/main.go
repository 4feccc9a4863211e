// Command patient is the program in the containers that the healing tests make ill. It answers at /health on PORT, and it
// does what the files in /state say: "crash" ends it with exit code 3, "bad" fails its health, "oom" makes it eat memory
// until the kernel ends it. "patient check" is its health check, "patient kill SIGNAL PID" signals a process of the host.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	switch {
	case len(os.Args) == 2 && os.Args[1] == "check":
		os.Exit(check("http://127.0.0.1:" + port + "/health"))
	case len(os.Args) == 4 && os.Args[1] == "kill":
		os.Exit(kill(os.Args[2], os.Args[3]))
	}
	fmt.Println("the patient is up")
	http.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if told("bad") {
			http.Error(w, "not well", http.StatusServiceUnavailable)
		}
	})
	server := &http.Server{Addr: "127.0.0.1:" + port, ReadHeaderTimeout: time.Second}
	go func() {
		fmt.Println(server.ListenAndServe())
		os.Exit(1)
	}()
	obey()
}

// obey does what it is told until it is told to end.
func obey() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	tick, began := time.NewTicker(50*time.Millisecond), time.Now()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
		}
		if told("crash") {
			fmt.Println("the patient crashes")
			os.Exit(3)
		}
		if told("oom") && time.Since(began) > time.Second { // of a process that dies at once the engine may miss the reason
			eat()
		}
	}
}

func told(what string) bool {
	_, err := os.Stat(filepath.Join("/state", what))
	return err == nil
}

// eat touches memory until there is none.
func eat() {
	for pages := [][]byte{}; ; {
		page := make([]byte, 1<<20)
		for i := 0; i < len(page); i += 4096 {
			page[i] = 1
		}
		pages = append(pages, page)
		if len(pages) > 1<<12 {
			os.Exit(4) // no limit: not what was asked for
		}
	}
}

func check(url string) int {
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(url)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		fmt.Println(resp.Status)
		return 1
	}
	return 0
}

func kill(sig, pid string) int {
	s, errS := strconv.Atoi(sig)
	p, errP := strconv.Atoi(pid)
	if errS != nil || errP != nil || p <= 1 {
		fmt.Println("usage: patient kill SIGNAL PID")
		return 2
	}
	if err := syscall.Kill(p, syscall.Signal(s)); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}
