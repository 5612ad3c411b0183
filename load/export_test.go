package load

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// DyingChild is a verification child that is killed by files whose path holds
// "skus", and finds all others good.
func DyingChild(stdin io.Reader, stdout io.Writer) int {
	var spec verifySpec
	if err := json.NewDecoder(stdin).Decode(&spec); err != nil {
		return 1
	}
	out := json.NewEncoder(stdout)
	for i, f := range spec.Files {
		out.Encode(verifyEvent{File: i})
		if strings.Contains(f.File.Path, "skus") {
			fmt.Fprintln(os.Stderr, "fatal error: out of memory")
			return 2
		}
		out.Encode(verifyEvent{File: i, Done: true})
	}
	return 0
}
