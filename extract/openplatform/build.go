package openplatform

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// The APIs that the dialect calls, as namespace:name:version.
const (
	apiSearch      = "com.alibaba.fenxiao.crossborder:product.search.keywordQuery:1"
	apiShop        = "com.alibaba.fenxiao.crossborder:product.search.querySellerOfferList:1"
	apiImage       = "com.alibaba.fenxiao.crossborder:product.search.imageQuery:1"
	apiUpload      = "com.alibaba.fenxiao.crossborder:product.image.upload:1"
	apiPool        = "com.alibaba.fenxiao.crossborder:pool.product.pull:1"
	apiSelected    = "com.alibaba.fenxiao:jxhy.product.getPageList:1"
	apiTop         = "com.alibaba.fenxiao.crossborder:product.topList.query:1"
	apiDetail      = "com.alibaba.fenxiao.crossborder:product.search.queryProductDetail:1"
	apiProductInfo = "com.alibaba.product:alibaba.cross.productInfo:1"
	apiCategory    = "com.alibaba.product:alibaba.category.get:1"
	apiTrend       = "com.alibaba.fenxiao.crossborder:product.analyze.getPerdaySellQuantityTrendNew:1"
	apiFreight     = "com.alibaba.fenxiao.crossborder:product.freight.estimate:1"
	apiSeller      = "com.alibaba.account:alibaba.account.agent.crossBasic:1"
)

// System parameters, which Build sets.
const (
	tokenParam     = "access_token"
	timestampParam = "_aop_timestamp"
	formatParam    = "_aop_responseFormat"
)

// Details builds the call for ids[0].
func (d *Dialect) Details(ids []catalog.OfferID) extract.Request {
	if d.detail == ProductInfo {
		return extract.Request{API: apiProductInfo, Params: catalog.Params{"productId": ids[0].String()}}
	}
	e := jx.GetEncoder()
	defer jx.PutEncoder(e)
	e.ObjStart()
	e.FieldStart("offerId")
	e.Int64(int64(ids[0]))
	e.FieldStart("country")
	e.Str(d.language)
	e.ObjEnd()
	return extract.Request{API: apiDetail, Params: catalog.Params{"offerDetailParam": e.String()}}
}

// Build makes the signed form post of r. It is a POST because the platform
// reads query strings as GB18030 but forms as UTF-8.
func (d *Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, now time.Time) (*http.Request, error) {
	path, err := apiPath(r.API, c.Key)
	if err != nil {
		return nil, err
	}
	params := maps.Clone(map[string]string(r.Params))
	if params == nil {
		params = make(map[string]string)
	}
	if r.File != nil {
		delete(params, checksumParam)
		params["uploadImageParam"] = `{"imageBase64":"` + base64.StdEncoding.EncodeToString(r.File.Data) + `"}`
	}
	if r.API != apiCategory && c.AccessToken != "" {
		params[tokenParam] = c.AccessToken
	}
	if d.format == "xml" {
		params[formatParam] = "xml2"
	}
	return d.signed(ctx, endpoint, path, params, c.Secret, now)
}

// signed makes the form post of params with their time and signature.
func (d *Dialect) signed(ctx context.Context, endpoint, path string, params map[string]string, secret string, now time.Time) (*http.Request, error) {
	params[timestampParam] = strconv.FormatInt(now.UnixMilli(), 10)
	params[signatureParam] = Sign(path, params, secret)
	form := make(url.Values, len(params))
	for k, v := range params {
		form.Set(k, v)
	}
	req, err := post(ctx, endpoint+"/openapi/"+path, form)
	if err == nil && d.format == "xml" {
		req.Header.Set("Accept", "application/xml, application/json")
	}
	return req, err
}

// apiPath returns "param2/<version>/<namespace>/<name>/<appKey>".
func apiPath(api, appKey string) (string, error) {
	parts := strings.Split(api, ":")
	if len(parts) != 3 {
		return "", fmt.Errorf("openplatform: API %q is not of the form namespace:name:version", api)
	}
	return strings.Join([]string{"param2", parts[2], parts[0], parts[1], url.PathEscape(appKey)}, "/"), nil
}

func post(ctx context.Context, address string, form url.Values) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("openplatform: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	req.Header.Set("Accept", "application/json")
	return req, nil
}
