package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
	"offerlake/load"
	"offerlake/load/store"
	"offerlake/load/storetest/servers"
)

// bucketJob is sandboxJob with both outputs in a bucket, and more lines behind it.
func bucketJob(s *servers.Server, dir, more string) string {
	job := sandboxJob("onebound", "rough", 300, "OUT")
	for _, format := range []string{"parquet", "csv"} {
		job = strings.ReplaceAll(job, "{url: OUT/"+format, fmt.Sprintf("{url: %q", s.URL(dir+"/"+format)))
	}
	return job + more
}

// bucketFiles is dataFiles for the two outputs of a bucketJob.
func bucketFiles(t *testing.T, s *servers.Server, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, format := range []string{"parquet", "csv"} {
		at, err := store.Open(s.URL(dir + "/" + format))
		if err != nil {
			t.Fatal(err)
		}
		for key, err := range at.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(key, "_offerlake/") {
				continue
			}
			r, err := at.Open(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			if _, err := io.Copy(h, r); err != nil {
				t.Fatal(err)
			}
			r.Close()
			files[format+"/"+key] = hex.EncodeToString(h.Sum(nil)[:8])
		}
	}
	return files
}

// nothingUnfinished checks that a run left nothing but what it published, its
// journal and its records.
func nothingUnfinished(t *testing.T, s *servers.Server, dir string) {
	t.Helper()
	for _, format := range []string{"parquet", "csv"} {
		at, err := store.Open(s.URL(dir + "/" + format))
		if err != nil {
			t.Fatal(err)
		}
		for key, err := range at.List(t.Context(), "_offerlake/") {
			part := strings.Split(key, "/")[1]
			if err != nil || part == "staging" || part == "intents" || strings.HasSuffix(key, ".clock") {
				t.Errorf("left behind: %s, %v", key, err)
			}
		}
		for key, err := range at.(*store.Bucket).Unfinished(t.Context(), "") {
			t.Errorf("upload left behind: %s, %v", key, err)
		}
	}
}

// TestBucket: a job whose outputs and journal are in a bucket gives the files that
// it gives on a disk, and every command works there.
func TestBucket(t *testing.T) {
	local := t.TempDir()
	mustRun(t, "run", writeJob(t, sandboxJob("onebound", "rough", 300, local)), "--date", "2026-11-22", "--progress", "none")
	want := dataFiles(t, local)
	for _, server := range []struct {
		name  string
		start func(testing.TB) *servers.Server
	}{{"s3", servers.S3}, {"gcs", servers.GCS}, {"azure", servers.Azure}} {
		t.Run(server.name, func(t *testing.T) {
			s := server.start(t)
			s.Setenv(t)
			t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
			job := writeJob(t, bucketJob(s, "lake/a b", ""))
			dest := s.URL("lake/a b/parquet")
			first := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json"))
			if diff := cmp.Diff(want, bucketFiles(t, s, "lake/a b")); diff != "" {
				t.Fatalf("files differ from those on a disk (-want +got):\n%s", diff)
			}
			nothingUnfinished(t, s, "lake/a b")
			mustRun(t, "verify", dest, "--deep")
			mustRun(t, "verify", s.URL("lake/a b/csv"))
			if r := mustRun(t, "runs", dest); !strings.Contains(r.stdout, "published") {
				t.Errorf("runs says:\n%s", r.stdout)
			}
			mustRun(t, "rejects", dest)
			// Another machine replays it, from the journal in the bucket.
			t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
			if r := summaryOf(t, mustRun(t, "replay", job, "--date", "2026-11-22", "--progress", "none", "--json")); r.Calls != 0 || r.JournalDigest != first.JournalDigest {
				t.Errorf("the replay made %d calls, from the journal %s; want 0 and %s", r.Calls, r.JournalDigest, first.JournalDigest)
			}
			if diff := cmp.Diff(want, bucketFiles(t, s, "lake/a b")); diff != "" {
				t.Errorf("files differ after a replay (-want +got):\n%s", diff)
			}
			for _, more := range [][]string{{"--journal", first.Journal}, nil} {
				args := append([]string{"replay", job, "--date", "2026-11-22", "--progress", "none", "--json", "--dest", t.TempDir()}, more...)
				if r := summaryOf(t, mustRun(t, args...)); r.Journal != first.Journal {
					t.Errorf("a replay to a disk names its journal %s, want %s", r.Journal, first.Journal)
				}
			}
			again := summaryOf(t, mustRun(t, "run", job, "--date", "2026-11-22", "--progress", "none", "--json"))
			if again.Run != 3 || again.Journal == first.Journal { // run 2 was the replay
				t.Errorf("the next run is number %d with the journal %s, want 3 and one of its own", again.Run, again.Journal)
			}
			var journals []jobs.JournalInfo
			if err := json.Unmarshal([]byte(mustRun(t, "journal", "ls", dest, "--json").stdout), &journals); err != nil || len(journals) != 2 {
				t.Errorf("journal ls lists %d journals, %v; want 2", len(journals), err)
			}
		})
	}
}

