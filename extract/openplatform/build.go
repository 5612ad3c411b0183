package openplatform

import (
	"context"
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
	apiDetail      = "com.alibaba.fenxiao.crossborder:product.search.queryProductDetail:1"
	apiProductInfo = "com.alibaba.product:alibaba.cross.productInfo:1"
	apiCategory    = "com.alibaba.product:alibaba.category.get:1"
)

// sorts are the values of the sort parameter, which is JSON inside of JSON.
var sorts = map[catalog.Sort]string{
	catalog.SortPriceAsc:  `{"price":"asc"}`,
	catalog.SortPriceDesc: `{"price":"desc"}`,
	catalog.SortSalesDesc: `{"monthSold":"desc"}`,
}

// Search builds a call of the keyword search, or of the shop search for a
// ShopQuery. A category is listed by searching it for nothing. The platform has
// no filter for the minimum order.
func (d *Dialect) Search(q catalog.Query, page int) (extract.Request, error) {
	api := apiSearch
	switch q.Kind {
	case catalog.SearchQuery, catalog.CategoryQuery:
	case catalog.ShopQuery:
		api = apiShop
	default:
		return extract.Request{}, fmt.Errorf("openplatform: there is no API for a query of kind %q", q.Kind)
	}
	if q.MinOrder > 0 {
		return extract.Request{}, fmt.Errorf("openplatform: the search has no filter for min_order")
	}
	sort, ok := sorts[q.Sort]
	if !ok && q.Sort != catalog.SortDefault {
		return extract.Request{}, fmt.Errorf("openplatform: the search cannot sort by %q", q.Sort)
	}
	return extract.Request{API: api, Params: catalog.Params{"offerQueryParam": d.offerQuery(q, page, sort)}}, nil
}

// offerQuery writes the search parameter with a fixed order of its fields,
// since its text is part of what identifies the call.
func (d *Dialect) offerQuery(q catalog.Query, page int, sort string) string {
	var e jx.Encoder
	e.ObjStart()
	text := func(name, value string) {
		e.FieldStart(name)
		e.Str(value)
	}
	text("keyword", q.Keyword)
	e.FieldStart("beginPage")
	e.Int(page)
	e.FieldStart("pageSize")
	e.Int(pageSize)
	if filter := filters(q); filter != "" {
		text("filter", filter)
	}
	if sort != "" {
		text("sort", sort)
	}
	if q.PriceFrom.OK {
		text("priceStart", q.PriceFrom.V.String())
	}
	if q.PriceTo.OK {
		text("priceEnd", q.PriceTo.V.String())
	}
	if q.Category != 0 {
		e.FieldStart("categoryId")
		e.Int64(int64(q.Category))
	}
	text("country", d.language)
	if q.Kind == catalog.ShopQuery {
		text("sellerOpenId", q.Seller)
	}
	e.ObjEnd()
	return e.String()
}

// filters names the platform's filters that stand for q's: single pieces sent
// free of postage, and certified factories.
func filters(q catalog.Query) string {
	var names []string
	if q.FreeShipping {
		names = append(names, "isOnePsaleFreePost")
	}
	if q.VerifiedSupplier {
		names = append(names, "certifiedFactory")
	}
	return strings.Join(names, ",")
}

// Details builds the call for ids[0].
func (d *Dialect) Details(ids []catalog.OfferID) extract.Request {
	if d.detail == ProductInfo {
		return extract.Request{API: apiProductInfo, Params: catalog.Params{"productId": ids[0].String()}}
	}
	var e jx.Encoder
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
func (*Dialect) Build(ctx context.Context, endpoint string, r extract.Request, c extract.Credential, now time.Time) (*http.Request, error) {
	path, err := apiPath(r.API, c.Key)
	if err != nil {
		return nil, err
	}
	params := maps.Clone(map[string]string(r.Params))
	if params == nil {
		params = make(map[string]string)
	}
	params["_aop_timestamp"] = strconv.FormatInt(now.UnixMilli(), 10)
	if r.API != apiCategory && c.AccessToken != "" {
		params["access_token"] = c.AccessToken
	}
	params[signatureParam] = Sign(path, params, c.Secret)
	form := make(url.Values, len(params))
	for k, v := range params {
		form.Set(k, v)
	}
	return post(ctx, endpoint+"/openapi/"+path, form)
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
