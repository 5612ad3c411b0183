package extract

import (
	"context"
	"net/http"
	"time"

	"offerlake/pipeline/catalog"
)

// A Dialect speaks one gateway's wire format: it builds and signs requests and
// turns answers into the uniform catalogue model or a classified error. It
// holds no connection and no mutable state; all methods are safe for
// concurrent use.
//
// Decode methods are given every answer that arrived whole, whatever its HTTP
// status, because gateways hide errors in 200 and throttling in 400. They
// return a *catalog.GatewayError for each answer that is not a success, and
// class ErrMalformed for one that is not of the dialect at all. They never
// panic, whatever the body.
type Dialect interface {
	// Limits tells what one call can carry.
	Limits() Limits
	// Search builds the call for one page of a query; pages count from 1. A
	// query that the dialect cannot express is an error that says which part.
	Search(q catalog.Query, page int) (Request, error)
	// DecodePage reads the answer to a Search call.
	DecodePage(a Answer) (catalog.Page, error)
	// Details builds the call for 1 to Limits().MaxBatch offers.
	Details(ids []catalog.OfferID) Request
	// DecodeDetails reads the answer to a Details call for ids. It calls emit
	// once for each offer that the answer mentions: with the offer, or with the
	// gateway's error for it. Offers that the answer does not mention are not
	// emitted. A non-nil return means that the call as a whole failed.
	DecodeDetails(a Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error
	// Build makes the signed HTTP request of r for the gateway at endpoint (an
	// absolute URL without a trailing slash). Where the dialect needs an access
	// token, c.AccessToken is current.
	Build(ctx context.Context, endpoint string, r Request, c Credential, now time.Time) (*http.Request, error)
}

// TokenDialect is implemented by dialects whose calls carry an access token
// that expires.
type TokenDialect interface {
	// TokenRequest builds the call that obtains or renews the access token of
	// c. It returns nil when c carries nothing to obtain one with.
	TokenRequest(ctx context.Context, endpoint string, c Credential, now time.Time) (*http.Request, error)
	// DecodeToken reads the answer to a TokenRequest.
	DecodeToken(a Answer, now time.Time) (Token, error)
}

// CategoryDialect is implemented by dialects that can list sub-categories.
type CategoryDialect interface {
	// Children builds the call that lists the children of a category.
	Children(id catalog.CategoryID) Request
	// DecodeChildren reads the answer to a Children call.
	DecodeChildren(a Answer) ([]Category, error)
}

// Category is a node of the category tree.
type Category struct {
	ID   catalog.CategoryID
	Name string
	Leaf bool
}

// Limits are the documented or measured bounds of a dialect's calls.
type Limits struct {
	PageSize int // rows that a full page of search results holds
	Window   int // rows of one query that can be reached by paging; 0 = unknown
	MaxBatch int // offers per detail call; 1 = there is no batch call that carries SKUs
}

// Request is one call in a dialect's terms, before credentials: API names it
// for the journal and the calls table, Params identify it.
type Request struct {
	API    string
	Params catalog.Params
}

// Answer is what a gateway sent: the HTTP status and the body after content
// decoding. Body is not retained or changed by decoders; strings of decoded
// values are copies.
type Answer struct {
	Status int
	Body   []byte
}

// Credential is one member of a job's credentials. All values are secrets and
// never leave a Request, an error, a log or a journal.
type Credential struct {
	Key          string // onebound key, or app_key
	Secret       string // onebound secret, or app_secret
	AccessToken  string
	RefreshToken string
	Code         string // OAuth authorisation code
	RedirectURI  string
}

// Token is an access token as a gateway granted it.
type Token struct {
	Access  string
	Refresh string    // "" = keep the old one
	Expires time.Time // zero = not told
}
