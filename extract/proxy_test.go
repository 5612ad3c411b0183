package extract

import (
	"strings"
	"testing"
)

func TestCheckProxies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env   map[string]string
		fault string // the variable that is named, "" = none
	}{
		{nil, ""},
		{map[string]string{"HTTPS_PROXY": "http://proxy.test:3128"}, ""},
		{map[string]string{"https_proxy": "proxy.test:3128"}, ""},
		{map[string]string{"HTTP_PROXY": "http://user:geheim%40@10.0.0.1:3128/"}, ""},
		{map[string]string{"HTTPS_PROXY": "socks5://[::1]:1080"}, ""},
		{map[string]string{"HTTPS_PROXY": "proxy.test"}, ""},
		{map[string]string{"HTTPS_PROXY": "http://proxy.test:3128", "https_proxy": "http://:"}, ""}, // not looked at
		{map[string]string{"HTTPS_PROXY": "http://user:geheim@[::1"}, "HTTPS_PROXY"},
		{map[string]string{"https_proxy": "http://user:geheim@proxy.test:port"}, "https_proxy"},
		{map[string]string{"HTTP_PROXY": "http://user:ge%heim@proxy.test"}, "HTTP_PROXY"},
		{map[string]string{"http_proxy": "http://"}, "http_proxy"},
		{map[string]string{"HTTPS_PROXY": "ftp://user:geheim@proxy.test:21"}, "HTTPS_PROXY"},
		{map[string]string{"HTTPS_PROXY": ":3128"}, "HTTPS_PROXY"},
		{map[string]string{"HTTPS_PROXY": "http://user:geheim@ proxy.test"}, "HTTPS_PROXY"},
		{map[string]string{"HTTPS_PROXY": "http://proxy.test:3128", "HTTP_PROXY": "geheim geheim"}, "HTTP_PROXY"},
	} {
		err := CheckProxies(func(name string) string { return tt.env[name] })
		switch {
		case tt.fault == "" && err != nil:
			t.Errorf("CheckProxies(%v) = %v, want nil", tt.env, err)
		case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), " "+tt.fault+" ")):
			t.Errorf("CheckProxies(%v) = %v, want an error that names %s", tt.env, err, tt.fault)
		case err != nil && strings.Contains(err.Error(), "geheim"):
			t.Errorf("CheckProxies(%v) = %v, which tells the password", tt.env, err)
		}
	}
}
