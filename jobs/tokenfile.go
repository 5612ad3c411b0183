package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"offerlake/extract"
	"offerlake/load"
	"offerlake/load/store"
)

// tokenFile keeps the tokens of one credential in a file that only its owner
// can read. Beside it lies FILE.lock, which processes hold while they renew.
type tokenFile struct{ path string }

var _ extract.TokenStore = tokenFile{}

// storedToken is what is in the file.
type storedToken struct {
	Access         string    `json:"access_token"`
	Refresh        string    `json:"refresh_token,omitempty"`
	Expires        time.Time `json:"expires,omitzero"`
	RefreshExpires time.Time `json:"refresh_expires,omitzero"`
}

// maxTokenFile bounds what is read; a larger file is another one.
const maxTokenFile = 64 << 10

// read returns the stored token; no file is fs.ErrNotExist. No error holds
// anything of what is in the file.
func (f tokenFile) read() (extract.Token, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return extract.Token{}, fmt.Errorf("token_file: %w", err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return extract.Token{}, fmt.Errorf("token_file: %w", err)
	}
	// Windows has no such bits; there the directory's rights decide.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return extract.Token{}, fmt.Errorf("token_file %s can be read by others (mode %04o). Run: chmod 600 %s (%w)", f.path, mode, f.path, ErrUsage)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxTokenFile+1))
	if err != nil {
		return extract.Token{}, fmt.Errorf("token_file: %w", err)
	}
	var t storedToken
	if len(b) > maxTokenFile || json.Unmarshal(b, &t) != nil || t.Access+t.Refresh == "" {
		return extract.Token{}, fmt.Errorf("token_file %s is not one: it wants JSON with access_token or refresh_token. "+
			"Move it aside and let offerlake auth write it (%w)", f.path, ErrUsage)
	}
	return extract.Token(t), nil
}

// write replaces the file at once, so that no crash leaves half of it.
func (f tokenFile) write(t extract.Token) (err error) {
	b, err := json.MarshalIndent(storedToken(t), "", "  ")
	if err != nil {
		return err
	}
	target := f.path
	if linked, err := filepath.EvalSymlinks(f.path); err == nil {
		target = linked
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), ".token-*") // mode 0600
	if err != nil {
		return fmt.Errorf("token_file: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("token_file: %w", errors.Join(err, os.Remove(tmp.Name())))
		}
	}()
	_, err = io.Copy(tmp, bytes.NewReader(append(b, '\n')))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), target); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(target)); err == nil {
		_ = dir.Sync() // a power cut may bring the old file back where a directory cannot be synced
		_ = dir.Close()
	}
	return nil
}

// Update implements extract.TokenStore.
func (f tokenFile) Update(ctx context.Context, renew func(stored extract.Token) (extract.Token, error)) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return fmt.Errorf("token_file: %w", err)
	}
	lock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Close()
	stored, err := f.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	t, err := renew(stored)
	if err != nil || t == stored {
		return err
	}
	return f.write(t)
}

const (
	// tokenLockWait is how long another process may take to renew a token: all
	// its attempts at the default time-out.
	tokenLockWait = 3 * time.Minute
	tokenLockPoll = 100 * time.Millisecond
)

// lock keeps other processes out of Update; it waits for one that is in it.
func (f tokenFile) lock(ctx context.Context) (io.Closer, error) {
	dir, err := store.NewLocal(filepath.Dir(f.path))
	if err != nil {
		return nil, fmt.Errorf("token_file: %w", err)
	}
	h := holder()
	note := fmt.Sprintf("host %s, pid %d", h.Host, h.PID)
	deadline := time.Now().Add(tokenLockWait)
	for {
		lock, err := dir.Lock(ctx, filepath.Base(f.path)+".lock", []byte(note))
		var held *load.HeldError
		switch {
		case err == nil:
			return lock, nil
		case !errors.As(err, &held):
			return nil, fmt.Errorf("token_file: %w", err)
		case time.Now().After(deadline):
			return nil, fmt.Errorf("token_file %s has been held by %s for %v; wait until that has ended, or stop it", f.path, held.Note, tokenLockWait)
		}
		timer := time.NewTimer(tokenLockPoll)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}
