package servers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
	"time"
)

// TestProxyKeepsS3Signatures: what a client signs for the proxy's address is
// valid for the server, and would not be for another host.
func TestProxyKeepsS3Signatures(t *testing.T) {
	t.Parallel()
	s := S3(t)
	p := NewProxy(t, s.Addr())
	if err := listS3(t, p.Addr(), p.Addr(), http.StatusOK); err != nil {
		t.Errorf("signed for the proxy: %v", err)
	}
	if err := listS3(t, p.Addr(), s.Addr(), http.StatusForbidden); err != nil {
		t.Errorf("signed for another host: %v", err)
	}
}

// listS3 lists the bucket at an address, with a signature for a host, and fails
// unless the answer has the status.
func listS3(t *testing.T, addr, host string, status int) error {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/"+Bucket+"?list-type=2", nil)
	if err != nil {
		t.Fatal(err)
	}
	signS3(req, host)
	return expect(req, status)
}

// signS3 signs a request without a body for a host, with AWS Signature Version 4:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func signS3(req *http.Request, host string) {
	now := time.Now().UTC()
	date, scope := now.Format("20060102T150405Z"), now.Format("20060102")+"/us-east-1/s3/aws4_request"
	empty := hashed("")
	req.Header.Set("X-Amz-Date", date)
	req.Header.Set("X-Amz-Content-Sha256", empty)
	const signed = "host;x-amz-content-sha256;x-amz-date"
	canonical := req.Method + "\n" + req.URL.EscapedPath() + "\n" + req.URL.RawQuery + "\n" +
		"host:" + host + "\nx-amz-content-sha256:" + empty + "\nx-amz-date:" + date + "\n\n" + signed + "\n" + empty
	key := []byte("AWS4" + s3Secret)
	for _, part := range []string{now.Format("20060102"), "us-east-1", "s3", "aws4_request"} {
		key = keyed(key, part)
	}
	signature := keyed(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hashed(canonical))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s3Access+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(signature))
}

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
