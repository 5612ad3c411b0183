package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"offerlake/extract/sandbox"
)

func sandboxCommand(env Env) *cobra.Command {
	var opts sandbox.Options
	var listen, profile string
	var drift []string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the emulated gateways on this machine until interrupted",
		Long: `Serves emulated 1688 gateways, of all kinds but sandbox, with one
deterministic catalogue over HTTP. Point a job at it by its kind, endpoints and
the credentials that it prints. /_sandbox/stats tells what it was asked.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := sandbox.ParseProfile(profile)
			if err != nil {
				return usageError("--profile: %v", err)
			}
			opts.Profile = p
			if opts.Drift, err = sandbox.ParseDrift(drift); err != nil {
				return usageError("--drift: %v", err)
			}
			server, err := sandbox.New(opts)
			if err != nil {
				return usageError("%v", err)
			}
			l, err := sandbox.Listen(listen, server)
			if errors.Is(err, sandbox.ErrNotLoopback) {
				return usageError("--listen %s is not a loopback address: whoever reaches this machine could ask the emulator; --allow-remote allows that", listen)
			}
			if err != nil {
				return err
			}
			defer l.Close()
			c := sandbox.Credentials()
			fmt.Fprintf(env.Stdout, "sandbox: %s\nstats:   %s/_sandbox/stats\nkey:     %s\nsecret:  %s\ntoken:   %s\nrefresh: %s\ncode:    %s\n",
				l.URL(), l.URL(), c.Key, c.Secret, c.AccessToken, c.RefreshToken, c.Code)
			select {
			case <-env.Drain:
			case <-cmd.Context().Done():
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8688", "address to listen on, loopback unless --allow-remote is given")
	cmd.Flags().BoolVar(&opts.AllowRemote, "allow-remote", false, "listen on addresses that other machines reach, as in a container")
	cmd.Flags().IntVar(&opts.Offers, "offers", 2000, "offers in the catalogue")
	cmd.Flags().Uint64Var(&opts.Seed, "seed", 1, "another seed is another catalogue")
	cmd.Flags().StringVar(&profile, "profile", "clean", "clean, rough (real gateways' quirks) or hostile (rough and faults)")
	cmd.Flags().StringSliceVar(&drift, "drift", nil, "how answers differ from what is on record: fields, types, values")
	cmd.Flags().IntVar(&opts.Night, "night", 0, "how many nights old the catalogue is")
	cmd.Flags().Float64Var(&opts.Changed, "changed", 0.05, "share of the offers that change in each of these nights")
	cmd.Flags().Float64Var(&opts.PerSecond, "per-second", 0, "throttle a key above so many calls a second; 0 = never")
	cmd.Flags().Int64Var(&opts.PerDay, "per-day", 0, "a key's calls a day; 0 = no quota")
	cmd.Flags().Float64Var(&opts.ServerErrors, "server-errors", 0, "hostile: share of the calls that fail with a 5xx, in addition to other faults")
	cmd.Flags().DurationVar(&opts.Drip, "drip", 0, "hostile: how long bodies take that come drop by drop; 0 = none does")
	cmd.Flags().DurationVar(&opts.Storm, "storm", 0, "hostile: for a tenth of the time, and for so long, all calls are throttled; 0 = never")
	cmd.Flags().DurationVar(&opts.Latency, "latency", time.Duration(0), "delay of each answer")
	return cmd
}
