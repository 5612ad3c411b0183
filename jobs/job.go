package jobs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"offerlake/pipeline/catalog"
)

// Job is a validated job file. Field tags carry what the JSON Schema and the
// documentation say of a field: doc its meaning, default its default, enum its
// values; req marks a required one.
type Job struct {
	Name    string   `yaml:"name" req:"true" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" doc:"Names the job's files, journals and manifests: lower-case letters, digits, - and _."`
	Gateway Gateway  `yaml:"gateway" req:"true" doc:"Where the offers come from."`
	Sources []Source `yaml:"sources" req:"true" doc:"What to look for. An offer found by several sources is published once, with the first one's name."`
	Details Details  `yaml:"details" doc:"How the details of each offer are fetched."`
	Enrich  []string `yaml:"enrich" enum:"supplier,sales,reviews,shipping,categories" doc:"What to ask for beyond the details; see docs/gateways.md for which kind can tell what, and for the calls that it takes."`
	Reuse   Reuse    `yaml:"reuse" doc:"How old answers of earlier runs of this job may be to be used instead of paying for new ones; details have details.reuse_within. 0s = always ask."`
	Aliases Aliases  `yaml:"aliases" doc:"Canonical names and values of attributes, beyond the built-in ones; for the columns canonical_text, canonical_name, canonical_value, color and size. Keys that identify, such as sku_key, do not depend on them."`
	Changes *Changes `yaml:"changes" doc:"Compare each offer with its last published state, and write what differs to the table changes. {} does so with all defaults."`
	Expand  Expand   `yaml:"expand" doc:"Turns the job into many shards, one for each combination of values, for offerlake backfill; fields use the values as {name}. See docs/operations.md."`
	Output  []Output `yaml:"output" req:"true" doc:"Where the tables go. One URL holds one format."`
	Journal Journal  `yaml:"journal" doc:"Where the answers of the gateway are kept."`
	Schema  string   `yaml:"schema" enum:"evolve,freeze,quarantine" default:"evolve" doc:"What becomes of answers that differ from what is known of the gateway's API: new fields, changed types, new values of enumerations. evolve: counted and reported. freeze: what no published run of the job has shown yet ends the run with exit code 3 and nothing is published. quarantine: offers with changed types or new values become rejects (schema_drift)."`
	Quality Quality  `yaml:"quality" doc:"Limits beyond which a finished run exits with code 3."`
	Lineage *Lineage `yaml:"lineage" doc:"Where run events go in OpenLineage's form. Default: what OPENLINEAGE_URL, OPENLINEAGE_API_KEY and OPENLINEAGE_NAMESPACE say, else nowhere."`
	Notify  *Notify  `yaml:"notify" doc:"Who is told how a run or a backfill ended. A process that is killed tells nobody: watch the age of the last success too, see docs/operations.md."`

	// Dir is the directory of the job file; relative paths of inputs are
	// relative to it. File is the path as given.
	Dir  string `yaml:"-"`
	File string `yaml:"-"`

	// home and homeState are the journal root and the first output of a job
	// whose outputs were redirected.
	home, homeState string

	source []byte            // the file, for the jobs of its shards
	load   LoadOptions       // what it was read with
	values map[string]string // those of expand that made this job a shard
	dest   string            // see Redirect
}

// Gateway says how to reach the catalogue.
type Gateway struct {
	Kind        string      `yaml:"kind" req:"true" enum:"onebound,openplatform,param2,bearer,router,portals,sandbox" doc:"The wire dialect. sandbox starts an emulated gateway within the run; it needs no account and costs nothing."`
	Endpoints   []string    `yaml:"endpoints" doc:"Base URLs, tried in order when one cannot be reached. Default: the kind's own."`
	Credentials Credentials `yaml:"credentials" doc:"One set of credentials or a list; calls spread over its members. Take the values from the environment: ${NAME}."`
	Limits      Limits      `yaml:"limits" doc:"How fast calls may be made, per credential."`
	Cost        Cost        `yaml:"cost" doc:"What a call costs, for plan and summary."`
	Language    string      `yaml:"language" doc:"Also ask for a translation into this language (en, ja, ko, ru, ...), where the gateway offers it: onebound, openplatform."`
	Detail      string      `yaml:"detail" enum:"queryProductDetail,productInfo" default:"queryProductDetail" doc:"openplatform only: the API that details come from. productInfo is the older one, for apps without the cross-border permission."`
	Format      string      `yaml:"format" doc:"The format of the answers: json (the default), xml (onebound, openplatform), jsonu (onebound: Chinese is not escaped)."`
	Cache       *bool       `yaml:"cache" doc:"onebound only: false asks for answers that are not from the gateway's own cache. Default: the gateway's own choice, which is to use it."`
	Version     string      `yaml:"version" doc:"onebound only: the version of the API that is asked for. Default: the gateway's own choice."`
	Agent       bool        `yaml:"agent" doc:"onebound only: ask for the prices of drop shipping too."`
	Sign        bool        `yaml:"sign" doc:"onebound only: sign each call as the gateway's SDK does. The secret is sent all the same."`
	CAFile      string      `yaml:"ca_file" doc:"A PEM file of certificate authorities that are trusted beside the system's, for a proxy or mirror with a certificate of its own; relative to the job file. Certificates are always verified."`
	Timeout     Duration    `yaml:"timeout" default:"30s" doc:"How long one attempt may take."`
	Attempts    int         `yaml:"attempts" default:"5" doc:"How often a call is tried when the gateway does not answer or answers garbage. Throttled attempts do not count."`
	Sandbox     Sandbox     `yaml:"sandbox" doc:"kind sandbox only: the emulated world."`

	// Sales asks for the sales that details can carry; enrich sets it.
	Sales bool `yaml:"-"`
}

