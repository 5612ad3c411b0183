package pipeline

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestServe(t *testing.T) {
	t.Parallel()
	s, err := Serve("127.0.0.1:0", http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + s.Addr())
	if err != nil || resp.StatusCode != http.StatusNotFound {
		t.Fatalf("Get = %v, %v, want 404", resp, err)
	}
	resp.Body.Close()
	if _, err := Serve(s.Addr(), http.NotFoundHandler()); err == nil {
		t.Error("two servers have one address")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.Get("http://" + s.Addr()); err == nil {
		t.Error("a closed server answers")
	}
}

func TestEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		stop := Every(time.Second, func() { n++ })
		time.Sleep(3500 * time.Millisecond)
		stop()
		time.Sleep(time.Minute)
		if n != 3 {
			t.Errorf("%d calls in 3.5 s, want 3", n)
		}
	})
}
