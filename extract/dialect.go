package extract

import (
	"context"
	"net/http"
	"strings"
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
	//
	// Parts that the run could apply itself are a *FilterError, all together.
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

// PostponeDialect is implemented by dialects whose refresh tokens can be
// renewed before they expire.
type PostponeDialect interface {
	TokenDialect
	// PostponeRequest builds the call that renews the refresh token of c, which
	// has a current access token. DecodePostponed reads its answer.
	PostponeRequest(ctx context.Context, endpoint string, c Credential, now time.Time) (*http.Request, error)
	DecodePostponed(a Answer, now time.Time) (Token, error)
}

// CategoryDialect is implemented by dialects that can list sub-categories.
type CategoryDialect interface {
	// Children builds the call that lists the children of a category.
	Children(id catalog.CategoryID) Request
	// DecodeChildren reads the answer to a Children call.
	DecodeChildren(a Answer) ([]Category, error)
}

// ImageDialect is implemented by dialects that can search by picture. Search
// takes an ImageQuery whose Picture has a Handle if Upload made a call for it.
type ImageDialect interface {
	// Upload builds the call that hands a picture to the gateway; ok is false
	// when Search takes the picture as it is. A picture that the gateway cannot
	// take is an error that says what it can take.
	Upload(p catalog.Picture) (r Request, ok bool, err error)
	// DecodeUpload reads the answer to an Upload call: the picture's handle.
	DecodeUpload(a Answer) (string, error)
}

// EnrichDialect is implemented by dialects that can tell more than details.
type EnrichDialect interface {
	// Enrichments tells what there is and where it comes from. What is not in
	// the map the gateway cannot tell.
	Enrichments() map[catalog.Enrichment]Way
}

// EnrichCallDialect is implemented by dialects with enrichments ByCall.
type EnrichCallDialect interface {
	EnrichDialect
	// Enrich builds the call for a page, from 1, of an enrichment that comes
	// ByCall. day is the run's date. An empty API means that there is nothing to
	// ask about this subject.
	Enrich(kind catalog.Enrichment, s catalog.Subject, page int, day time.Time) (Request, error)
	// DecodeExtra reads the answer to an Enrich call.
	DecodeExtra(kind catalog.Enrichment, s catalog.Subject, a Answer) (catalog.Extra, error)
}

// Way is where an enrichment comes from.
type Way int

// The ways.
const (
	ByCall    Way = iota + 1 // a call per subject and page
	InDetails                // the details have it
)

// CallDialect is implemented by dialects that can call any of their gateway's
// APIs by name.
type CallDialect interface {
	// Call builds a call of api, spelled as in the gateway's documentation.
	Call(api string, params catalog.Params) (Request, error)
	// DecodeCall returns the payload of the answer as JSON, without the
	// dialect's envelope where that is always the same.
	DecodeCall(a Answer) ([]byte, error)
}

// QuotaDialect is implemented by dialects whose answers tell how much of a
// credential's daily quota is used.
type QuotaDialect interface {
	// Quota reads the calls of the day so far, this one included, and how many
	// there may be; ok is false when the answer does not tell.
	Quota(a Answer) (used, limit int64, ok bool)
}

// BatchDialect is implemented by dialects with a detail call for several
// offers.
type BatchDialect interface {
	// Asked returns the offers that a call of Details asked for, nil for any
	// other call.
	Asked(api string, p catalog.Params) []catalog.OfferID
}

// MarkDialect is implemented by dialects whose rows of search results tell when
// an offer was changed last.
type MarkDialect interface {
	// Marks names the field.
	Marks() string
}

// DoubtDialect is implemented by dialects whose gateways are known to ignore a
// part of some queries.
type DoubtDialect interface {
	// Doubtful returns q without that part, and the part's name; "" when there is
	// no doubt.
	Doubtful(q catalog.Query) (without catalog.Query, part string)
}

// SourceDialect is implemented by dialects that say where the columns of the
// tables come from.
type SourceDialect interface {
	// Sources maps "table.column" to the fields that it is read from: paths in the
	// answer to a Details call, from what describes the offer on, without numbers
	// of elements. Several are named by falling precedence. Columns that the
	// gateway does not tell are not in the map.
	Sources() map[string]string
}

// FilterError reports the parts of a query that a dialect cannot pass on to
// its gateway. The names are those of the job file: price, min_order,
// free_shipping, verified_supplier, category, region, sort, keyword.
type FilterError struct {
	Fields []string
}

// Error names the parts.
func (e *FilterError) Error() string {
	return "the gateway cannot filter by " + strings.Join(e.Fields, ", ")
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
	// PictureBytes is the size of the largest picture that can be uploaded; 0 =
	// none can.
	PictureBytes int
}

// Request is one call in a dialect's terms, before credentials: API names it
// for the journal and the calls table, Params identify it.
type Request struct {
	API    string
	Params catalog.Params
	// File is sent along. It is not part of the call's key, so Params hold its
	// checksum; Build decides what of both goes over the wire.
	File *File
}

// File is a file within a Request.
type File struct {
	Name string
	Data []byte
}

// Answer is what a gateway sent: the HTTP status and the body after content
// decoding. Body is not retained or changed by decoders; strings of decoded
// values are copies.
type Answer struct {
	Status int
	Body   []byte
	// Drift is where a decoder appends what the answer has that is not known of
	// its API, with Kind, Path, Want, Got and Count. Nil = nobody wants to know.
	Drift *[]catalog.Drift
}

// Credential is one member of a job's credentials. Its texts are secrets and
// never leave a Request, an error, a log or a journal.
type Credential struct {
	Key            string // onebound key, or app_key
	Secret         string // onebound secret, or app_secret
	AccessToken    string
	AccessExpires  time.Time // zero = not known
	RefreshToken   string
	RefreshExpires time.Time // zero = not known
	Code           string    // OAuth authorisation code
	RedirectURI    string

	// PerSecond and PerDay take the place of Options.PerSecond and
	// Options.PerDay for this credential. Default: those.
	PerSecond float64
	PerDay    int64
	// Ledger counts the calls of a day together with other clients. Default:
	// each client, or pool, counts for itself.
	Ledger Ledger
	// Tokens keeps the tokens that are granted during the run. Default: they
	// end with the client.
	Tokens TokenStore
}

// Token is an access token as a gateway granted it.
type Token struct {
	Access         string
	Refresh        string    // "" = keep the old one
	Expires        time.Time // of Access; zero = not told
	RefreshExpires time.Time // of Refresh; zero = not told
}

// A TokenStore keeps the tokens of one credential, for later runs and for
// other processes that use it now. It is safe for concurrent use.
type TokenStore interface {
	// Update calls renew with the stored token, which is empty if there is none
	// yet, and stores what renew returns. Until Update returns no other process
	// is in an Update of the same token: a gateway may take a refresh token only
	// once. An error of renew is returned as it is and changes nothing.
	Update(ctx context.Context, renew func(stored Token) (Token, error)) error
}
