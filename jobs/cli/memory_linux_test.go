package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"offerlake/extract/sandbox"
)

// memoryGoal is what a job machine of 256 MB leaves a process, in bytes.
const memoryGoal = 256_000_000

// TestMemory runs a job over some OFFERLAKE_SKUS SKUs with the memory limit that
// docs/operations.md gives for small machines, and watches the peaks of the run and
// of its verification, each a process of its own; the emulator is in neither.
func TestMemory(t *testing.T) {
	skus, err := strconv.Atoi(os.Getenv("OFFERLAKE_SKUS"))
	if err != nil {
		t.Skip("takes minutes: set OFFERLAKE_SKUS=1000000")
	}
	server, gateway := serveSandbox(t, sandbox.Options{Offers: skus/8 + 1, Seed: 5, Profile: sandbox.Clean})
	dir := t.TempDir()
	ids := strings.Builder{}
	ids.WriteString("offer_id\n")
	for i := range server.Catalog().Len() {
		fmt.Fprintln(&ids, server.Catalog().ID(i))
	}
	if err := os.WriteFile(filepath.Join(dir, "ids.csv"), []byte(ids.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c := sandbox.Credentials()
	job := filepath.Join(dir, "job.yaml")
	src := fmt.Sprintf(`name: memory
gateway:
  kind: openplatform
  endpoints: ["%s"]
  credentials: {app_key: %s, app_secret: %s, refresh_token: %s}
  limits: {per_second: 0, in_flight: 8}
sources: [{offers: {ids_from: ids.csv}}]
output:
  - {url: %s/parquet, format: parquet, partition_by: [dt, province]}
  - {url: %s/csv, format: csv, compression: zstd}
`, gateway, c.Key, c.Secret, c.RefreshToken, dir, dir)
	if err := os.WriteFile(job, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "run", job, "--progress", "none")
	cmd.Env = append(os.Environ(), "GOMEMLIMIT="+smallMemory)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan map[string]int64)
	ended := make(chan struct{})
	go func() { done <- watchPeaks(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	close(ended)
	peaks := <-done
	t.Logf("%s\nin %v: peak of the run %d MB, of the verification %d MB", said.String(), time.Since(begun).Round(time.Second), peaks["run"]/1e6, peaks["verify-child"]/1e6)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run", "verify-child"} {
		if peaks[name] == 0 || peaks[name] > memoryGoal {
			t.Errorf("%s: peak memory %d MB, want at most %d", name, peaks[name]/1e6, int64(memoryGoal/1e6))
		}
	}
}

// smallMemory is the GOMEMLIMIT that docs/operations.md gives for 256 MB.
const smallMemory = "150MiB"

// watchPeaks returns the peak memory of a process and of those that it starts, by
// the first argument of their command lines.
func watchPeaks(pid int, ended <-chan struct{}) map[string]int64 {
	peaks := map[string]int64{}
	for {
		select {
		case <-ended:
			return peaks
		case <-time.After(20 * time.Millisecond):
		}
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		pids := []string{strconv.Itoa(pid)}
		for _, task := range tasks {
			b, _ := os.ReadFile(task) // a thread that has ended has no children
			pids = append(pids, strings.Fields(string(b))...)
		}
		for _, p := range pids {
			args, _ := os.ReadFile("/proc/" + p + "/cmdline")
			status, _ := os.ReadFile("/proc/" + p + "/status")
			words := strings.Split(string(args), "\x00")
			_, peak, ok := strings.Cut(string(status), "VmHWM:")
			if !ok || len(words) < 2 {
				continue
			}
			kb, _ := strconv.ParseInt(strings.Fields(peak)[0], 10, 64)
			peaks[words[1]] = max(peaks[words[1]], kb*1024)
		}
	}
}
