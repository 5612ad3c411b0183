package servers

import (
	"net/url"
	"os"
	"strings"
	"testing"
)

// Bucket is the bucket, or container, that every server starts with.
const Bucket = "lake"

// The credentials of the servers. Azurite's account and key are the ones it
// documents for everybody.
const (
	s3Access     = "offerlake"
	s3Secret     = "offerlake-secret"
	azureAccount = "devstoreaccount1"
	azureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Endpoint is how clients name a server and what they need to use it: the
// server itself, or a Proxy before it (see At).
type Endpoint struct {
	kind *kind
	addr string
}

// Addr is the host and port.
func (e Endpoint) Addr() string { return e.addr }

// At is the same service at another address: that of a Proxy.
func (e Endpoint) At(addr string) Endpoint { return Endpoint{e.kind, addr} }

// URL names a prefix of the bucket as a user of gocloud.dev/blob writes it, with
// the prefix as the path. "" is the bucket itself.
func (e Endpoint) URL(prefix string) string {
	u := url.URL{Scheme: e.kind.scheme, Host: Bucket, RawQuery: e.kind.query(e.addr)}
	if prefix != "" {
		u.Path = "/" + prefix
	}
	return u.String()
}

// Env is the environment that a child process needs beside the URL: credentials,
// and for GCS the address. It also empties the variables that would point the
// client elsewhere. Append it to os.Environ().
func (e Endpoint) Env() []string { return e.kind.env(e.addr) }

// Setenv sets Env in this process until the test ends, so the test cannot be
// parallel. Two GCS servers cannot be used at once in one process, since their
// address is a variable.
func (e Endpoint) Setenv(t testing.TB) {
	t.Helper()
	for _, kv := range e.Env() {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
}

// kind is what differs between the servers.
type kind struct {
	name   string
	scheme string
	query  func(addr string) string // of URL
	env    func(addr string) []string
	// command starts the server installed in install on a port of 127.0.0.1,
	// with its data in the directory data; env is all of its environment but
	// PATH and HOME.
	command func(install, port, data string) (args, env []string)
	// ready returns nil when the server answers and has the bucket, which it
	// makes if need be.
	ready func(addr, data string) error
	// saved is what the server prints when it has saved its data after SIGTERM,
	// for one that would lose what it answered if it were killed.
	saved string
}

func s3Query(addr string) string {
	return url.Values{
		"endpoint": {"http://" + addr}, "region": {"us-east-1"}, "use_path_style": {"true"},
	}.Encode()
}

func s3Env(string) []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s3Access,
		"AWS_SECRET_ACCESS_KEY=" + s3Secret,
		"AWS_SESSION_TOKEN=",
		"AWS_PROFILE=",
		"AWS_CONFIG_FILE=" + os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

func gcsQuery(string) string { return "" }

func gcsEnv(addr string) []string {
	return []string{"STORAGE_EMULATOR_HOST=" + addr, "STORAGE_EMULATOR_HOST_GRPC=", "GOOGLE_APPLICATION_CREDENTIALS="}
}

func azureQuery(addr string) string {
	return url.Values{"domain": {addr}, "protocol": {"http"}, "localemu": {"true"}}.Encode()
}

func azureEnv(addr string) []string {
	return []string{
		"AZURE_STORAGE_ACCOUNT=" + azureAccount,
		"AZURE_STORAGE_KEY=" + azureKey,
		"AZURE_STORAGE_DOMAIN=" + addr,
		"AZURE_STORAGE_PROTOCOL=http",
		"AZURE_STORAGE_IS_LOCAL_EMULATOR=true",
		"AZURE_STORAGE_IS_CDN=",
		"AZURE_STORAGE_SAS_TOKEN=",
		"AZURE_STORAGE_CONNECTION_STRING=",
		"AZURE_STORAGEBLOB_CONNECTIONSTRING=",
	}
}
