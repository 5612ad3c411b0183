package sandbox

import (
	"fmt"
	"strconv"
	"time"

	"offerlake/pipeline/catalog"
)

// Review is the truth about one review of an offer.
type Review struct {
	ID      string
	Rating  int // 1 to 5
	Text    string
	SKUText string // the attributes of what was bought, "" for an offer without SKUs
	At      time.Time
}

var (
	praise = []string{"好评。", "质量不错,发货快", "和图片一样,客户很喜欢", "包装完好,会回购", "性价比高", "尺寸合适,做工精细"}
	blame  = []string{"颜色有点偏差", "物流太慢了", "包装破损", "一般般,对得起价格", "少发了一件,联系客服补发了"}
)

// maxReviews is the largest number of reviews that an offer can have.
const maxReviews = 60

// Reviews returns the reviews of an offer, the latest first: few for most
// offers, none for what nobody buys and for offers that do not exist.
func (c *Catalog) Reviews(id catalog.OfferID) []Review {
	t, ok := c.ByID(id)
	if !ok || t.Delisted || t.Sold == 0 {
		return nil
	}
	d := newDice(c.seed, hashText("reviews"), uint64(t.Index))
	list := make([]Review, d.low(0, maxReviews))
	at := t.CreatedAt.AddDate(1, 0, 0)
	for i := len(list) - 1; i >= 0; i-- {
		at = at.Add(time.Duration(d.between(3600, 20*24*3600)) * time.Second)
		list[i] = Review{ID: strconv.FormatInt(int64(id)%1_000_000*1000+int64(i), 10), Rating: 5, Text: pick(&d, praise), At: at}
		if d.percent(20) {
			list[i].Rating, list[i].Text = d.between(1, 4), pick(&d, blame)
		}
		if len(t.SKUs) > 0 {
			list[i].SKUText = attributesText(t.SKUs[d.below(len(t.SKUs))].Attributes)
		}
	}
	return list
}

// attributesText joins the attributes of a SKU as gateways do in one text.
func attributesText(attributes []TruthAttribute) string {
	text := ""
	for i, a := range attributes {
		if i > 0 {
			text += ";"
		}
		text += fmt.Sprintf("%s:%s", a.Name, a.Value)
	}
	return text
}