// Sandbox describes the emulated world of gateway.kind sandbox.
type Sandbox struct {
	Speaks    string   `yaml:"speaks" enum:"onebound,openplatform,param2,bearer,router,portals" default:"onebound" doc:"The dialect that the emulator is spoken to in."`
	Offers    int      `yaml:"offers" default:"2000" doc:"How many offers its catalogue has."`
	Seed      uint64   `yaml:"seed" default:"1" doc:"Another seed is another catalogue."`
	Profile   string   `yaml:"profile" enum:"clean,rough,hostile" default:"clean" doc:"clean: well-typed answers. rough: the quirks of real gateways. hostile: rough and faults."`
	Night     int      `yaml:"night" default:"0" doc:"How many nights old its catalogue is."`
	Changed   Percent  `yaml:"changed" default:"5%" doc:"Share of the offers that change in each of these nights."`
	Drift     []string `yaml:"drift" enum:"fields,types,values" doc:"How its answers differ from what is on record, to see what schema does: fields = every object has a new field; types = in one answer of three, stocks are objects (portals: prices of SKUs); values = in one of three, statuses and quote types are new ones (openplatform, param2, bearer). Not in XML."`
	PerSecond float64  `yaml:"per_second" default:"0" doc:"Calls per second and key above which the emulator throttles; 0 = never."`
	PerDay    int64    `yaml:"per_day" default:"0" doc:"Calls per key and day above which its quota is used up; 0 = no quota."`
}

// Credentials is one credential or a list of them.
type Credentials []Credential

// Credential holds what a kind needs; see docs/gateways.md.
type Credential struct {
	Key          string   `yaml:"key" doc:"onebound: the API key."`
	Secret       string   `yaml:"secret" doc:"onebound: the API secret."`
	AppKey       string   `yaml:"app_key" doc:"openplatform, param2, bearer, router, portals: the app's key."`
	AppSecret    string   `yaml:"app_secret" doc:"openplatform, param2, bearer, router, portals: the app's secret."`
	AccessToken  string   `yaml:"access_token" doc:"openplatform, bearer: a token of the account."`
	RefreshToken string   `yaml:"refresh_token" doc:"openplatform: renews the access token when it expires."`
	Code         string   `yaml:"code" doc:"bearer: the authorisation code that a token is asked for with."`
	RedirectURI  string   `yaml:"redirect_uri" doc:"openplatform, bearer: the address that is registered with the app; it goes with code."`
	TokenFile    string   `yaml:"token_file" doc:"openplatform, bearer: a file that holds the tokens, kept current; relative to the job file. offerlake auth writes it."`
	PerSecond    *float64 `yaml:"per_second" doc:"Attempts per second of this credential; 0 = no limit. Default: limits.per_second."`
	PerDay       *int64   `yaml:"per_day" doc:"Attempts of this credential per day of the gateways' clock, UTC+8; 0 = no limit. Default: limits.per_day."`
}

// UnmarshalYAML accepts one credential or a list.
func (c *Credentials) UnmarshalYAML(unmarshal func(any) error) error {
	var many []Credential
	if err := unmarshal(&many); err == nil {
		*c = many
		return nil
	}
	var one Credential
	if err := unmarshal(&one); err != nil {
		return err
	}
	*c = Credentials{one}
	return nil
}

