package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
	"offerlake/pipeline/catalog"
)

// hostileHour is a bad night at a gateway, compressed in time: three in ten calls
// fail with a 5xx, others with resets, answers that are cut short, HTML and bodies
// that come drop by drop; throttle storms; tokens that live for seconds, and
// some that die before; an endpoint that flaps; a day's quota that ends.
type hostileHour struct {
	kind   string
	server *sandbox.Server
	days   atomic.Int64 // that the gateway is ahead
	args   []string
	out    string

	samples []sample
	peak    int64 // resident memory of any process, by the kernel
}

// sample is what a process says of itself.
type sample struct{ goroutines, resident float64 }

// hostileSize is OFFERLAKE_HOSTILE, the offers of the catalogue, and how long a
// storm takes; or a few that take seconds.
func hostileSize() (offers int, storm time.Duration) {
	if n, err := strconv.Atoi(os.Getenv("OFFERLAKE_HOSTILE")); err == nil {
		return n, time.Second
	}
	return 120, 200 * time.Millisecond
}

// TestHostileHour: a run through all of it stops resumably or ends; in the end
// every offer is a row or a reject with a reason, no answer was paid for twice,
// what was wasted is told, and neither goroutines nor memory have grown.
func TestHostileHour(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"onebound", "openplatform"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			h := newHostileHour(t, kind)
			begun := time.Now()
			codes := h.run(t)
			t.Logf("%s: %v, exit codes %v, %d calls, peak of resident memory %d MB", kind,
				time.Since(begun).Round(time.Second), codes, h.server.Stats().Calls, h.peak>>20)
			for _, code := range []int{-1, jobs.ExitBudget} { // killed; the quota ended
				if !slices.Contains(codes, code) {
					t.Errorf("exit codes %v, want %d among them", codes, code)
				}
			}
			h.checkOffers(t)
			replayed := summaryOf(t, mustRun(t, append(slices.Clone(h.args[1:]), "--json", "--progress", "none")...))
			h.checkWaste(t, replayed)
			h.checkSamples(t)
		})
	}
}

