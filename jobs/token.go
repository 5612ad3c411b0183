package jobs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"offerlake/extract"
)

// placeTokenFiles makes the paths of token files relative to the working
// directory, as the job file's own is, and refuses a file for two credentials:
// they would overwrite each other's tokens.
func (p *parsing) placeTokenFiles(g *Gateway) {
	if g.CAFile != "" && !filepath.IsAbs(g.CAFile) {
		g.CAFile = filepath.Join(filepath.Dir(p.path), g.CAFile)
	}
	taken := map[string]bool{}
	for i := range g.Credentials {
		c := &g.Credentials[i]
		if c.TokenFile == "" {
			continue
		}
		if !filepath.IsAbs(c.TokenFile) {
			c.TokenFile = filepath.Join(filepath.Dir(p.path), c.TokenFile)
		}
		if taken[filepath.Clean(c.TokenFile)] {
			p.wrong(fmt.Sprintf("gateway.credentials[%d].token_file", i), "another credential has the same file", "Give each credential a file of its own.")
		}
		taken[filepath.Clean(c.TokenFile)] = true
	}
}

// withTokens returns the gateway's credentials with what their token files
// hold, which is newer than what the job file holds.
func (g *Gateway) withTokens() ([]extract.Credential, error) {
	all := g.credentials()
	for i, c := range g.Credentials {
		if c.TokenFile == "" {
			continue
		}
		f := tokenFile{c.TokenFile}
		t, err := f.read()
		missing := errors.Is(err, fs.ErrNotExist)
		switch {
		case missing && c.AccessToken+c.RefreshToken+c.Code == "":
			return nil, fmt.Errorf("token_file %s is not there yet. Authorise the app with offerlake auth url and offerlake auth exchange (%w)", c.TokenFile, ErrUsage)
		case err != nil && !missing:
			return nil, err
		}
		all[i].Tokens = f
		if t.Access != "" {
			all[i].AccessToken, all[i].AccessExpires = t.Access, t.Expires
		}
		if t.Refresh != "" {
			all[i].RefreshToken, all[i].RefreshExpires = t.Refresh, t.RefreshExpires
		}
	}
	return all, nil
}

// redacted returns the credentials that a replay takes out of messages: those
// of a run, as far as their tokens are still there.
func (g *Gateway) redacted() []extract.Credential {
	if all, err := g.withTokens(); err == nil {
		return all
	}
	return g.credentials()
}
