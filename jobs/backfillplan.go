package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"offerlake/extract"
	"offerlake/load"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// treeWithin is how old the answers that tell the shards may be. A backfill
// that goes on the next day has to find the shards that it began with.
const treeWithin = 7 * 24 * time.Hour

// askLeaves returns the job's expand with the leaf categories in place of the
// category that they are below. The answers are kept in a journal of their own.
func (b *backfill) askLeaves(ctx context.Context) (e Expand, err error) {
	e = slices.Clone(b.job.Expand)
	if !slices.ContainsFunc(e, func(d Dimension) bool { return d.Category != 0 }) {
		return e, nil
	}
	m, err := newMirror(b.job.journalRoot(), b.ex.Logger)
	if err != nil {
		return nil, err
	}
	if err := m.fetch(ctx, path.Join("journals", b.job.Name, "expand")); err != nil {
		return nil, err
	}
	dir, err := b.treeDir()
	if err != nil {
		return nil, err
	}
	o := journal.Options{Name: b.job.Name + "/expand", Logger: b.ex.Logger}
	if b.offline {
		return b.readLeaves(ctx, e, dir, o)
	}
	j, err := journal.Open(dir, o)
	if err != nil {
		return nil, err
	}
	work := ctx
	defer func() {
		pushing := work // a slow bucket is waited for, unless the backfill is over
		if err != nil {
			var cancel context.CancelFunc
			pushing, cancel = b.job.lastly(b.after)
			defer cancel()
		}
		err = errors.Join(err, m.push(pushing, j), j.Close())
	}()
	today, _ := ParseDate("", b.now)
	gw, pool, giveBack, err := b.gw.use(&b.job.Gateway, today)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, giveBack()) }()
	co := gw.options(&b.job.Gateway, b.ex.Logger)
	co.Pool, co.Drain = pool, b.ex.Drain
	ctx, end := b.ex.soften(ctx)
	defer end()
	return fillLeaves(ctx, e, gw.dialect, j, co)
}

// readLeaves is askLeaves without a call. What the journal lacks is an error of
// class ErrNotRecorded.
func (b *backfill) readLeaves(ctx context.Context, e Expand, dir string, o journal.Options) (Expand, error) {
	if !isDir(dir) {
		return nil, fmt.Errorf("expand: %w", catalog.ErrNotRecorded)
	}
	j, err := journal.OpenReadOnly(dir, o)
	if err != nil {
		return nil, err
	}
	defer j.Close() // read only: there is nothing to lose
	d, err := newDialect(&b.job.Gateway)
	if err != nil {
		return nil, err
	}
	return fillLeaves(ctx, e, d, j, extract.Options{
		Gateway: b.job.Gateway.Kind, Logger: b.ex.Logger, Replay: true, Credentials: b.job.Gateway.redacted(),
	})
}

// fillLeaves puts leaf categories in the place of the categories of e.
func fillLeaves(ctx context.Context, e Expand, dialect extract.Dialect, j *journal.Journal, o extract.Options) (Expand, error) {
	client, err := extract.NewClient(dialect, j, o)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for i, d := range e {
		if d.Category == 0 {
			continue
		}
		leaves, _, err := client.Leaves(ctx, catalog.Leaf{
			Source: "expand." + d.Name,
			Query:  catalog.Query{Kind: catalog.CategoryQuery, Category: catalog.CategoryID(d.Category), Subtree: true},
		})
		if err != nil {
			return nil, err
		}
		for _, l := range leaves {
			e[i].Values = append(e[i].Values, strconv.FormatInt(int64(l.Query.Category), 10))
		}
		if len(e[i].Values) == 0 {
			return nil, fmt.Errorf("expand.%s: category %d has no leaf categories (%w)", d.Name, d.Category, ErrUsage)
		}
	}
	return e, nil
}

// treeDir returns the directory of the youngest journal that tells the shards,
// or of a new one.
func (b *backfill) treeDir() (string, error) {
	root, err := localDir(b.job.journalRoot())
	if err != nil {
		return "", err
	}
	base := filepath.Join(root, "journals", b.job.Name, "expand")
	entries, err := os.ReadDir(base)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	name := b.now.In(catalog.GatewayZone).Format(time.DateOnly)
	if n := len(entries); n > 0 {
		if begun, err := ParseDate(entries[n-1].Name(), b.now); err == nil && b.now.Sub(begun) < treeWithin {
			name = entries[n-1].Name()
		}
	}
	return filepath.Join(base, name), nil
}

// plan computes what the shards that are left will take.
func (b *backfill) plan(ctx context.Context) error {
	d, err := newDialect(&b.job.Gateway)
	if err != nil {
		return err
	}
	last, err := lastManifests(ctx, b.home, b.ex.Logger)
	if err != nil {
		return err
	}
	before := map[string]*past{}
	for _, r := range b.report.Shards {
		if r.State != ShardWaiting && r.State != ShardBegun || r.rebuild {
			continue
		}
		if _, known := before[r.Job]; !known {
			job, err := b.job.shardJob(r.Shard)
			if err != nil {
				return err
			}
			if before[r.Job], err = pastOf(ctx, job, b.home, last[r.Job], d); err != nil {
				return err
			}
		}
		if err := b.planShard(r, last[r.Job], before[r.Job], d); err != nil {
			return err
		}
	}
	b.report.Cost = costOf(b.job, b.report.Calls)
	return nil
}

func (b *backfill) planShard(r *ShardReport, last *load.Manifest, before *past, d extract.Dialect) error {
	job, err := b.job.shardJob(r.Shard)
	if err != nil {
		return err
	}
	leaves, err := job.Leaves()
	if err != nil {
		return fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	known, err := factsOf(last)
	if err != nil {
		return err
	}
	var p Plan
	for _, l := range leaves {
		p.addLeaf(l, known, d)
	}
	// What a shard can reuse depends on the shards before it.
	h := horizon{day: r.Shard.Date}
	p.addEnrichments(job, d, before, h)
	p.finish(job, d.Limits(), before, h)
	r.Calls = max(p.Calls-r.Before, 0)
	b.report.Calls += r.Calls
	b.report.Seconds += p.Seconds
	b.report.AtMost = b.report.AtMost || p.AtMost
	b.report.About = b.report.About || len(p.Unknown) > 0
	return nil
}