func newHostileHour(t *testing.T, kind string) *hostileHour {
	t.Helper()
	offers, storm := hostileSize()
	h := &hostileHour{kind: kind, out: t.TempDir()}
	var err error
	h.server, err = sandbox.New(sandbox.Options{
		Offers: offers, Seed: 11, Profile: sandbox.Hostile, ServerErrors: 0.3, Drip: time.Minute, Storm: storm,
		TokenLife: 20 * storm, PerDay: int64(offers), Latency: 5 * time.Millisecond,
		Now: func() time.Time { return time.Now().AddDate(0, 0, int(h.days.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	flapping, err := sandbox.ListenFlapping("127.0.0.1:0", h.server, 10*storm, 3*storm)
	if err != nil {
		t.Fatal(err)
	}
	steady, err := sandbox.Listen("127.0.0.1:0", h.server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := flapping.Close(); err != nil {
			t.Error(err)
		}
		if err := steady.Close(); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	ids := "offer_id\n404\n"
	for i := range h.server.Catalog().Len() {
		ids += fmt.Sprintln(h.server.Catalog().ID(i))
	}
	if err := os.WriteFile(filepath.Join(dir, "ids.csv"), []byte(ids), 0o644); err != nil {
		t.Fatal(err)
	}
	c := sandbox.Credentials()
	credentials := fmt.Sprintf(`{key: "%s", secret: "%s"}`, c.Key, c.Secret)
	if kind != "onebound" {
		credentials = fmt.Sprintf(`{app_key: "%s", app_secret: "%s", refresh_token: "%s"}`, c.Key, c.Secret, c.RefreshToken)
	}
	job := filepath.Join(dir, "job.yaml")
	err = os.WriteFile(job, fmt.Appendf(nil, `name: t
gateway:
  kind: %s
  endpoints: ["%s", "%s"]
  credentials: %s
  timeout: 2s
  attempts: 10
  limits: {per_second: 400, in_flight: 32}
sources:
  - search: {keywords: [保温杯]}
  - offers: {ids_from: ids.csv, column: offer_id}
output:
  - {url: %s, format: csv}
`, kind, flapping.URL(), steady.URL(), credentials, h.out), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	h.args = []string{"run", "replay", job, "--date", "2026-11-22"}
	return h
}

// run runs the job until it ends and returns the exit codes. The first process is
// killed in the midst.
func (h *hostileHour) run(t *testing.T) []int {
	t.Helper()
	var codes []int
	state := t.TempDir()
	for range 20 {
		kill := int64(0)
		if len(codes) == 0 {
			kill = int64(h.server.Catalog().Len()) / 4
		}
		code, output := h.process(t, state, kill)
		codes = append(codes, code)
		switch code {
		case jobs.ExitDone:
			return codes
		case jobs.ExitBudget:
			// The next day: the count of the last one is not looked at again.
			h.days.Add(1)
			state = t.TempDir()
		case jobs.ExitFailed: // the gateway was not there for too long
			if !strings.Contains(output, "go on with") {
				t.Fatalf("it failed and says nothing of going on:\n%s", output)
			}
		case -1:
			h.samples = nil // it had hardly begun
		default:
			t.Fatalf("exit codes %v\n%s", codes, output)
		}
	}
	t.Fatalf("exit codes %v: it does not come to an end", codes)
	return nil
}

// process runs the job in a process of its own, kills it once the gateway has
// answered more than so many calls, if that is not 0, and samples it meanwhile.
func (h *hostileHour) process(t *testing.T, state string, kill int64) (code int, output string) {
	t.Helper()
	args := append([]string{"run"}, h.args[2:]...)
	cmd := program(t.Context(), append(args, "--progress", "none", "-v", "--metrics-listen", "127.0.0.1:0")...)
	cmd.Env = append(os.Environ(), "OFFERLAKE_STATE_DIR="+state, "GOMEMLIMIT=240MiB")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1) // the one that the metrics are at
	var text bytes.Buffer
	var read sync.WaitGroup
	read.Go(func() {
		for lines := bufio.NewScanner(io.TeeReader(stderr, &text)); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), "address="); ok {
				select {
				case address <- strings.Trim(rest, `"`):
				default:
				}
			}
		}
	})
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		h.watch(ended, address)
	})
	watch.Go(func() {
		for kill > 0 && h.server.Stats().Answered <= kill {
			select {
			case <-ended:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
		if kill > 0 {
			_ = cmd.Process.Kill() // unless it has ended, which the exit code tells
		}
	})
	read.Wait()
	_ = cmd.Wait() // how it ended is looked at next
	close(ended)
	watch.Wait()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		h.peak = max(h.peak, usage.Maxrss<<10)
	}
	return cmd.ProcessState.ExitCode(), text.String()
}

// watch samples a process until it has ended.
func (h *hostileHour) watch(ended <-chan struct{}, address <-chan string) {
	var url string
	select {
	case url = <-address:
	case <-ended:
		return
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		resp, err := client.Get(url)
		if err != nil {
			continue // it is about to end
		}
		var s sample
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), " ")
			switch v, _ := strconv.ParseFloat(value, 64); name {
			case "go_goroutines":
				s.goroutines = v
			case "process_resident_memory_bytes":
				s.resident = v
			}
		}
		resp.Body.Close()
		if s.goroutines > 0 {
			h.samples = append(h.samples, s)
		}
	}
}

// checkOffers compares the tables with the catalogue.
func (h *hostileHour) checkOffers(t *testing.T) {
	t.Helper()
	ends := map[string]string{} // by offer
	for _, r := range readCSV(t, h.out, "products") {
		ends[r["offer_id"]] = "product"
	}
	for _, r := range readCSV(t, h.out, "rejects") {
		id := r["offer_id"]
		if r["code"] == "" || r["message"] == "" || ends[id] != "" {
			t.Errorf("reject %v of an offer that is %q", r, ends[id])
		}
		if id != "" { // a row of a search that has none
			ends[id] = r["code"]
		}
	}
	counts := map[string]int{}
	for i := range h.server.Catalog().Len() {
		id := h.server.Catalog().ID(i)
		truth, _ := h.server.Catalog().ByID(id)
		end := ends[id.String()]
		counts[end]++
		if want := truth.Delisted; (end == string(catalog.ErrDelisted)) != want || !want && end != "product" {
			t.Errorf("offer %s, delisted %v, ended as %q", id, want, end)
		}
	}
	if ends["404"] != string(catalog.ErrNotFound) || len(ends) != h.server.Catalog().Len()+1 {
		t.Errorf("%d offers ended somehow, offer 404 as %q; want %d and %s", len(ends), ends["404"], h.server.Catalog().Len()+1, catalog.ErrNotFound)
	}
	t.Logf("offers ended as %v", counts)
}

