package servers

import (
	"net"
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var kinds = map[string]func(testing.TB) *Server{"S3": S3, "GCS": GCS, "Azure": Azure}

// TestServers: every server answers, is gone when it is stopped, and has what
// it had when it is started again.
func TestServers(t *testing.T) {
	t.Parallel()
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			addr := s.Addr()
			if host, _, err := net.SplitHostPort(addr); err != nil || host != "127.0.0.1" {
				t.Errorf("Addr() = %q, want one of the loopback interface", addr)
			}
			s.Stop()
			s.Stop()
			if c, err := net.Dial("tcp", addr); err == nil {
				c.Close()
				t.Error("the server is reached after Stop")
			}
			s.Start()
			if s.Addr() != addr {
				t.Errorf("Addr() after Start = %q, want %q", s.Addr(), addr)
			}
		})
	}
}

// TestAzureKeepsWhatItAnswered: azurite, killed, would lose its last seconds.
func TestAzureKeepsWhatItAnswered(t *testing.T) {
	t.Parallel()
	s := Azure(t)
	if err := azureContainer(s.Addr(), "another", http.StatusCreated); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	s.Start()
	if err := azureContainer(s.Addr(), "another", http.StatusConflict); err != nil {
		t.Errorf("the container made before Stop is gone after Start: %v", err)
	}
}