// Limits bound the calls of a run.
type Limits struct {
	PerSecond float64 `yaml:"per_second" default:"5" doc:"Attempts per second and credential, retries included; 0 = no limit."`
	Burst     int     `yaml:"burst" default:"1" doc:"How many attempts may be made at once after a pause."`
	InFlight  int     `yaml:"in_flight" default:"8" doc:"How many attempts may be under way at once."`
	PerDay    int64   `yaml:"per_day" default:"0" doc:"Attempts per credential and day of the gateways' clock, UTC+8, after which the run stops with exit code 4, to be resumed; 0 = no limit. Counted over all processes of this user on this machine; what others use counts where the gateway tells it (onebound)."`
	PerRun    int64   `yaml:"per_run" default:"0" doc:"Attempts after which the run stops with exit code 4, to be resumed; 0 = no limit. A run that was killed or interrupted goes on with what is left of them, one that stopped at the limit with new ones."`
	OnBudget  string  `yaml:"on_budget" enum:"stop,publish" default:"stop" doc:"What a run does that stops at its budget or a quota, besides keeping all answers: stop publishes nothing; publish publishes what is whole, until the resumed run replaces it. The coverage table says what is missing."`
	Reserve   Percent `yaml:"reserve" default:"0%" doc:"Share of per_day, or of the limit that the gateway tells (onebound), that is left unspent."`
}

// Cost is the price of a call.
type Cost struct {
	PerCall  Money  `yaml:"per_call" default:"0" doc:"Price of one answered call."`
	Currency string `yaml:"currency" default:"CNY" doc:"ISO 4217 code."`
}

// Details says how details are fetched.
type Details struct {
	Batch       int      `yaml:"batch" default:"20" doc:"Offers per batch: one call where the gateway has a batch call that carries SKUs, else that many single calls in flight together."`
	ReuseWithin Duration `yaml:"reuse_within" default:"0s" doc:"Take an offer's details from an earlier run of this job when they were not older than this when the run began, whatever batch they were asked for in; 0s = always ask."`
	Unchanged   string   `yaml:"unchanged" enum:"ask,reuse" default:"ask" doc:"reuse: take the details of an offer from an earlier run, up to details.refresh old, when its row of search results says that it was not changed since (openplatform)."`
	Refresh     Duration `yaml:"refresh" default:"7d" doc:"How old the details of an unchanged offer may be: it is asked for anew this often. For unchanged: reuse."`
}

// Aliases are the canonical names and values of attributes.
type Aliases struct {
	Names  map[string]string            `yaml:"names" doc:"Canonical names by the seller's: {配色: 颜色}."`
	Values map[string]map[string]string `yaml:"values" doc:"Canonical values by the seller's, below the canonical name: {颜色: {大红: 红色}}."`
}

// Output is one destination.
type Output struct {
	URL         string   `yaml:"url" req:"true" doc:"A directory: a path relative to the working directory, or file:///absolute/path; or a prefix of a bucket: s3://bucket/prefix?region=…, gs://bucket/prefix, azblob://container/prefix. docs/stores.md lists their parameters."`
	Format      string   `yaml:"format" req:"true" enum:"parquet,csv,jsonl" doc:"What the files are. jsonl is JSON Lines: an object a line."`
	PartitionBy []string `yaml:"partition_by" default:"[dt]" doc:"Partition directories: dt, the run's date, then columns of products, such as province. Tables that have such a column too are split by it, and their files do not hold it: readers take it from the path."`
	SortBy      []string `yaml:"sort_by" doc:"Columns that the rows of each row group are sorted by, such as [offer_id, sku_key], in tables that have the first of them; for csv and jsonl, of each stretch of as many rows. Default: rows stand in the order in which they were found."`
	Bloom       []string `yaml:"bloom" default:"[offer_id, sku_key]" doc:"parquet: columns with Bloom filters, by which readers skip row groups that cannot hold a value."`
	FileSize    Bytes    `yaml:"file_size" default:"0" doc:"Size after which a file is ended, such as 256MB; it is exceeded by less than a row group. 0 = files end after a million rows only."`
	Compression string   `yaml:"compression" enum:"zstd,snappy,gzip,none" doc:"parquet: zstd (default), snappy, gzip, none. csv and jsonl: none (default), gzip, zstd."`
	Delimiter   string   `yaml:"delimiter" enum:"comma,semicolon,tab,pipe" doc:"csv: what separates fields. Default: comma."`
	Quoting     string   `yaml:"quoting" enum:"minimal,all" doc:"csv: all puts every value into quotes, so that an empty text is \"\" and a null is nothing. Default: minimal."`
	ExcelIDs    bool     `yaml:"excel_ids" doc:"csv: write ids as =\"610947572360\", so that Excel shows all digits; other readers take that for text."`
	BOM         bool     `yaml:"bom" doc:"csv: begin with a byte order mark, so that Excel reads Chinese."`
	ExcelSafe   bool     `yaml:"excel_safe" doc:"csv: put an apostrophe before text that a spreadsheet would run as a formula."`
}

