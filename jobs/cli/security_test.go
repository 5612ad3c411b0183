package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// tlsGateway serves an emulated gateway under a certificate that nobody knows,
// and returns its address, a file with the certificate, and what it hears.
func tlsGateway(t *testing.T) (url, caFile string, heard *eavesdropper) {
	t.Helper()
	gw, err := sandbox.New(sandbox.Options{Offers: 60, Seed: 3, Profile: sandbox.Rough})
	if err != nil {
		t.Fatal(err)
	}
	heard = &eavesdropper{next: gw, secrets: map[string]bool{}}
	s := httptest.NewUnstartedServer(heard)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o644); err != nil {
		t.Fatal(err)
	}
	return s.URL, caFile, heard
}

// eavesdropper notes the signatures and tokens that pass between a client and a
// gateway.
type eavesdropper struct {
	next    http.Handler
	mu      sync.Mutex
	secrets map[string]bool
}

var (
	signedWith  = regexp.MustCompile(`(?i)^(_aop_signature|sign|signature|access_token|refresh_token|session|code|client_secret)$`)
	tokenAnswer = regexp.MustCompile(`"(?:access_token|refresh_token)"\s*:\s*"([^"]{16,})"`)
)

func (e *eavesdropper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := neturl.ParseQuery(string(body)) // a body that is no form has none
	answer := httptest.NewRecorder()
	e.next.ServeHTTP(answer, r)
	e.mu.Lock()
	for _, values := range []map[string][]string{r.URL.Query(), form} {
		for name, v := range values {
			if signedWith.MatchString(name) {
				e.secrets[v[0]] = true
			}
		}
	}
	if auth := r.Header.Get("Authorization"); auth != "" {
		e.secrets[strings.TrimPrefix(auth, "Bearer ")] = true
	}
	for _, m := range tokenAnswer.FindAllStringSubmatch(answer.Body.String(), -1) {
		e.secrets[m[1]] = true
	}
	e.mu.Unlock()
	for name, v := range answer.Header() {
		w.Header()[name] = v
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (e *eavesdropper) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.secrets))
}

// credentialsOf are the emulator's own, as a job of a kind gives them, and their
// values.
func credentialsOf(kind string) (yaml string, values []string) {
	c := sandbox.Credentials()
	switch kind {
	case "onebound":
		return fmt.Sprintf("{key: %s, secret: %s}", c.Key, c.Secret), []string{c.Key, c.Secret}
	case "openplatform":
		return fmt.Sprintf("{app_key: %s, app_secret: %s, refresh_token: %s}", c.Key, c.Secret, c.RefreshToken), []string{c.Key, c.Secret, c.RefreshToken}
	case "bearer":
		return fmt.Sprintf("{app_key: %s, app_secret: %s, access_token: %s}", c.Key, c.Secret, c.AccessToken), []string{c.Key, c.Secret, c.AccessToken}
	}
	return fmt.Sprintf("{app_key: %s, app_secret: %s}", c.Key, c.Secret), []string{c.Key, c.Secret}
}

// secretJob is a job with the emulator's own credentials, as a real gateway
// would be reached.
func secretJob(t *testing.T, kind, url, out, more string) string {
	t.Helper()
	credentials, _ := credentialsOf(kind)
	return writeJob(t, fmt.Sprintf(`name: t
gateway:
  kind: %s
  endpoints: [%s]
  credentials: %s
  limits: {per_second: 0}
  attempts: 1
  %s
sources: [{search: {keywords: [保温杯, 玻璃杯]}}]
output: [{url: %s, format: csv}]
`, kind, url, credentials, more, out))
}

