package extract

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// CheckProxies reports a proxy of the environment that the default transport
// could not use. It would be passed over without a word, and the calls go
// straight to a gateway that perhaps only the proxy may reach. The error names the
// variable; its value may hold a password and is not repeated.
func CheckProxies(getenv func(string) string) error {
	for _, names := range [][2]string{{"HTTPS_PROXY", "https_proxy"}, {"HTTP_PROXY", "http_proxy"}} {
		for _, name := range names {
			value := getenv(name)
			if value == "" {
				continue
			}
			if !usableProxy(value) {
				return fmt.Errorf("the environment variable %s is no address of a proxy: "+
					"it has the form http://host:port, with http, https or socks5, and user:password@ before the host if need be; "+
					"special characters of a password are written as %%XX. Correct it, or remove it to do without a proxy", name)
			}
			break // the other spelling does not count
		}
	}
	return nil
}

// usableProxy reports whether net/http can use a proxy: an address, or one that
// lacks http:// only.
func usableProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	return err == nil && u.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)
}
