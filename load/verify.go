package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Verifier compares files with what their writer counted, using a reader that
// shares no code with the writer. The reader runs in a child process, because
// it cannot be trusted with damaged files: some make it run out of memory or
// panic where nobody can recover. A child that dies is a failed verification.
//
// A Verifier holds no state and is safe for concurrent use.
type Verifier struct {
	// Command starts a process whose main is VerifyChild on its stdin and
	// stdout, such as this binary with a hidden subcommand.
	Command []string
	// Env is added to the child's environment, which is otherwise empty but
	// for Go's memory settings: the child needs no credential.
	Env []string
	// Memory bounds the child's memory in bytes, beyond what it starts with.
	// Default: 1 GiB. On Linux it is a hard limit.
	Memory int64
}

// VerifyChildEnv is set in the environment of every process that a Verifier
// starts. A program whose Command is itself, such as a test binary, can tell
// by it that it is to be the child.
//
// A Verifier in such a process, or in one started by it, refuses to start
// another child: a Command that runs its whole program instead of VerifyChild
// would otherwise multiply without end.
const VerifyChildEnv = "OFFERLAKE_VERIFY_CHILD"

// defaultVerifyMemory leaves room for two column chunks of 64 k rows several
// times over.
const defaultVerifyMemory = 1 << 30

// Failure is one file that is not what was written.
type Failure struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// VerifyError lists the files that are not what was written.
type VerifyError struct{ Failures []Failure }

// Error names every file with its reason.
func (e *VerifyError) Error() string {
	lines := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		lines[i] = f.Path + ": " + f.Reason
	}
	return "verification failed: " + strings.Join(lines, "; ")
}

// verifySpec is the child's input.
type verifySpec struct {
	Deep   bool        `json:"deep"`
	Memory int64       `json:"memory"`
	Files  []fileCheck `json:"files"`
}

// fileCheck is one file with what it must hold.
type fileCheck struct {
	Local   string   `json:"local"` // the file to read
	File    File     `json:"file"`
	Columns []Column `json:"columns"` // of the table
	key     string   // where the store has it
}

// verifyEvent is one line of the child's output: a file was begun, or done.
type verifyEvent struct {
	File  int    `json:"file"`
	Done  bool   `json:"done"`
	Error string `json:"error,omitempty"`
}

// checksOf returns the checks of a manifest's files. at maps a file's path to
// the key where it is now.
func checksOf(m Manifest, at func(string) string) []fileCheck {
	columns := map[string][]Column{}
	for _, t := range m.Tables {
		columns[t.Name] = t.Columns
	}
	checks := make([]fileCheck, len(m.Files))
	for i, f := range m.Files {
		checks[i] = fileCheck{File: f, Columns: columns[f.Table], key: at(f.Path)}
	}
	return checks
}

// check verifies files of a store. The error is a *VerifyError when files are
// at fault, and another one when they could not be looked at.
func (v *Verifier) check(ctx context.Context, s Store, checks []fileCheck, deep bool) error {
	if len(checks) == 0 {
		return nil
	}
	var failures []Failure
	for _, batch := range batchesOf(s, checks) {
		found, err := v.checkBatch(ctx, s, batch, deep)
		if err != nil {
			return err
		}
		failures = append(failures, found...)
	}
	if len(failures) > 0 {
		return &VerifyError{Failures: failures}
	}
	return nil
}

// copiedBytes bounds the files that are copied to this machine at a time, to be
// read there; a single one may be larger.
const copiedBytes = 512 << 20

// batchesOf divides the files of a store that is elsewhere.
func batchesOf(s Store, checks []fileCheck) [][]fileCheck {
	if _, ok := s.(Pather); ok {
		return [][]fileCheck{checks}
	}
	sweepCopies()
	var batches [][]fileCheck
	var bytes int64
	from := 0
	for i, c := range checks {
		if i > from && bytes+c.File.Bytes > copiedBytes {
			batches = append(batches, checks[from:i])
			from, bytes = i, 0
		}
		bytes += c.File.Bytes
	}
	return append(batches, checks[from:])
}

// copyName begins the names of copies in the temporary directory.
const copyName = "offerlake-verify-"

// keptCopies is how long a copy may be there before it is certain that no run uses
// it any more.
const keptCopies = 24 * time.Hour

// sweepCopies removes the copies that killed runs have left. One that cannot be
// removed is somebody else's.
func sweepCopies() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), copyName+"*"))
	for _, name := range left {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > keptCopies {
			_ = os.Remove(name)
		}
	}
}

