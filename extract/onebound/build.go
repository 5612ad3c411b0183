package onebound

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// The APIs that the dialect calls by itself.
const (
	apiSearch = "item_search"
	apiShop   = "item_search_shop"
	apiImage  = "item_search_img"
	apiUpload = "upload_img"
	apiItem   = "item_get"
	apiReview = "item_review"
	apiFee    = "item_fee"
)

// platform is the part of the gateway that an API belongs to unless it names
// another one, as in 1688global/custom.
const platform = "1688"

// params returns the parameters that every call carries and that change the
// answer.
func (d *Dialect) params() catalog.Params {
	p := make(catalog.Params)
	if d.opts.Language != "" {
		p["lang"] = d.opts.Language
	}
	if d.opts.Version != "" {
		p["version"] = d.opts.Version
	}
	return p
}

// Details builds the call for ids[0].
func (d *Dialect) Details(ids []catalog.OfferID) extract.Request {
	p := d.params()
	p["num_iid"] = ids[0].String()
	if d.opts.Sales {
		p["sales_data"] = "1"
	}
	if d.opts.Agent {
		p["agent"] = "1"
	}
	return extract.Request{API: apiItem, Params: p}
}

// Build makes the request of r. Key and secret are part of its URL, or of its
// body where calls are signed.
func (d *Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, now time.Time) (*http.Request, error) {
	part, api, ok := strings.Cut(r.API, "/")
	if !ok {
		part, api = platform, r.API
	}
	form := make(url.Values, len(r.Params)+8)
	for k, v := range r.Params {
		form.Set(k, v)
	}
	form.Set("key", c.Key)
	form.Set("secret", c.Secret)
	if d.opts.NoCache {
		form.Set("cache", "no")
	}
	if d.opts.Format != "" && d.opts.Format != formatJSON {
		form.Set("result_type", d.opts.Format)
	}
	if api == apiCustom && c.AccessToken != "" {
		form.Set("session", c.AccessToken)
	}
	address := endpoint + "/" + url.PathEscape(part) + "/"
	if d.opts.Sign {
		sign(form, api, c.Secret, now)
		return post(ctx, address+"api_call.php", form)
	}
	return get(ctx, address+url.PathEscape(api)+"/", form)
}

func get(ctx context.Context, address string, form url.Values) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("onebound: %w", err)
	}
	req.URL.RawQuery = form.Encode()
	req.Header.Set("Accept", accept)
	return req, nil
}

func post(ctx context.Context, address string, form url.Values) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("onebound: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", accept)
	return req, nil
}

const accept = "application/json, text/xml"

// unsigned are the parameters that the gateway's SDK adds after it has signed
// the others.
var unsigned = []string{"secret", "cache", "lang", "version"}

// sign adds what the gateway's SDK signs: key, format, API, time, session and
// the business parameters.
func sign(form url.Values, api, secret string, now time.Time) {
	form.Set("api_name", api)
	form.Set("dateline", now.In(catalog.GatewayZone).Format(time.DateTime))
	signed := make(map[string]string, len(form))
	for k := range form {
		signed[k] = form.Get(k)
	}
	maps.DeleteFunc(signed, func(k, _ string) bool { return slices.Contains(unsigned, k) })
	form.Set("sign", Sign(signed, secret))
}
