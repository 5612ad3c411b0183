package jobs

// Source is one way of finding offers, or for call of filling a table; exactly
// one of its fields is set.
type Source struct {
	Search   *SearchSource   `yaml:"search" doc:"Offers found by keyword."`
	Category *CategorySource `yaml:"category" doc:"All offers of categories."`
	Shop     *ShopSource     `yaml:"shop" doc:"All offers of sellers."`
	Image    *ImageSource    `yaml:"image" doc:"Offers that look like pictures."`
	Pool     *PoolSource     `yaml:"pool" doc:"Offers of pools of the official platform."`
	Selected *SelectedSource `yaml:"selected" doc:"Offers of the official platform's selected-supply list."`
	Top      *TopSource      `yaml:"top" doc:"The best-selling offers of categories."`
	Offers   *OffersSource   `yaml:"offers" doc:"Offers whose ids are known."`
	Call     *CallSource     `yaml:"call" doc:"Records of any API of the gateway, as a table of their own."`
}

// SearchSource finds offers by keywords, each keyword a search of its own.
type SearchSource struct {
	Keywords         []string   `yaml:"keywords" req:"true" doc:"One search each."`
	Category         int64      `yaml:"category" doc:"Only offers of this category."`
	Price            PriceRange `yaml:"price" doc:"Only offers in this price range, both ends included."`
	MinOrder         int64      `yaml:"min_order" doc:"The order quantity that offers must allow; what exactly that means is the gateway's."`
	FreeShipping     bool       `yaml:"free_shipping" doc:"Only offers with free shipping."`
	VerifiedSupplier bool       `yaml:"verified_supplier" doc:"Only offers of verified suppliers."`
	Sort             string     `yaml:"sort" enum:"price_asc,price_desc,sales_desc" doc:"The order of the results. Default: the gateway's own."`
	Pages            int        `yaml:"pages" default:"0" doc:"At most so many pages of each search; 0 = all that the gateway gives."`
	Cover            string     `yaml:"cover" enum:"split" doc:"split: a search with more results than the gateway lists is split, by price, category, pieces sold and region, until each part fits. Default: take what the gateway lists."`
	Regions          []string   `yaml:"regions" doc:"Places of sellers, for cover: split: what nothing else splits is split by them, as the gateway spells them. [provinces] stands for the 31 of mainland China."`
}

// CategorySource lists categories.
type CategorySource struct {
	IDs     []int64  `yaml:"ids" req:"true" doc:"Category ids."`
	Subtree bool     `yaml:"subtree" doc:"Replace each category by the leaf categories below it."`
	Sort    string   `yaml:"sort" enum:"price_asc,price_desc,sales_desc" doc:"The order of the results. Default: the gateway's own."`
	Pages   int      `yaml:"pages" default:"0" doc:"At most so many pages of each category; 0 = all that the gateway gives."`
	Cover   string   `yaml:"cover" enum:"split" doc:"split: a category with more results than the gateway lists is split until each part fits. Default: take what the gateway lists."`
	Regions []string `yaml:"regions" doc:"Places of sellers, for cover: split: what nothing else splits is split by them, as the gateway spells them. [provinces] stands for the 31 of mainland China."`
}

// ShopSource lists sellers.
type ShopSource struct {
	Sellers []string `yaml:"sellers" req:"true" doc:"Seller ids: onebound the sid (b2b-...), openplatform the sellerOpenId, portals the shop_id."`
	Pages   int      `yaml:"pages" default:"0" doc:"At most so many pages of each shop; 0 = all that the gateway gives."`
	Cover   string   `yaml:"cover" enum:"split" doc:"split: a shop with more results than the gateway lists is split by price until each part fits. Default: take what the gateway lists."`
	Regions []string `yaml:"regions" doc:"Places of sellers, for cover: split: what nothing else splits is split by them, as the gateway spells them. [provinces] stands for the 31 of mainland China."`
}

// ImageSource finds offers by pictures, each picture a search of its own.
type ImageSource struct {
	URLs    []string `yaml:"urls" doc:"Addresses of pictures. Gateways want ones that they can reach, some only those of 1688 itself."`
	Files   []string `yaml:"files" doc:"PNG, JPEG, GIF or WebP files, relative to the job file. One that is larger than the gateway takes is sent smaller."`
	Keyword string   `yaml:"keyword" doc:"Narrows the results, where the gateway can."`
	Pages   int      `yaml:"pages" default:"0" doc:"At most so many pages of each picture; 0 = all that the gateway gives."`
}

// PoolSource lists pools.
type PoolSource struct {
	IDs      []string `yaml:"ids" req:"true" doc:"Ids of the pools."`
	Category int64    `yaml:"category" doc:"Only offers of this category."`
	Pages    int      `yaml:"pages" default:"0" doc:"At most so many pages of each pool; 0 = all that the gateway gives."`
}

// SelectedSource is the selected-supply list.
type SelectedSource struct {
	Keyword  string     `yaml:"keyword" doc:"Only offers that it finds."`
	Category int64      `yaml:"category" doc:"Only offers of this category."`
	Price    PriceRange `yaml:"price" doc:"Only offers in this price range, both ends included."`
	Pages    int        `yaml:"pages" default:"0" doc:"At most so many pages; 0 = all that the gateway gives."`
	Cover    string     `yaml:"cover" enum:"split" doc:"split: a list with more results than the gateway gives is split by price until each part fits. Default: take what the gateway gives."`
}

// TopSource lists the best-selling offers of categories.
type TopSource struct {
	Categories []int64 `yaml:"categories" req:"true" doc:"Category ids."`
	Rank       string  `yaml:"rank" enum:"overall,hot,good_price" default:"overall" doc:"What the offers are ranked by."`
}

// OffersSource lists offer ids.
type OffersSource struct {
	IDs     []int64 `yaml:"ids" doc:"Offer ids."`
	IDsFrom string  `yaml:"ids_from" doc:"A CSV file with a header, a Parquet file, or a text file with one id a line; relative to the job file. - is standard input, one id a line."`
	Column  string  `yaml:"column" default:"offer_id" doc:"The CSV or Parquet column that holds the ids."`
}

// fromStdin is the IDsFrom that stands for standard input.
const fromStdin = "-"

// CallSource calls an API by name and keeps what it answers as a table.
type CallSource struct {
	API       string            `yaml:"api" req:"true" doc:"Name of the API, as the gateway's documentation spells it."`
	Params    CallParams        `yaml:"params" doc:"Parameters of the API. Lists and mappings are sent as JSON text."`
	PageParam string            `yaml:"page_param" doc:"The parameter that numbers the pages. Default: there is one page."`
	FirstPage *int              `yaml:"first_page" default:"1" doc:"Number of the first page."`
	Records   string            `yaml:"records" doc:"Path of the records in the answer, such as result.orders. Default: the answer itself."`
	Table     string            `yaml:"table" req:"true" pattern:"^[a-z][a-z0-9_]{0,62}$" doc:"Name of the table: lower-case letters, digits and _."`
	Columns   map[string]string `yaml:"columns" doc:"Types of columns: bool, int, decimal, timestamp, date, json or text. These columns come first, by name, and are there even when no record has them; a value that is not of the type is null, with a row in rejects. Other columns follow with types that hold all their values."`
	Pages     int               `yaml:"pages" default:"0" doc:"At most so many pages; 0 = all that the gateway gives."`
}

// PriceRange is a range of prices in yuan.
type PriceRange struct {
	From *Money `yaml:"from" doc:"Lowest price."`
	To   *Money `yaml:"to" doc:"Highest price."`
}