// TestKillBucket is TestKill for a bucket: outputs, journal and locks are in S3.
// After each kill, what a reader finds by the manifests is whole or nothing.
func TestKillBucket(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	state := t.TempDir()
	t.Setenv("OFFERLAKE_STATE_DIR", state)
	begun := time.Now()
	mustRun(t, "run", writeJob(t, bucketJob(s, "undisturbed", "")), "--date", "2026-11-22", "--progress", "none")
	took := time.Since(begun)
	want := bucketFiles(t, s, "undisturbed")

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	args := []string{"run", writeJob(t, bucketJob(s, "killed", "journal: {upload_every: 1s}\n")), "--date", "2026-11-22", "--progress", "none"}
	for range kills(3) {
		killAfter(t, time.Duration(dice.Int64N(int64(took))), args...)
		wholeOrNothing(t, s, "killed", want)
	}
	mustRun(t, args...)
	if diff := cmp.Diff(want, bucketFiles(t, s, "killed")); diff != "" {
		t.Errorf("files differ from an undisturbed run's (-want +got):\n%s", diff)
	}
	nothingUnfinished(t, s, "killed")
	mustRun(t, "verify", s.URL("killed/parquet"), "--deep")
	mustRun(t, "journal", "ls", s.URL("killed/parquet")) // brings the journal here
	answeredOnce(t, state)
}