// TestPrivateCA: a certificate that nobody vouches for is refused, one that
// ca_file vouches for is not, and a file without one is told before any call.
func TestPrivateCA(t *testing.T) {
	t.Parallel()
	url, ca, _ := tlsGateway(t)
	out := t.TempDir()
	if r := runCLI(t, "run", secretJob(t, "onebound", url, out, ""), "--progress", "none"); r.code != jobs.ExitFailed || !strings.Contains(r.stderr, "certificate") {
		t.Errorf("an unknown certificate: exit code %d, %s", r.code, r.stderr)
	}
	mustRun(t, "run", secretJob(t, "onebound", url, out, "ca_file: "+ca), "--progress", "none")
	none := filepath.Join(out, "none.pem")
	if err := os.WriteFile(none, []byte("no certificate"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{none, "/no/such/file"} {
		if r := runCLI(t, "run", secretJob(t, "onebound", url, out, "ca_file: "+file), "--progress", "none"); r.code != jobs.ExitUsage || !strings.Contains(r.stderr, "ca_file") {
			t.Errorf("ca_file: %s: exit code %d, %s", file, r.code, r.stderr)
		}
	}
}

// echoing is a gateway that answers with all that it was sent.
func echoing(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		said, err := json.Marshal(r.URL.String() + " " + fmt.Sprint(r.Header) + " " + string(body))
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error_code": "400", "error_message": %s, "message": %s}`, said, said)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestNoSecretIsWritten: whatever becomes of a run, nothing that it prints or
// leaves in a file holds a credential, a token or a signature; of a gateway that
// echoes its requests the key may stay, which is as short as an offer's id.
func TestNoSecretIsWritten(t *testing.T) {
	t.Parallel()
	url, ca, heard := tlsGateway(t)
	echo := echoing(t)
	for _, kind := range []string{"onebound", "openplatform", "bearer", "param2", "router", "portals"} {
		_, secrets := credentialsOf(kind)
		kept, echoed := t.TempDir(), t.TempDir()
		var said strings.Builder
		for i, path := range []string{
			secretJob(t, kind, url, kept, ""), // fails at TLS
			secretJob(t, kind, url, kept, "ca_file: "+ca),
			secretJob(t, kind, echo, echoed, ""),
		} {
			out := []string{kept, kept, echoed}[i]
			for j, args := range [][]string{
				{"run", path, "-v", "--log-format", "json", "--progress", "json", "--metrics-file", filepath.Join(out, "m.prom"), "--set", "lineage.file=" + filepath.Join(out, "l.ndjson")},
				{"plan", path}, {"validate", path}, {"runs", out}, {"journal", "ls", out}, {"rejects", out},
			} {
				r := runCLI(t, args...)
				said.WriteString(r.stdout + r.stderr)
				if want := []int{jobs.ExitFailed, jobs.ExitDone, jobs.ExitFailed}[i]; j == 0 && r.code != want {
					t.Errorf("%s: run %d: exit code %d, want %d\n%s", kind, i, r.code, want, r.stderr)
				}
			}
		}
		said.WriteString(runCLI(t, "journal", "cat", kept).stdout)
		holdsNone(t, kind, said.String(), secrets)
		if files := holdNone(t, kept, append(secrets, heard.heard()...)); files < 10 {
			t.Errorf("%s: %d files are too few", kind, files)
		}
		if files := holdNone(t, echoed, secrets[1:]); files < 3 {
			t.Errorf("%s: %d files of the gateway that echoes are too few", kind, files)
		}
	}
	if n := len(heard.heard()); n < 10 {
		t.Errorf("%d tokens and signatures were heard, too few to show anything", n)
	}
}

// holdsNone checks a text for secrets as they are, escaped, and in base64.
func holdsNone(t *testing.T, where, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s, neturl.QueryEscape(s), neturl.PathEscape(s), base64.StdEncoding.EncodeToString([]byte(s))} {
			if len(s) < 4 {
				t.Errorf("%q is no secret", s)
			}
			if strings.Contains(text, form) {
				t.Errorf("%s: %.20s… of a secret is there", where, form)
				break
			}
		}
	}
}

// holdNone checks all files below dir and returns how many there are.
func holdNone(t *testing.T, dir string, secrets []string) int {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		holdsNone(t, path, string(unpacked(t, path, b)), secrets)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

// TestNoSecretOfTheEnvironmentIsWritten: the password of a proxy, the secret
// address of a webhook, and the keys of lineage and tracing servers are in nothing
// that a run prints or leaves, whether the servers can be reached or not.
func TestNoSecretOfTheEnvironmentIsWritten(t *testing.T) {
	t.Parallel()
	url, ca, heard := tlsGateway(t)
	const password, hook, lineage, tracing = "proxy-passw0rd-1688", "hook-secret-1688", "lineage-key-1688", "tracing-key-1688"
	var passed atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("night:"+password))
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != want {
			http.Error(w, "not you: "+r.Header.Get("Proxy-Authorization"), http.StatusProxyAuthRequired)
			return
		}
		passed.Add(1)
		tunnel(t, w, strings.TrimPrefix(url, "https://"))
	}))
	t.Cleanup(func() {
		proxy.Close()
		if passed.Load() == 0 {
			t.Error("nothing went through the proxy")
		}
	})
	for _, test := range []struct {
		name, proxy string
		code        int
	}{
		{"a proxy", "http://night:" + password + "@" + proxy.Listener.Addr().String(), jobs.ExitDone},
		{"a proxy that knows another password", "http://night:" + password + "x@" + proxy.Listener.Addr().String(), jobs.ExitFailed},
		{"no proxy there", "http://night:" + password + "@127.0.0.1:1", jobs.ExitFailed},
		{"no proxy at all", "http://night:" + password + "@[", jobs.ExitUsage},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			path := secretJob(t, "onebound", "https://example.com", out, "ca_file: "+ca)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b = fmt.Appendf(b, "notify: {webhook: \"http://127.0.0.1:1/%s?token=%s\"}\nlineage: {url: \"http://127.0.0.1:1\", api_key: \"${LINEAGE_KEY}\"}\n", hook, hook)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := program(t.Context(), "run", path, "-v", "--log-format", "json", "--progress", "plain", "--metrics-file", filepath.Join(out, "m.prom"))
			cmd.Env = append(os.Environ(), "HTTPS_PROXY="+test.proxy, "NO_PROXY=", "LINEAGE_KEY="+lineage,
				"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1/"+tracing, "OTEL_EXPORTER_OTLP_HEADERS=authorization="+tracing)
			said, _ := cmd.CombinedOutput() // its exit code is what counts
			if cmd.ProcessState.ExitCode() != test.code {
				t.Errorf("%s: exit code %d, want %d\n%s", test.name, cmd.ProcessState.ExitCode(), test.code, said)
			}
			secrets := append(heard.heard(), password, hook, lineage, tracing)
			holdsNone(t, test.name, string(said), secrets)
			if files := holdNone(t, out, secrets); files < 3 {
				t.Errorf("%s: %d files are too few", test.name, files)
			}
		})
	}
}

