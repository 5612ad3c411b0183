package sandbox_test

import (
	"fmt"
	"log"
	"net/http"

	"offerlake/extract/sandbox"
)

func ExampleListen() {
	s, err := sandbox.New(sandbox.Options{Offers: 100, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	l, err := sandbox.Listen("127.0.0.1:0", s)
	if err != nil {
		log.Fatal(err)
	}
	c := sandbox.Credentials()
	resp, err := http.Get(l.URL() + "/1688/item_search/?q=%E6%AF%9B%E5%B7%BE&key=" + c.Key + "&secret=" + c.Secret)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err := l.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, s.Stats().Answered)
	// Output: 200 OK 1
}
