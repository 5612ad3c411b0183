package cli

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/jobs"
)

// TestFullDiskAnywhere runs a job on disks of growing size, so that they fill up
// in every step to the last, the intent and the manifest included: each run ends
// with one message, what is published is whole or nothing, and with room the
// next run makes no answered call again and publishes all.
func TestFullDiskAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	small := func(size int, flags uintptr) error {
		return syscall.Mount("tmpfs", dir, "tmpfs", flags, fmt.Sprintf("size=%dk", size))
	}
	if err := small(64, 0); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	whole := t.TempDir()
	run := func(out string) result {
		return runCLI(t, "run", writeJob(t, sandboxJob("onebound", "rough", 60, out)), "--date", "2026-11-22", "--progress", "none")
	}
	if r := run(whole); r.code != jobs.ExitDone {
		t.Fatal(r.stderr)
	}
	want := dataFiles(t, whole)
	stages := map[string]int{}
	// An open journal holds back 2 MB, so that smaller disks all fail alike. Steps are
	// smaller than an intent and a manifest are.
	for size := 64; ; size = max(size+32, 2064) {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		if err := small(size, 0); err != nil {
			t.Fatal(err)
		}
		r := run(dir)
		if r.code == jobs.ExitDone {
			break
		}
		if r.code != jobs.ExitFailed || strings.Count(r.stderr, "offerlake: ") != 1 || !strings.Contains(r.stderr, "no space left on device") || !strings.Contains(r.stderr, "When there is room") || strings.Contains(r.stderr, "goroutine ") {
			t.Errorf("%d KiB: exit code %d, want 1 and one message\n%s", size, r.code, r.stderr)
		}
		stages[stageOf(r.stderr)]++
		if err := small(1<<16, syscall.MS_REMOUNT); err != nil {
			t.Fatal(err)
		}
		for _, output := range []string{"/parquet", "/csv"} {
			if v := runCLI(t, "verify", dir+output); v.code != jobs.ExitDone && v.code != jobs.ExitUsage {
				t.Errorf("%d KiB: %s is not whole: %s%s", size, output, v.stdout, v.stderr)
			}
		}
		if r := run(dir); r.code != jobs.ExitDone {
			t.Fatalf("%d KiB, and then room: exit code %d\n%s", size, r.code, r.stderr)
		}
		if diff := cmp.Diff(want, dataFiles(t, dir)); diff != "" {
			t.Errorf("%d KiB, and then room: files differ from an undisturbed run's (-want +got):\n%s", size, diff)
		}
		answeredOnce(t, dir+"/parquet")
		if size > 1<<15 {
			t.Fatal("a run needs more than 32 MB")
		}
	}
	t.Log(stages)
	for _, stage := range []string{"/reserve", "/staging/", "/intents/", "/manifests/"} {
		if stages[stage] == 0 {
			t.Errorf("no disk filled up in %s: %v", stage, stages)
		}
	}
}

// stageOf tells where a run met the end of the disk.
func stageOf(said string) string {
	for _, stage := range []string{"/reserve", "/journals/", "/staging/", "/intents/", "/manifests/", "/runs/"} {
		if strings.Contains(said, stage+":") || strings.Contains(said, stage) && stage != "/reserve" {
			return stage
		}
	}
	return "elsewhere"
}