// checkWaste compares what is told of wasted calls with what the gateway did. Of
// the calls that were under way when the process was killed nobody knows.
func (h *hostileHour) checkWaste(t *testing.T, s jobs.Summary) {
	t.Helper()
	stats := h.server.Stats()
	t.Logf("wasted %v; the gateway's faults %v, throttled %d, quota %d", s.Wasted, stats.ByFault, stats.Throttled, stats.Quota)
	doubt := s.Wasted[catalog.WasteInDoubt]
	if doubt > 32 {
		t.Errorf("%d calls in doubt, at most 32 were in flight when the process was killed", doubt)
	}
	// A slow machine may miss what came, and call it a timeout.
	doubt += max(s.Wasted[catalog.WasteTimeout]-stats.ByFault["drip"], 0)
	for cause, did := range map[string]int64{
		string(catalog.ErrThrottled): stats.Throttled, catalog.WasteServer: stats.ByFault["server"], catalog.WasteTruncated: stats.ByFault["truncated"],
		catalog.WasteMalformed: stats.ByFault["cut"] + stats.ByFault["html"], string(catalog.ErrQuota): stats.Quota,
	} {
		if told := s.Wasted[cause]; told > did || told < did-doubt || did == 0 && (cause != string(catalog.ErrQuota) || h.kind != "onebound") { // which tells what is left
			t.Errorf("%d calls wasted by %s are told of, the gateway did it to %d; %d are in doubt", told, cause, did, doubt)
		}
	}
	if told, did := s.Wasted[catalog.WasteTimeout], stats.ByFault["drip"]; told < did-doubt || did == 0 {
		t.Errorf("%d calls that took too long are told of, %d bodies came drop by drop", told, did)
	}
	if s.Wasted[catalog.WasteUnreachable] < stats.ByFault["reset"]-doubt || s.Wasted[catalog.WasteDuplicate] > 0 {
		t.Errorf("wasted %v, want at least %d unreachable and no duplicate", s.Wasted, stats.ByFault["reset"])
	}
	if told, did := s.Wasted[string(catalog.ErrToken)], stats.ByFault["token"]; told < did-doubt || h.kind == "openplatform" && did == 0 {
		t.Errorf("%d calls whose token was refused are told of, the gateway did it to %d", told, did)
	}
	if stats.Repeats > doubt {
		t.Errorf("%d calls were answered again, want at most %d", stats.Repeats, doubt)
	}
}

// checkSamples looks for growth from the first third of the samples to the last.
func (h *hostileHour) checkSamples(t *testing.T) {
	t.Helper()
	if len(h.samples) < 6 {
		t.Errorf("%d samples, want more", len(h.samples))
		return
	}
	third := len(h.samples) / 3
	early, late := highest(h.samples[:third]), highest(h.samples[len(h.samples)-third:])
	t.Logf("%d samples; at most %.0f and then %.0f goroutines, %.0f and then %.0f MB", len(h.samples),
		early.goroutines, late.goroutines, early.resident/(1<<20), late.resident/(1<<20))
	if late.goroutines > 1.5*early.goroutines+50 {
		t.Errorf("goroutines grew from %.0f to %.0f", early.goroutines, late.goroutines)
	}
	if late.resident > 1.5*early.resident+(64<<20) {
		t.Errorf("resident memory grew from %.0f to %.0f MB", early.resident/(1<<20), late.resident/(1<<20))
	}
}

func highest(all []sample) (most sample) {
	for _, s := range all {
		most.goroutines, most.resident = max(most.goroutines, s.goroutines), max(most.resident, s.resident)
	}
	return most
}
