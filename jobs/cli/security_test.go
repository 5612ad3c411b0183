package cli

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// tlsGateway serves an emulated gateway under a certificate that nobody knows,
// and returns its address and a file with the certificate.
func tlsGateway(t *testing.T) (url, caFile string) {
	t.Helper()
	gw, err := sandbox.New(sandbox.Options{Offers: 60, Seed: 3, Profile: sandbox.Rough})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(gw)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o644); err != nil {
		t.Fatal(err)
	}
	return s.URL, caFile
}

// secretJob is a job with the emulator's own credentials, as a real gateway
// would be reached.
func secretJob(t *testing.T, kind, url, out, more string) string {
	t.Helper()
	c := sandbox.Credentials()
	credentials := fmt.Sprintf("{key: %s, secret: %s}", c.Key, c.Secret)
	if kind != "onebound" {
		credentials = fmt.Sprintf("{app_key: %s, app_secret: %s, refresh_token: %s}", c.Key, c.Secret, c.RefreshToken)
	}
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
	url, ca := tlsGateway(t)
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

// TestNoSecretIsWritten: whatever becomes of a run, nothing that it prints or
// leaves in a file holds a credential or a token.
func TestNoSecretIsWritten(t *testing.T) {
	t.Parallel()
	url, ca := tlsGateway(t)
	c := sandbox.Credentials()
	secrets := []string{c.Key, c.Secret, c.RefreshToken}
	for _, kind := range []string{"onebound", "openplatform"} {
		out := t.TempDir()
		var said strings.Builder
		for _, more := range []string{"", "ca_file: " + ca} { // one that fails at TLS, one that works
			path := secretJob(t, kind, url, out, more)
			for _, args := range [][]string{
				{"run", path, "-v", "--log-format", "json", "--progress", "json", "--metrics-file", filepath.Join(out, "m.prom"), "--set", "lineage.file=" + filepath.Join(out, "l.ndjson")},
				{"plan", path}, {"validate", path}, {"runs", out}, {"journal", "cat", out}, {"journal", "ls", out}, {"rejects", out},
			} {
				r := runCLI(t, args...)
				said.WriteString(r.stdout + r.stderr)
			}
		}
		check := func(where, text string) {
			for _, s := range secrets {
				if s != "" && strings.Contains(text, s) {
					t.Errorf("%s: %s holds a credential", kind, where)
				}
			}
		}
		check("what is printed", said.String())
		files := 0
		err := filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			files++
			check(path, string(unpacked(t, path, b)))
			return err
		})
		if err != nil || files < 10 {
			t.Errorf("%d files, %v", files, err)
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
