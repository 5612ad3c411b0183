package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"offerlake/load/store"
)

// localDir returns the directory of a URL. For a bucket it is where this machine
// works on what belongs there, and what is in it may be old, or nothing: see
// mirror.
func localDir(rawURL string) (string, error) {
	s, err := store.Open(rawURL)
	if err != nil {
		return "", err
	}
	if l, ok := s.(*store.Local); ok {
		return l.Path(""), nil
	}
	return workDir(rawURL)
}

// workDir is the directory of a bucket's prefix on this machine. That of a prefix
// below another lies below the other's, whatever else the URLs say, unless the
// buckets are not the same.
func workDir(rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", err
	}
	state, err := stateDir()
	if err != nil {
		return "", err
	}
	bucket := u.Host
	q := u.Query()
	// What else it takes to name a bucket.
	at := []string{q.Get("endpoint"), q.Get("domain"), q.Get("storage_account"), os.Getenv("STORAGE_EMULATOR_HOST")}
	if u.Scheme == "azblob" {
		at = append(at, os.Getenv("AZURE_STORAGE_ACCOUNT"))
	}
	if name := strings.Join(at, "\n"); strings.Trim(name, "\n") != "" {
		sum := sha256.Sum256([]byte(name))
		bucket += "@" + hex.EncodeToString(sum[:4])
	}
	return filepath.Join(state, "work", u.Scheme, bucket, filepath.FromSlash(strings.Trim(u.Path, "/"))), nil
}