// tunnel joins the connection of a CONNECT request with one to addr.
func tunnel(t *testing.T, w http.ResponseWriter, addr string) {
	to, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	w.WriteHeader(http.StatusOK)
	from, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	go func() {
		defer to.Close()
		_, _ = io.Copy(to, buffered)
	}()
	go func() {
		defer from.Close()
		_, _ = io.Copy(from, to)
	}()
}

// TestNoSecretInUsage: an address with a password in it is refused without
// repeating the password.
func TestNoSecretInUsage(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"https://night:passw0rd@gw.example.com", "ftp://night:passw0rd@gw.example.com", "https://night:passw0rd@gw.example.com:port", "http://night:passw0rd@gw.example.com"} {
		r := runCLI(t, "validate", secretJob(t, "onebound", endpoint, t.TempDir(), ""))
		if r.code != jobs.ExitUsage || strings.Contains(r.stdout+r.stderr, "passw0rd") {
			t.Errorf("%s: exit code %d, want 2 and no password\n%s%s", endpoint, r.code, r.stdout, r.stderr)
		}
	}
	for _, credentials := range []string{"{key: passw0rd, secrt: passw0rd}", `{key: "passw0rd", secret: }`, "{app_key: passw0rd, secret: 'passw0rd'}", "passw0rd"} {
		job := writeJob(t, strings.Replace(sandboxJob("onebound", "clean", 20, t.TempDir()), "kind: sandbox", "kind: onebound\n  credentials: "+credentials, 1))
		r := runCLI(t, "validate", job)
		if r.code != jobs.ExitUsage || strings.Contains(r.stdout+r.stderr, "passw0rd") {
			t.Errorf("%s: exit code %d, want 2 and no password\n%s%s", credentials, r.code, r.stdout, r.stderr)
		}
	}
}

