package product

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

const (
	root      = "/openapi/param2/1/"
	namespace = "com.alibaba.product"
)

// credentialParams are the names that a dialect gives values to itself. What is
// given under them could not be kept out of journals.
var credentialParams = []string{
	"access_token", "app_key", "app_secret", "client_id", "client_secret", "sign", "timestamp", "method", "v", "format",
}

// Call builds a call of any API: "namespace/name", or a name of
// com.alibaba.product alone.
func (s *Service) Call(api string, params catalog.Params) (extract.Request, error) {
	if space, name := splitAPI(api); space == "" || name == "" || strings.ContainsAny(name, "/ ?#") {
		return extract.Request{}, fmt.Errorf("%s: API %q is not of the form namespace/name or alibaba.product.name", s.name, api)
	}
	for k := range params {
		if slices.Contains(credentialParams, k) {
			return extract.Request{}, fmt.Errorf("%s: parameter %s is set by offerlake itself; leave it out", s.name, k)
		}
	}
	return extract.Request{API: api, Params: params}, nil
}

// splitAPI returns the namespace and the name of an API.
func splitAPI(api string) (space, name string) {
	if space, name, ok := strings.Cut(api, "/"); ok {
		return space, name
	}
	return namespace, api
}

// Method returns the name of an API without its namespace.
func Method(api string) string {
	_, name := splitAPI(api)
	return name
}

// Request makes the request of r with query as its parameters: a GET, or the POST
// of a picture as a form.
func (s *Service) Request(ctx context.Context, endpoint string, r extract.Request, query map[string]string) (*http.Request, error) {
	space, name := splitAPI(r.API)
	values := make(url.Values, len(query))
	for k, v := range query {
		values.Set(k, v)
	}
	address := endpoint + root + url.PathEscape(space) + "/" + url.PathEscape(name)
	if r.File == nil {
		return s.Get(ctx, address, values)
	}
	body, contentType, err := form(r.File)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	req.URL.RawQuery = values.Encode()
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// Get makes a GET of address.
func (s *Service) Get(ctx context.Context, address string, query url.Values) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	req.URL.RawQuery = query.Encode()
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// form writes a picture as a multipart form.
func form(f *extract.File) (body *bytes.Buffer, contentType string, err error) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	part, err := w.CreateFormFile(pictureParam, f.Name)
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(f.Data); err != nil {
		return nil, "", err
	}
	return body, w.FormDataContentType(), w.Close()
}
