package load_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"offerlake/load"
)

// TestVerifyChildKnowsNoSecret: the child that reads files has next to nothing in
// its environment and on its command line, whatever its parent has, but for the
// parent's memory limit.
func TestVerifyChildKnowsNoSecret(t *testing.T) {
	t.Setenv("ONEBOUND_SECRET", "s3cret-of-the-parent")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(123 << 20))
	seen := filepath.Join(t.TempDir(), "seen")
	v := newVerifier(t, "1")
	v.Command = []string{"/bin/sh", "-c", `cat /proc/$$/environ >` + seen + `; cat /proc/$$/cmdline >` + seen + `-args; exec "$0"`, v.Command[0]}
	d := write(t, []load.Output{{Store: newLocal(t), Encoder: newParquet(t)}}, smallOptions, 20, 20)
	if err := d.Verify(t.Context(), v, false); err != nil {
		t.Fatal(err)
	}
	environ, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for entry := range strings.SplitSeq(strings.TrimRight(string(environ), "\x00"), "\x00") {
		name, _, _ := strings.Cut(entry, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"GODEBUG", "GOMEMLIMIT", "GOTRACEBACK", childEnv, load.VerifyChildEnv}; !slices.Equal(names, want) {
		t.Errorf("the child's environment is %v, want %v", names, want)
	}
	if !strings.Contains(string(environ), fmt.Sprintf("GOMEMLIMIT=%d\x00", 123<<20)) {
		t.Errorf("the child's environment is %q, want the limit of its parent", environ)
	}
	if args, err := os.ReadFile(seen + "-args"); err != nil || strings.Contains(string(args)+string(environ), "s3cret") {
		t.Errorf("the child knows the secret: %q %q %v", args, environ, err)
	}
}
