package sandbox

import (
	"time"

	"offerlake/pipeline/catalog"
)

// Order is an order that the sandbox's account placed. Amounts are in yuan but
// for Discount, which the official platform tells in fen.
type Order struct {
	ID        int64
	Status    string // success, waitbuyerreceive, waitsellersend or waitbuyerpay
	CreatedAt time.Time
	PaidAt    time.Time // zero while it waits for the buyer to pay
	Seller    Supplier
	Items     []OrderItem
	Products  catalog.Decimal // of all items
	Freight   catalog.Decimal
	Discount  int64           // fen, not positive
	Total     catalog.Decimal // Products and Freight, less the discount
	Logistics *Logistics      // nil while nothing was sent
}

// OrderItem is one line of an order.
type OrderItem struct {
	ID       int64
	Offer    catalog.OfferID
	Name     string
	SKU      TruthSKU // its ID is 0 for an offer without SKUs
	Quantity int64
	Unit     string
	Price    catalog.Decimal // of one piece
	Amount   catalog.Decimal
}

// Logistics is how an order was sent.
type Logistics struct {
	ID      string
	Company string
	Waybill string
	Status  string // TRANSPORT or SIGN
	Steps   []TraceStep
}

// TraceStep is one event on the way of a parcel.
type TraceStep struct {
	At   time.Time
	Text string
}

// Orders returns the number of orders: one for eight offers, at most 2000.
func (c *Catalog) Orders() int { return min(c.size/8+1, 2000) }

const (
	firstOrder  = 1_997_017_000_000_000
	orderStride = 1_000_003
)

func (c *Catalog) orderID(i int) int64 {
	d := newDice(c.seed, hashText("order id"), uint64(i))
	return firstOrder + int64(i)*orderStride + int64(d.below(orderStride))
}

// orderIndex finds an order by its id.
func (c *Catalog) orderIndex(id int64) (int, bool) {
	if id < firstOrder {
		return 0, false
	}
	i := int((id - firstOrder) / orderStride)
	if i >= c.Orders() || c.orderID(i) != id {
		return 0, false
	}
	return i, true
}

// firstOrdered is when the first order was placed; the others follow a few
// hours apart.
var firstOrdered = time.Date(2026, 3, 2, 9, 0, 0, 0, catalog.GatewayZone)

// Order returns the i-th order, 0 <= i < Orders(): some offers of one seller.
func (c *Catalog) Order(i int) Order {
	d := newDice(c.seed, hashText("order"), uint64(i))
	o := Order{
		ID:        c.orderID(i),
		Status:    pick(&d, []string{"success", "success", "success", "waitbuyerreceive", "waitsellersend", "waitbuyerpay"}),
		CreatedAt: firstOrdered.Add(time.Duration(i)*3*time.Hour + time.Duration(d.below(3*3600))*time.Second),
	}
	first := c.offer(d.below(c.size), true)
	o.Seller = first.Supplier
	o.add(&d, first)
	for _, id := range c.Seller(o.Seller.ID) {
		if len(o.Items) > 3 || d.percent(50) {
			break
		}
		if t, ok := c.ByID(id); ok && t.Index != first.Index {
			o.add(&d, t)
		}
	}
	for _, item := range o.Items {
		o.Freight = max(o.Freight, c.Freight(item.Offer, "浙江", item.Quantity))
	}
	if d.percent(30) {
		o.Discount = -int64(d.between(1, 20))
	}
	o.Total = o.Products + o.Freight + catalog.Decimal(o.Discount*fen)
	if o.Status != "waitbuyerpay" {
		o.PaidAt = o.CreatedAt.Add(time.Duration(d.between(1, 90)) * time.Minute)
	}
	if o.Status == "success" || o.Status == "waitbuyerreceive" {
		o.Logistics = c.parcel(&d, o)
	}
	return o
}

// add orders one SKU of an offer.
func (o *Order) add(d *dice, t Truth) {
	item := OrderItem{
		ID: o.ID + int64(len(o.Items)) + 1, Offer: t.ID, Name: t.Title, Unit: t.Unit,
		SKU: pick(d, t.Rows()), Quantity: t.MinOrder * int64(d.between(1, 5)),
	}
	item.Price = item.SKU.Price
	item.Amount = item.Price * catalog.Decimal(item.Quantity)
	o.Products += item.Amount
	o.Items = append(o.Items, item)
}

var carriers = []string{"中通快递", "圆通速递", "申通快递", "韵达快递", "极兔速递", "顺丰速运"}

// parcel makes up the way of an order's parcel to the buyer.
func (c *Catalog) parcel(d *dice, o Order) *Logistics {
	l := &Logistics{ID: "LP00" + digits(d, 12), Company: pick(d, carriers), Waybill: "7" + digits(d, 13), Status: "SIGN"}
	texts := []string{
		"【" + o.Seller.City + "市】快件已被揽收", "【" + o.Seller.City + "市】快件已发往杭州转运中心", "【杭州市】快件到达杭州转运中心",
		"【杭州市】快件正在派送中", "【杭州市】快件已签收",
	}
	if o.Status != "success" {
		l.Status = "TRANSPORT"
		texts = texts[:d.between(1, 4)]
	}
	at := o.PaidAt.Add(time.Duration(d.between(2, 40)) * time.Hour)
	for _, text := range texts {
		l.Steps = append(l.Steps, TraceStep{at, text})
		at = at.Add(time.Duration(d.between(3, 20)) * time.Hour)
	}
	return l
}

func digits(d *dice, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + d.below(10))
	}
	return string(b)
}