// Journal says where answers are kept.
type Journal struct {
	URL          string   `yaml:"url" doc:"A directory or a bucket, see output.url. Default: _offerlake under the first output."`
	UploadEvery  Duration `yaml:"upload_every" default:"10s" doc:"How often new answers go up when the journal is in a bucket; a machine that is lost takes those since the last time with it. 1s at least."`
	Keep         Duration `yaml:"keep" default:"0s" doc:"After a publish, remove the journals of this job whose last answer is older than this; what they hold cannot be replayed or reused any more. Journals of runs that can be resumed stay. 0s = keep all."`
	CompactAfter Duration `yaml:"compact_after" default:"0s" doc:"After a publish, compact the journals of this job whose last answer is older than this: of each call only the last answer stays, which is all that a replay needs. 0s = never."`
}

// Quality holds the limits of an acceptable run.
type Quality struct {
	MaxRejects   *Percent           `yaml:"max_rejects" doc:"Share of the discovered offers that may end as rejects, delisted and unknown ones aside. Default: no limit."`
	MaxRejectsOf map[string]Percent `yaml:"max_rejects_of" doc:"The same for single codes of the table rejects, those of delisted, unknown and filtered offers too: {bad_number: 0.1%, not_found: 5%}. A code counts once per row."`
	MinCoverage  *Percent           `yaml:"min_coverage" doc:"Share of the declared results that must have been obtained. Default: no limit."`
}

// Bytes is a size such as 512KB or 256MB.
type Bytes int64

// UnmarshalYAML reads a number of bytes, or one with KB, MB or GB (thousands) or
// KiB, MiB or GiB.
func (n *Bytes) UnmarshalYAML(b []byte) error {
	s := scalarText(b)
	number, factor := s, int64(1)
	for _, u := range [...]struct {
		suffix string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}} {
		if cut, ok := strings.CutSuffix(s, u.suffix); ok {
			number, factor = strings.TrimSpace(cut), u.factor
			break
		}
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v < 0 || v > 1<<40/factor {
		return fmt.Errorf("%q is not a size; write 512KB, 256MB or 2GiB", s)
	}
	*n = Bytes(v * factor)
	return nil
}

// Duration is a span of time such as 90s, 24h or 30d.
type Duration time.Duration

// UnmarshalYAML reads Go's duration text and whole days ("30d").
func (d *Duration) UnmarshalYAML(b []byte) error {
	s := scalarText(b)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return fmt.Errorf("%q is not a duration; write 90s, 15m, 24h or 30d", s)
		}
		*d = Duration(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a duration; write 90s, 15m, 24h or 30d", s)
	}
	*d = Duration(v)
	return nil
}

// Money is an exact decimal amount.
type Money struct{ catalog.Decimal }

// UnmarshalYAML reads a number or a string without going through a float.
func (m *Money) UnmarshalYAML(b []byte) error {
	v, err := catalog.ParseDecimal(scalarText(b))
	if err != nil {
		return fmt.Errorf("%q: %w", scalarText(b), err)
	}
	m.Decimal = v
	return nil
}

// Percent is a share between 0 and 1.
type Percent float64

// UnmarshalYAML reads "1%", "99.5%" or a share such as 0.01.
func (p *Percent) UnmarshalYAML(b []byte) error {
	s := scalarText(b)
	text, isPercent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if isPercent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("%q is not a share; write 1%% or 0.01", s)
	}
	*p = Percent(v)
	return nil
}

// scalarText returns the text of a YAML scalar without quotes and comments. A
// number is returned as it is written, not by way of a float.
func scalarText(b []byte) string {
	file, err := parser.ParseBytes(b, 0)
	if err != nil || len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return strings.TrimSpace(string(b))
	}
	switch n := asText(file.Docs[0].Body).(type) {
	case *ast.StringNode:
		return strings.TrimSpace(n.Value)
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	}
	return strings.TrimSpace(string(b))
}

// String returns the duration as Go writes it.
func (d Duration) String() string { return time.Duration(d).String() }
