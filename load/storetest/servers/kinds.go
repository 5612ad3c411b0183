package servers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// S3 starts a versitygw, which keeps objects as files, with extended attributes.
func S3(t testing.TB) *Server {
	t.Helper()
	return start(t, &kind{name: "versitygw", scheme: "s3", query: s3Query, env: s3Env, command: s3Command, ready: s3Ready})
}

// GCS starts a fake-gcs-server, which keeps objects as files.
func GCS(t testing.TB) *Server {
	t.Helper()
	return start(t, &kind{name: "fake-gcs-server", scheme: "gs", query: gcsQuery, env: gcsEnv, command: gcsCommand, ready: gcsReady})
}

// Azure starts the blob service of an azurite.
func Azure(t testing.TB) *Server {
	t.Helper()
	return start(t, &kind{
		name: "azurite", scheme: "azblob", query: azureQuery, env: azureEnv, command: azureCommand, ready: azureReady,
		saved: "service successfully closed",
	})
}

func s3Command(install, port, data string) (args, env []string) {
	args = []string{
		filepath.Join(install, "bin", "versitygw"),
		"--port", "127.0.0.1:" + port, "--health", "/health", "--keep-alive", "--quiet", "posix", data,
	}
	return args, []string{"ROOT_ACCESS_KEY_ID=" + s3Access, "ROOT_SECRET_ACCESS_KEY=" + s3Secret}
}

// s3Ready makes the bucket as what it is for versitygw, a directory.
func s3Ready(addr, data string) error {
	if err := os.MkdirAll(filepath.Join(data, Bucket), 0o755); err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/health", nil)
	if err != nil {
		return err
	}
	return expect(req, http.StatusOK)
}

func gcsCommand(install, port, data string) (args, env []string) {
	return []string{
		filepath.Join(install, "bin", "fake-gcs-server"),
		"-scheme", "http", "-host", "127.0.0.1", "-port", port, "-filesystem-root", data, "-log-level", "warn",
		// Without a port it is any port, as requests through a Proxy have another.
		"-public-host", "127.0.0.1",
	}, nil
}

func gcsReady(addr, _ string) error {
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/storage/v1/b?project=offerlake",
		strings.NewReader(fmt.Sprintf(`{"name":%q}`, Bucket)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return expect(req, http.StatusOK, http.StatusConflict)
}

func azureCommand(install, port, data string) (args, env []string) {
	return []string{
		"node", filepath.Join(install, "azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js"),
		"--blobHost", "127.0.0.1", "--blobPort", port, "--location", data, "--silent", "--disableTelemetry",
		// The clients are newer than the newest API version that it knows.
		"--skipApiVersionCheck",
	}, nil
}

func azureReady(addr, _ string) error {
	return azureContainer(addr, Bucket, http.StatusCreated, http.StatusConflict)
}

// azureContainer makes a container, and fails unless the answer has one of the
// statuses.
func azureContainer(addr, name string, status ...int) error {
	path := "/" + azureAccount + "/" + name + "?restype=container"
	req, err := http.NewRequest(http.MethodPut, "http://"+addr+path, nil)
	if err != nil {
		return err
	}
	signAzure(req)
	return expect(req, status...)
}

// signAzure signs a request without a body and with no parameter but restype,
// with the scheme "SharedKey":
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
func signAzure(req *http.Request) {
	date := time.Now().UTC().Format(http.TimeFormat)
	req.Header.Set("x-ms-date", date)
	req.Header.Set("x-ms-version", "2021-12-02")
	text := req.Method + strings.Repeat("\n", 12) +
		"x-ms-date:" + date + "\nx-ms-version:2021-12-02\n" +
		"/" + azureAccount + req.URL.Path + "\nrestype:" + req.URL.Query().Get("restype")
	key, err := base64.StdEncoding.DecodeString(azureKey)
	if err != nil {
		panic(err) // a constant of ours
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	req.Header.Set("Authorization", "SharedKey "+azureAccount+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