func (v *Verifier) checkBatch(ctx context.Context, s Store, checks []fileCheck, deep bool) ([]Failure, error) {
	var mu sync.Mutex // guards what follows
	local := map[string]string{}
	var drops []func()
	defer func() {
		for _, drop := range drops {
			drop()
		}
	}()
	err := EachOf(ctx, s, checks, func(ctx context.Context, c fileCheck) error {
		file, drop, err := localCopy(ctx, s, c.key)
		if isNotExist(err) {
			return nil // it is told below
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		local[c.key], drops = file, append(drops, drop)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var failures []Failure
	var present []fileCheck
	for _, c := range checks {
		file, ok := local[c.key]
		if !ok {
			failures = append(failures, Failure{Path: c.File.Path, Reason: "missing"})
			continue
		}
		c.Local = file
		present = append(present, c)
	}
	found, err := v.run(ctx, present, deep)
	return append(failures, found...), err
}

// localCopy returns a local file with an object's bytes.
func localCopy(ctx context.Context, s Store, key string) (file string, drop func(), err error) {
	// Opening also has the store check the key, which may come from a manifest.
	r, err := s.Open(ctx, key)
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	if p, ok := s.(Pather); ok {
		return p.Path(key), func() {}, nil
	}
	f, err := os.CreateTemp("", copyName+"*")
	if err != nil {
		return "", nil, err
	}
	drop = func() { os.Remove(f.Name()) }
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Close()); err != nil {
		drop()
		return "", nil, err
	}
	return f.Name(), drop, nil
}

// run verifies local files in one child. If the child dies with several files
// under way, each of these gets a child of its own, to tell them apart.
func (v *Verifier) run(ctx context.Context, checks []fileCheck, deep bool) ([]Failure, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	out, err := v.spawn(ctx, checks, deep)
	if err != nil {
		return nil, err
	}
	failures, suspects, unseen := out.sort(checks)
	if len(suspects)+len(unseen) == 0 {
		if out.death != "" {
			return nil, fmt.Errorf("verification child: %s", out.death)
		}
		return failures, nil
	}
	if len(checks) == 1 {
		return []Failure{{Path: checks[0].File.Path, Reason: "the reader died: " + out.death}}, nil
	}
	if len(suspects) == 0 {
		return nil, fmt.Errorf("verification child died before it read a file: %s", out.death)
	}
	for _, c := range suspects {
		more, err := v.run(ctx, []fileCheck{c}, deep)
		if err != nil {
			return nil, err
		}
		failures = append(failures, more...)
	}
	more, err := v.run(ctx, unseen, deep)
	return append(failures, more...), err
}

// verifyOutput is what a child told before it ended.
type verifyOutput struct {
	events []verifyEvent
	death  string // why it ended early, "" if it did not
}

// sort divides the files into those that failed, those under way when the
// child died, and those it never came to.
func (o verifyOutput) sort(checks []fileCheck) (failures []Failure, suspects, unseen []fileCheck) {
	begun, done := map[int]bool{}, map[int]bool{}
	for _, e := range o.events {
		begun[e.File] = true
		if !e.Done {
			continue
		}
		done[e.File] = true
		if e.Error != "" && e.File < len(checks) {
			failures = append(failures, Failure{Path: checks[e.File].File.Path, Reason: e.Error})
		}
	}
	for i, c := range checks {
		switch {
		case done[i]:
		case begun[i]:
			suspects = append(suspects, c)
		default:
			unseen = append(unseen, c)
		}
	}
	return failures, suspects, unseen
}

// spawn runs one child to its end, whatever that is.
func (v *Verifier) spawn(ctx context.Context, checks []fileCheck, deep bool) (verifyOutput, error) {
	if len(v.Command) == 0 {
		return verifyOutput{}, errors.New("verifier has no command")
	}
	if os.Getenv(VerifyChildEnv) != "" {
		return verifyOutput{}, errors.New("a verification child does not start another: the verifier's command is not VerifyChild")
	}
	memory := v.Memory
	if memory == 0 {
		memory = defaultVerifyMemory
	}
	spec, err := json.Marshal(verifySpec{Deep: deep, Memory: memory, Files: checks})
	if err != nil {
		return verifyOutput{}, err
	}
	var stdout bytes.Buffer
	var stderr firstBytes
	cmd := exec.CommandContext(ctx, v.Command[0], v.Command[1:]...)
	cmd.Env = append([]string{VerifyChildEnv + "=1", "GOMEMLIMIT=" + strconv.FormatInt(softMemory(memory), 10), "GOTRACEBACK=none",
		// The reader copies pointers all the time, which costs much while a collector
		// runs beside it; a collection of the little that is in use takes milliseconds.
		"GODEBUG=gcstoptheworld=1"}, v.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(spec), &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return verifyOutput{}, context.Cause(ctx)
	}
	out := verifyOutput{events: parseEvents(&stdout)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		out.death = strings.TrimSpace(exit.Error() + ": " + stderr.line())
	case err != nil:
		return verifyOutput{}, fmt.Errorf("verification child: %w", err)
	case len(out.events) == 0:
		out.death = "it said nothing"
	}
	return out, nil
}

// softMemory is where the child's collector begins to work harder: where this
// process's does, so that one setting bounds both, or below the hard limit.
func softMemory(hard int64) int64 { return min(hard*3/4, debug.SetMemoryLimit(-1)) }

// parseEvents reads the lines that arrived whole.
func parseEvents(r io.Reader) []verifyEvent {
	var events []verifyEvent
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e verifyEvent
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.File >= 0 {
			events = append(events, e)
		}
	}
	return events
}

// firstBytes keeps the beginning of what is written, where a dying Go program
// says why.
type firstBytes struct{ b []byte }

// Write implements io.Writer.
func (f *firstBytes) Write(p []byte) (int, error) {
	if room := 4096 - len(f.b); room > 0 {
		f.b = append(f.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (f *firstBytes) line() string {
	s, _, _ := strings.Cut(strings.TrimSpace(string(f.b)), "\n")
	return s
}
