package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"offerlake/extract"
)

// Members is how many credentials the emulated gateways accept, each with
// limits and quotas of its own.
const Members = 16

// Credentials returns the first of the credentials that every sandbox
// accepts, complete for all dialects. They protect nothing.
func Credentials() extract.Credential { return Member(0) }

// Member returns the i-th accepted credential, 0 <= i < Members.
func Member(i int) extract.Credential {
	key := strconv.Itoa(firstKey + i)
	return extract.Credential{
		Key: key, Secret: derive("secret", key), AccessToken: derive("access", key), RefreshToken: derive("refresh", key),
		Code: derive("code", key), RedirectURI: "http://127.0.0.1/callback",
	}
}

const firstKey = 1688001

// derive makes up the secret part of a credential.
func derive(kind, key string) string {
	mac := hmac.New(sha256.New, []byte("offerlake sandbox"))
	mac.Write([]byte(kind + " " + key))
	return hex.EncodeToString(mac.Sum(nil))[:32]
}

// accounts knows the accepted credentials and the access tokens given out.
type accounts struct {
	members [Members]extract.Credential
	life    time.Duration
	started time.Time
	// issued numbers the tokens, so that no two are alike.
	issued atomic.Int64
}

func newAccounts(now time.Time, life time.Duration) *accounts {
	a := &accounts{life: life, started: now}
	for i := range a.members {
		a.members[i] = Member(i)
	}
	return a
}

// byKey finds an account by its key.
func (a *accounts) byKey(key string) (extract.Credential, bool) {
	n, err := strconv.Atoi(key)
	if err != nil || n < firstKey || n >= firstKey+Members || strconv.Itoa(n) != key {
		return extract.Credential{}, false
	}
	return a.members[n-firstKey], true
}

// issue makes an access token that tells its own expiry, so that a restarted
// sandbox accepts it.
func (a *accounts) issue(key string, now time.Time) string {
	body := fmt.Sprintf("%s-%d-%d", key, now.Add(a.life).UnixMilli(), a.issued.Add(1))
	return body + "-" + derive("token", body)
}

// tokenState is what a gateway thinks of an access token.
type tokenState int

const (
	tokenUnknown tokenState = iota
	tokenExpired
	tokenValid
)

// check returns the state of an access token and the key that it belongs to.
func (a *accounts) check(token string, now time.Time) (string, tokenState) {
	for i := range a.members {
		if token == a.members[i].AccessToken {
			return a.members[i].Key, stateAt(a.started.Add(a.life), now)
		}
	}
	cut := strings.LastIndexByte(token, '-')
	if cut < 0 || derive("token", token[:cut]) != token[cut+1:] {
		return "", tokenUnknown
	}
	parts := strings.Split(token[:cut], "-")
	ms, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return "", tokenUnknown
	}
	return parts[0], stateAt(time.UnixMilli(ms), now)
}

func stateAt(expires, now time.Time) tokenState {
	if now.Before(expires) {
		return tokenValid
	}
	return tokenExpired
}
