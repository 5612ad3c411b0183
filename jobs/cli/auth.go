package cli

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"offerlake/jobs"
)

func authCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "auth",
		Short: "Authorise an app and keep its tokens: url, exchange, refresh",
		Long: `Obtains the access tokens of kinds openplatform and bearer and keeps them in the
token_file of a job's credential, which only its owner can read.

  1. offerlake auth url JOB.yaml prints a page. Open it, log in and agree; the
     browser is then sent to the redirect address with ?code=...
  2. offerlake auth exchange JOB.yaml --code C stores the tokens.

Runs renew the access token by themselves. The refresh token lives about half a
year: offerlake auth refresh --postpone renews it (openplatform).`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(authURLCommand(env), authExchangeCommand(env), authRefreshCommand(env))
	return cmd
}

// authFlags are the flags of all auth commands.
type authFlags struct {
	jobs.AuthOptions
	set    []string
	asJSON bool
}

func (f *authFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.Credential, "credential", 0, "which of the job's credentials, from 1 (default: the only one)")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "override a value of the job file: --set gateway.credentials.token_file=app.json")
}

func (f *authFlags) addRedirect(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.RedirectURI, "redirect-uri", "", "the address registered with the app (default: the credential's redirect_uri)")
}

func (f *authFlags) addJSON(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON")
}

func (f *authFlags) load(path string) (*jobs.Job, error) {
	return jobs.Load(path, jobs.LoadOptions{Set: f.set})
}

// open loads the job and makes a logger for the calls about its tokens.
func (f *authFlags) open(env Env, path string) (*jobs.Job, *slog.Logger, error) {
	job, err := f.load(path)
	if err != nil {
		return nil, nil, err
	}
	log, err := newLogger(env.Stderr, "text", slog.LevelWarn)
	return job, log, err
}

// show prints what was obtained.
func (f *authFlags) show(env Env, all []jobs.Authorised) error {
	if f.asJSON {
		return printJSON(env.Stdout, all)
	}
	for _, a := range all {
		a.Print(env.Stdout)
	}
	return nil
}

func authURLCommand(env Env) *cobra.Command {
	var f authFlags
	cmd := &cobra.Command{
		Use:   "url JOB.yaml",
		Short: "Print the page on which an account's owner authorises the app",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			job, err := f.load(args[0])
			if err != nil {
				return err
			}
			page, err := jobs.AuthorizePage(job, f.AuthOptions)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(env.Stdout, page)
			return err
		},
	}
	f.add(cmd)
	f.addRedirect(cmd)
	cmd.Flags().StringVar(&f.State, "state", "offerlake", "comes back beside the code")
	return cmd
}

func authExchangeCommand(env Env) *cobra.Command {
	var f authFlags
	cmd := &cobra.Command{
		Use:     "exchange JOB.yaml --code C",
		Short:   "Exchange an authorisation code for tokens and store them",
		Example: "  offerlake auth exchange jobs/nightly.yaml --code 0a1b2c --redirect-uri https://example.com/cb",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			job, log, err := f.open(env, args[0])
			if err != nil {
				return err
			}
			a, err := jobs.ExchangeCode(cmd.Context(), job, f.AuthOptions, log)
			if err != nil {
				return err
			}
			return f.show(env, []jobs.Authorised{a})
		},
	}
	f.add(cmd)
	f.addRedirect(cmd)
	f.addJSON(cmd)
	cmd.Flags().StringVar(&f.Code, "code", "", "the code that the browser was sent back with; it works once, for some minutes")
	return cmd
}

func authRefreshCommand(env Env) *cobra.Command {
	var f authFlags
	cmd := &cobra.Command{
		Use:   "refresh JOB.yaml",
		Short: "Renew stored access tokens, or with --postpone refresh tokens",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			job, log, err := f.open(env, args[0])
			if err != nil {
				return err
			}
			all, err := jobs.RefreshTokens(cmd.Context(), job, f.AuthOptions, log)
			if len(all) > 0 { // what was done before an error is done
				err = errors.Join(err, f.show(env, all))
			}
			return err
		},
	}
	f.add(cmd)
	f.addJSON(cmd)
	cmd.Flags().BoolVar(&f.Postpone, "postpone", false, "renew the refresh token, while it is still valid (openplatform)")
	return cmd
}
