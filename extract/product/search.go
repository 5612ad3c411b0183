package product

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// The APIs that Service calls.
const (
	apiSearch = "alibaba.product.search"
	apiImage  = "alibaba.product.imageSearch"
	apiGet    = "alibaba.product.get"
	apiBatch  = "alibaba.product.batchGet"
)

// pictureParam is the field of a picture that is uploaded. In a Request it
// holds the picture's checksum, which identifies the call; WithoutPicture takes
// it out of what is sent.
const pictureParam = "image"

// Search builds a search call, by words and filters or by picture. It is an
// error to ask for a seller's offers, for which the format has no call, and a
// *extract.FilterError to narrow a search by picture by more than a keyword.
func (s *Service) Search(q catalog.Query, page int) (extract.Request, error) {
	switch q.Kind {
	case catalog.SearchQuery, catalog.CategoryQuery:
		passed := []string{"price", "min_order", "free_shipping", "verified_supplier", "category", "keyword"}
		if q.Sort != catalog.SortSalesAsc { // not on record
			passed = append(passed, "sort")
		}
		if err := extract.Unfiltered(q, passed...); err != nil {
			return extract.Request{}, err
		}
		return offerSearch(q, page), nil
	case catalog.ImageQuery:
		return s.imageSearch(q, page)
	}
	return extract.Request{}, fmt.Errorf("%s: there is no API for a query of kind %q", s.name, q.Kind)
}

// pageOf returns the parameters of a page of a search for a keyword.
func pageOf(keyword string, page int) catalog.Params {
	p := catalog.Params{
		"pageNo":   strconv.Itoa(page),
		"pageSize": strconv.Itoa(pageSize),
	}
	if keyword != "" {
		p["keywords"] = keyword
	}
	return p
}

func offerSearch(q catalog.Query, page int) extract.Request {
	p := pageOf(q.Keyword, page)
	put := func(name, value string, ok bool) {
		if ok {
			p[name] = value
		}
	}
	put("categoryId", q.Category.String(), q.Category != 0)
	put("priceStart", q.PriceFrom.V.String(), q.PriceFrom.OK)
	put("priceEnd", q.PriceTo.V.String(), q.PriceTo.OK)
	put("minQuantity", strconv.FormatInt(q.MinOrder, 10), q.MinOrder > 0)
	put("isFreeShip", "true", q.FreeShipping)
	put("highQuality", "true", q.VerifiedSupplier)
	put("sort", string(q.Sort), q.Sort != catalog.SortDefault)
	return extract.Request{API: apiSearch, Params: p}
}

// imageSearch sends the address of a picture, or the picture itself.
func (s *Service) imageSearch(q catalog.Query, page int) (extract.Request, error) {
	if q.Picture == nil {
		return extract.Request{}, fmt.Errorf("%s: an image query needs a picture", s.name)
	}
	if _, _, err := s.Upload(*q.Picture); err != nil {
		return extract.Request{}, err
	}
	if err := extract.Unfiltered(q, "keyword"); err != nil {
		return extract.Request{}, err
	}
	r := extract.Request{API: apiImage, Params: pageOf(q.Keyword, page)}
	if q.Picture.URL != "" {
		r.Params["imageUrl"] = q.Picture.URL
		return r, nil
	}
	r.Params[pictureParam] = q.Picture.SHA256
	r.File = &extract.File{Name: q.Picture.File, Data: q.Picture.Data}
	return r, nil
}

// Upload makes no call, since Search takes a picture as it is. It returns an
// error for one that cannot be searched for.
func (s *Service) Upload(p catalog.Picture) (extract.Request, bool, error) {
	switch {
	case p.URL != "":
		if u, err := url.Parse(p.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return extract.Request{}, false, fmt.Errorf("%s: the address of a picture must begin with http:// or https://", s.name)
		}
	case len(p.Data) == 0 || p.SHA256 == "":
		return extract.Request{}, false, fmt.Errorf("%s: a picture is a URL, or the contents of a file with their checksum", s.name)
	case len(p.Data) > pictureBytes:
		return extract.Request{}, false, fmt.Errorf("%s: the picture has %d bytes, at most %d can be sent", s.name, len(p.Data), pictureBytes)
	}
	return extract.Request{}, false, nil
}

// DecodeUpload returns an error: there are no Upload calls.
func (s *Service) DecodeUpload(extract.Answer) (string, error) {
	return "", errors.New(s.name + ": pictures are not uploaded by a call of their own")
}

// WithoutPicture returns the parameters of r that are sent as such.
func WithoutPicture(r extract.Request) catalog.Params {
	p := make(catalog.Params, len(r.Params))
	for k, v := range r.Params {
		if r.File == nil || k != pictureParam {
			p[k] = v
		}
	}
	return p
}

// Details builds a call for one offer, or a batch call for several.
func (*Service) Details(ids []catalog.OfferID) extract.Request {
	if len(ids) == 1 {
		return extract.Request{API: apiGet, Params: catalog.Params{"productId": ids[0].String()}}
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return extract.Request{API: apiBatch, Params: catalog.Params{"productIds": strings.Join(texts, ",")}}
}

// Asked returns the offers that a call of Details asked for.
func (*Service) Asked(api string, p catalog.Params) []catalog.OfferID {
	text := p["productIds"]
	if api == apiGet {
		text = p["productId"]
	} else if api != apiBatch {
		return nil
	}
	var ids []catalog.OfferID
	for id := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return nil
		}
		ids = append(ids, catalog.OfferID(n))
	}
	return ids
}