// unpacked returns the text of a compressed file.
func unpacked(t *testing.T, path string, b []byte) []byte {
	t.Helper()
	if !strings.HasSuffix(path, ".zst") {
		return b
	}
	z, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestPlantedLinks: a run neither writes nor deletes what a symbolic link in its
// destination leads to, and names the link; a destination that is a link itself
// is used as it is.
func TestPlantedLinks(t *testing.T) {
	t.Parallel()
	for _, planted := range []string{
		"parquet/_offerlake", "parquet/_offerlake/staging", "parquet/_offerlake/journals", "parquet/_offerlake/journals/t/2026-11-22/1",
		"parquet/_offerlake/runs", "parquet/_offerlake/locks", "parquet/_offerlake/intents", "parquet/skus", "parquet/skus/dt=2026-11-22", "csv/products",
	} {
		out, outside := t.TempDir(), t.TempDir()
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(out, planted)), 0o755), os.Symlink(outside, filepath.Join(out, planted)),
			os.WriteFile(outside+"/mine", []byte("mine"), 0o644)); err != nil {
			t.Fatal(err)
		}
		job := writeJob(t, sandboxJob("onebound", "clean", 30, out))
		r := runCLI(t, "run", job, "--date", "2026-11-22", "--progress", "none")
		if r.code != jobs.ExitFailed || !strings.Contains(r.stderr, filepath.Join(out, planted)+" is a symbolic link") {
			t.Errorf("%s: exit code %d, want 1 and a message that names the link\n%s", planted, r.code, r.stderr)
		}
		if files, err := os.ReadDir(outside); err != nil || len(files) != 1 || files[0].Name() != "mine" {
			t.Errorf("%s: outside there is %v, %v, want what was there", planted, files, err)
		}
		if planted != "parquet/skus" {
			continue
		}
		if err := os.Remove(filepath.Join(out, planted)); err != nil {
			t.Fatal(err)
		}
		mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	job := writeJob(t, strings.Replace(sandboxJob("onebound", "clean", 30, "out"), "  - {url: out/csv, format: csv}\n", "", 1))
	mustRun(t, "run", job, "--dest", link, "--date", "2026-11-22", "--progress", "none")
	mustRun(t, "verify", link, "--deep")
	mustRun(t, "runs", link)
}

// TestFileModes: token files and counts of calls are for nobody else whatever the
// umask, and with a umask of 077 nothing else is either.
func TestFileModes(t *testing.T) {
	t.Parallel()
	gateway := startSandbox(t, sandbox.Options{Offers: 20, PerDay: 1000})
	c := sandbox.Credentials()
	for _, umask := range []string{"000", "077"} {
		dir := t.TempDir()
		job := filepath.Join(dir, "job.yaml")
		src := fmt.Sprintf(`name: t
gateway:
  kind: openplatform
  endpoints: [%s]
  credentials: {app_key: %s, app_secret: %s, token_file: %s/tokens/app.json}
  limits: {per_second: 0, per_day: 500}
sources: [{search: {keywords: [保温杯]}}]
output: [{url: %s/out, format: csv}]
lineage: {file: %s/lineage.ndjson}
`, gateway, c.Key, c.Secret, dir, dir, dir)
		if err := os.WriteFile(job, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"auth", "exchange", job, "--code", c.Code, "--redirect-uri", c.RedirectURI}, {"run", job, "--progress", "none", "--metrics-file", filepath.Join(dir, "m.prom")}} {
			p := program(t.Context(), args...)
			cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", "umask " + umask + ` && exec "$0" "$@"`}, p.Args...)...)
			cmd.Env = append(os.Environ(), "OFFERLAKE_STATE_DIR="+filepath.Join(dir, "state"))
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, said)
			}
		}
		seen := map[string]int{}
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, path)
			top, _, _ := strings.Cut(rel, "/")
			seen[top]++
			// Locks say nothing; figures are for a collector of another user.
			private := (umask == "077" || top == "tokens" || top == "state") && top != "m.prom" && filepath.Ext(rel) != ".lock"
			if open := info.Mode().Perm()&0o077 != 0; open && private {
				t.Errorf("umask %s: %s has mode %v", umask, rel, info.Mode())
			}
			return err
		})
		if err != nil || seen["tokens"] < 2 || seen["state"] < 3 || seen["out"] < 20 || seen["lineage.ndjson"] != 1 || seen["m.prom"] != 1 {
			t.Errorf("%v, %v: files are missing", seen, err)
		}
	}
}
