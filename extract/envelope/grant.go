package envelope

import (
	"time"

	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// Grant is the answer of an OAuth token endpoint.
type Grant struct {
	Outcome
	Access  string
	Refresh string
	Seconds catalog.Opt[int64] // life time of the access token; a number or a string
	// RefreshTimeout is when the refresh token ends, in the platform's form of
	// time; "" when that was not told.
	RefreshTimeout string
}

// Read reads the grant at d's place.
func (g *Grant) Read(d *flex.Decoder) {
	for key := range d.Object() {
		switch string(key) {
		case "access_token":
			g.Access = d.Text()
		case "refresh_token":
			g.Refresh = d.Text()
		case "expires_in":
			g.Seconds = d.Int64()
		case "refresh_token_timeout":
			g.RefreshTimeout = d.Text()
		case "error":
			g.Code = d.Text()
		case "error_description":
			g.Message, g.complained = d.Text(), true
		default:
			g.Field(d, key)
		}
	}
}

// Expires returns when the access token granted now ends, or the zero time if
// that was not told.
func (g *Grant) Expires(now time.Time) time.Time {
	if g.Seconds.V <= 0 || g.Seconds.V > maxSeconds {
		return time.Time{}
	}
	return now.Add(time.Duration(g.Seconds.V) * time.Second)
}

// maxSeconds is ten years; what claims to live longer is a mistake.
const maxSeconds = 10 * 365 * 24 * 60 * 60