// wholeOrNothing checks that the files of the manifests that are there are those
// of an undisturbed run.
func wholeOrNothing(t *testing.T, s *servers.Server, dir string, want map[string]string) {
	t.Helper()
	have := bucketFiles(t, s, dir)
	for _, format := range []string{"parquet", "csv"} {
		at, err := store.Open(s.URL(dir + "/" + format))
		if err != nil {
			t.Fatal(err)
		}
		manifests, err := load.ReadManifests(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range manifests {
			for _, f := range m.Files {
				if key := format + "/" + f.Path; have[key] != want[key] || !strings.HasPrefix(f.SHA256, have[key]) {
					t.Errorf("%s is in a manifest, but not as it should be", key)
				}
			}
		}
	}
}

// TestResumeElsewhere: a run that was begun on one machine, whose disk is gone for
// a while, is finished from others. Only what had not gone up is asked again, and
// the first machine's answers are taken in when it comes back.
func TestResumeElsewhere(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	server, gateway := serveSandbox(t, sandbox.Options{Offers: 300, Seed: 7, Profile: sandbox.Rough})
	c := sandbox.Credentials()
	job := func(dir string) string {
		yaml := bucketJob(s, dir, "journal: {upload_every: 1s}\n")
		from, to := strings.Index(yaml, "gateway:"), strings.Index(yaml, "sources:")
		return writeJob(t, yaml[:from]+fmt.Sprintf(`gateway:
  kind: onebound
  endpoints: ["%s"]
  credentials: {key: "%s", secret: "%s"}
  limits: {per_second: 15, burst: 1, in_flight: 4}
`, gateway, c.Key, c.Secret)+yaml[to:])
	}
	machines := []string{t.TempDir(), t.TempDir()}
	args := []string{"run", job("moved"), "--date", "2026-11-22", "--progress", "none"}
	inBucket := func() int64 {
		t.Helper()
		t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
		r := runCLI(t, "journal", "ls", s.URL("moved/parquet"), "--json")
		var journals []jobs.JournalInfo
		if r.code != 0 || json.Unmarshal([]byte(r.stdout), &journals) != nil || len(journals) != 1 {
			t.Fatalf("no journal is in the bucket: %s%s", r.stdout, r.stderr)
		}
		return journals[0].Records
	}
	var lost int64
	for _, dir := range machines {
		t.Setenv("OFFERLAKE_STATE_DIR", dir)
		killAfter(t, 2600*time.Millisecond, args...)
		lost += server.Stats().Answered - server.Stats().Repeats - inBucket()
	}
	repeats := server.Stats().Repeats
	if repeats > lost {
		t.Errorf("%d answered calls were made again, but only %d had not gone up", repeats, lost)
	}
	t.Setenv("OFFERLAKE_STATE_DIR", machines[0])
	args[len(args)-1] = "plain"
	r := mustRun(t, args...)
	if !strings.Contains(r.stderr, "answers of this machine") {
		t.Errorf("the first machine's answers were not taken in:\n%s", r.stderr)
	}
	t.Logf("%d answers had not gone up, %d calls were made again, %d after the first machine came back", lost, repeats, server.Stats().Repeats-repeats)
	if again := server.Stats().Repeats - repeats; again > lost {
		t.Errorf("%d answered calls were made again, but only %d had not gone up", again, lost)
	}
	mustRun(t, "verify", s.URL("moved/parquet"), "--deep")
	nothingUnfinished(t, s, "moved")
}

// TestBucketSideBySide: different jobs publish into one dataset at the same time,
// and a second run of one of them is told who has the lock.
func TestBucketSideBySide(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
	var running []*exec.Cmd
	for _, name := range []string{"first", "second"} {
		job := writeJob(t, strings.Replace(bucketJob(s, "shared", ""), "name: t\n", "name: "+name+"\n", 1))
		cmd := program(t.Context(), "run", job, "--date", "2026-11-22", "--progress", "none")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	counts := map[string]int{}
	for path := range bucketFiles(t, s, "shared") {
		_, name, _ := strings.Cut(path, "dt=2026-11-22/")
		counts[name]++
	}
	if counts["first-00000.parquet"] == 0 || counts["first-00000.parquet"] != counts["second-00000.parquet"] {
		t.Errorf("files by name: %v, want as many of both jobs", counts)
	}
	mustRun(t, "verify", s.URL("shared/parquet"), "--deep")
	nothingUnfinished(t, s, "shared")

	at, err := store.Open(s.URL("shared/csv"))
	if err != nil {
		t.Fatal(err)
	}
	lock, err := load.AcquireLock(t.Context(), at, "first", "2026-11-22", load.Holder{Host: "elsewhere", PID: 4711})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	job := writeJob(t, strings.Replace(bucketJob(s, "shared", ""), "name: t\n", "name: first\n", 1))
	drain := make(chan struct{})
	time.AfterFunc(3*time.Second, func() { close(drain) })
	if r := runDraining(t, drain, "run", job, "--date", "2026-11-22", "--progress", "none"); r.code == 0 || !strings.Contains(r.stderr, "elsewhere, pid 4711") {
		t.Errorf("exit code %d, want an error that names the holder\n%s", r.code, r.stderr)
	}
}

// TestSoftStopOfASilentBucket: a bucket that does not answer holds up a soft stop
// for some seconds, wherever the run is, and costs no answered call.
func TestSoftStopOfASilentBucket(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	proxy := servers.NewProxy(t, s.Addr())
	url := s.At(proxy.Addr()).URL("silent/parquet")
	for _, after := range []int{1, 4, 30} { // requests that are answered: in the locking, before the calls, among them
		t.Run(strconv.Itoa(after), func(t *testing.T) {
			t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
			server, gateway := serveSandbox(t, sandbox.Options{Offers: 300, Seed: 7})
			job := writeJob(t, listeningJob(gateway, "burst: 1", strconv.Quote(url))+"journal: {upload_every: 1s}\n")
			args := []string{"run", job, "--progress", "none", "--date", "2026-11-22", "--set", fmt.Sprintf("name=t%d", after), "--set", "gateway.limits.per_second=20"}
			silent, drain := make(chan struct{}), make(chan struct{})
			var once sync.Once
			proxy.Set(func(r servers.Request) servers.Fault {
				if r.N <= after {
					return servers.Fault{}
				}
				once.Do(func() { close(silent) })
				return servers.Fault{Delay: time.Hour}
			})
			go func() {
				<-silent
				time.Sleep(100 * time.Millisecond)
				close(drain)
			}()
			var stdout, stderr strings.Builder
			begun := time.Now()
			code := Main(t.Context(), Env{Args: args, Drain: drain, StopGrace: 200 * time.Millisecond, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
			if code != jobs.ExitInterrupted {
				t.Errorf("exit code %d, want %d\n%s", code, jobs.ExitInterrupted, stderr.String())
			}
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("the stop took %v", took)
			}
			proxy.Set(nil)
			at, err := store.Open(url)
			if err != nil {
				t.Fatal(err)
			}
			// Its process lives on, so that the next run would wait for a minute.
			if err := at.RemoveAll(t.Context(), "_offerlake/locks"); err != nil {
				t.Fatal(err)
			}
			mustRun(t, args...)
			if n := server.Stats().Repeats; n > 0 {
				t.Errorf("%d answered calls were made again", n)
			}
		})
	}
}

// TestSoftStopOfASilentExpansion: a backfill that is stopped while it asks which
// shards there are does not wait for ever for a bucket to take the answers.
func TestSoftStopOfASilentExpansion(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
	proxy := servers.NewProxy(t, s.Addr())
	server, gateway := serveSandbox(t, sandbox.Options{Offers: 100})
	c := sandbox.Credentials()
	out := t.TempDir()
	job := strings.NewReplacer("kind: onebound", "kind: openplatform", fmt.Sprintf(`{key: "%s", secret: "%s"}`, c.Key, c.Secret),
		fmt.Sprintf(`{app_key: "%s", app_secret: "%s", access_token: "%s"}`, c.Key, c.Secret, c.AccessToken),
		"search: {keywords: [保温杯, 玻璃杯]}", "category: {ids: [{category}], pages: 1}").Replace(listeningJob(gateway, "burst: 1", out))
	path := writeJob(t, "expand: {category: {category_leaves: 13}}\n"+job+fmt.Sprintf("journal: {url: %q}\n", s.At(proxy.Addr()).URL("expansion")))
	drain := make(chan struct{})
	var once sync.Once
	proxy.Set(func(servers.Request) servers.Fault {
		if server.Stats().Calls == 0 {
			return servers.Fault{}
		}
		once.Do(func() { close(drain) })
		return servers.Fault{Delay: time.Hour}
	})
	args := []string{"backfill", path, "--progress", "none"}
	var stdout, stderr strings.Builder
	begun := time.Now()
	code := Main(t.Context(), Env{Args: args, Drain: drain, StopGrace: 200 * time.Millisecond, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("the stop took %v", took)
	}
	if code == jobs.ExitDone || server.Stats().Calls == 0 {
		t.Errorf("exit code %d after %d calls\n%s", code, server.Stats().Calls, stderr.String())
	}
	proxy.Set(nil)
	mustRun(t, args...)
	if n := server.Stats().Repeats; n > 0 {
		t.Errorf("%d answered calls were made again", n)
	}
}

// TestJournalInBucket: outputs on a disk, journals in a bucket.
func TestJournalInBucket(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	state, out := t.TempDir(), t.TempDir()
	t.Setenv("OFFERLAKE_STATE_DIR", state)
	job := writeJob(t, sandboxJob("onebound", "clean", 100, out)+fmt.Sprintf("journal: {url: %q, keep: 1s}\n", s.URL("日 志")))
	run := func(date string, more ...string) result {
		return runCLI(t, append([]string{"run", job, "--date", date, "--progress", "none"}, more...)...)
	}
	journalIs := func(want ...string) {
		t.Helper()
		var report jobs.VerifyReport
		r := mustRun(t, "verify", out+"/parquet", "--json")
		if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, j := range report.Journals {
			have = append(have, j.State)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("journals differ (-want +got):\n%s", diff)
		}
	}
	if r := run("2026-11-22", "--max-calls", "9"); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	// Neither way may the run go on without its answers.
	if r := run("2026-11-22", "--set", "journal.url="+t.TempDir()); r.code != jobs.ExitUsage || !strings.Contains(r.stderr, "Put journal.url back") {
		t.Errorf("with its journal elsewhere: exit code %d\n%s", r.code, r.stderr)
	}
	if r := run("2026-11-23", "--set", "journal.url="+state+"/j", "--max-calls", "9"); r.code != jobs.ExitBudget {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	if r := run("2026-11-23"); r.code != jobs.ExitUsage || !strings.Contains(r.stderr, "Put journal.url back") {
		t.Errorf("with its journal elsewhere: exit code %d\n%s", r.code, r.stderr)
	}
	if r := run("2026-11-22"); r.code != 0 {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	journalIs("ok")
	// Half of it is here, as of a command that was killed.
	mustRun(t, "journal", "ls", s.URL("日 志"))
	var halved bool
	filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if !halved && strings.HasSuffix(path, ".zst") {
			halved = os.Remove(path) == nil
		}
		return err
	})
	if !halved {
		t.Error("the journal was not brought here")
	}
	journalIs("ok")
	time.Sleep(1100 * time.Millisecond) // journal.keep
	if r := run("2026-11-24"); r.code != 0 {
		t.Fatalf("exit code %d\n%s", r.code, r.stderr)
	}
	journalIs("removed", "ok")
}

// TestStopOfReaders: commands that only read end at the first request to stop.
func TestStopOfReaders(t *testing.T) {
	s := servers.S3(t)
	s.Setenv(t)
	t.Setenv("OFFERLAKE_STATE_DIR", t.TempDir())
	proxy := servers.NewProxy(t, s.Addr())
	url := s.At(proxy.Addr()).URL("silent")
	for _, args := range [][]string{{"verify", url}, {"runs", url}, {"rejects", url}, {"journal", "ls", url}} {
		asked, drain := make(chan struct{}), make(chan struct{})
		var once sync.Once
		proxy.Set(func(servers.Request) servers.Fault {
			once.Do(func() { close(asked) })
			return servers.Fault{Delay: time.Hour}
		})
		go func() {
			<-asked
			close(drain)
		}()
		if r := runDraining(t, drain, args...); r.code != jobs.ExitInterrupted {
			t.Errorf("%v: exit code %d, want %d\n%s", args, r.code, jobs.ExitInterrupted, r.stderr)
		}
	}
	proxy.Set(nil)
	if r := runCLI(t, "replay", writeJob(t, sandboxJob("onebound", "clean", 100, t.TempDir())), "--journal", url); r.code != jobs.ExitUsage || !strings.Contains(r.stderr, "there is no journal in s3://") {
		t.Errorf("replay of nothing: exit code %d\n%s", r.code, r.stderr)
	}
}
