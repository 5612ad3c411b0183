package sandbox_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// noon is a day on which all offers exist.
var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func TestSales(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 400}).Catalog()
	same := newServer(t, sandbox.Options{Offers: 400}).Catalog()
	var sold, told int64
	for i := range c.Len() {
		o := c.Offer(i)
		var sum int64
		for n := range 30 {
			day := noon.AddDate(0, 0, n-30)
			on := c.SoldOn(o.ID, day)
			if again := same.SoldOn(o.ID, day.Add(time.Hour)); on != again || on < 0 {
				t.Fatalf("SoldOn(%d, %v) = %d and an hour later %d", o.ID, day, on, again)
			}
			sum += on
		}
		if got := c.SoldWithin(o.ID, 30, noon); got != sum {
			t.Errorf("SoldWithin(%d) = %d, the days' sum is %d", o.ID, got, sum)
		}
		if got := c.SoldOn(o.ID, o.CreatedAt.AddDate(0, 0, -1)); got != 0 {
			t.Errorf("SoldOn the day before offer %d was created = %d", o.ID, got)
		}
		sold += sum
		told += o.Sold
	}
	if sold < told/2 || sold > told {
		t.Errorf("%d pieces were sold in 30 days, searches tell %d", sold, told)
	}
	if got := c.SoldWithin(1, 30, noon); got != 0 {
		t.Errorf("SoldWithin of an unknown offer = %d", got)
	}
}

// The day is one of the Chinese clock, whatever the zone of the time.
func TestSalesDays(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 100}).Catalog()
	midnight := time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC)
	differ := false
	for i := range c.Len() {
		id := c.ID(i)
		if c.SoldOn(id, midnight) != c.SoldOn(id, noon) {
			t.Errorf("offer %d: 00:00 and 12:00 of one Chinese day differ", id)
		}
		differ = differ || c.SoldOn(id, midnight.Add(-time.Second)) != c.SoldOn(id, noon)
	}
	if !differ {
		t.Error("the day before had the same sales throughout")
	}
}

func TestFreight(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 400}).Catalog()
	free, dearer := 0, 0
	for i := range c.Len() {
		o := c.Offer(i)
		one, many := c.Freight(o.ID, "浙江", 1), c.Freight(o.ID, "浙江省", 100)
		if (one == 0) != o.FreeShipping {
			t.Errorf("offer %d: freight %v, free %v", o.ID, one, o.FreeShipping)
		}
		if o.FreeShipping {
			free++
			continue
		}
		if many < one || one%100 != 0 {
			t.Errorf("offer %d: freight of one piece %v, of 100 %v", o.ID, one, many)
		}
		if c.Freight(o.ID, "新疆维吾尔自治区", 1) > one {
			dearer++
		}
	}
	if free == 0 || dearer < (c.Len()-free)*9/10 {
		t.Errorf("%d offers are free of postage, %d of the rest go dearer to 新疆", free, dearer)
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 800}).Catalog()
	states := make(map[string]int)
	ids := make(map[int64]bool)
	several := 0
	for i := range c.Orders() {
		o := c.Order(i)
		if again := c.Order(i); !reflect.DeepEqual(o, again) {
			t.Fatalf("Order(%d) = %+v and then %+v", i, o, again)
		}
		states[o.Status]++
		ids[o.ID] = true
		if len(o.Items) > 1 {
			several++
		}
		var sum catalog.Decimal
		for _, item := range o.Items {
			sum += item.Amount
			if of, ok := c.ByID(item.Offer); !ok || of.Supplier.ID != o.Seller.ID || item.Quantity < of.MinOrder {
				t.Errorf("order %d: item %+v of seller %s", o.ID, item, o.Seller.ID)
			}
		}
		if sum != o.Products || o.Total != o.Products+o.Freight+catalog.Decimal(o.Discount*100) || o.Total <= 0 {
			t.Errorf("order %d: sums %v + %v - %d = %v", o.ID, o.Products, o.Freight, -o.Discount, o.Total)
		}
		sent := o.Status == "success" || o.Status == "waitbuyerreceive"
		if sent != (o.Logistics != nil) || o.PaidAt.IsZero() != (o.Status == "waitbuyerpay") {
			t.Errorf("order %d is %s, paid at %v, sent: %v", o.ID, o.Status, o.PaidAt, o.Logistics != nil)
		}
		if o.Logistics != nil && (len(o.Logistics.Steps) == 0 || o.Logistics.Steps[0].At.Before(o.PaidAt)) {
			t.Errorf("order %d: parcel %+v, paid at %v", o.ID, o.Logistics, o.PaidAt)
		}
	}
	if len(states) != 4 || len(ids) != c.Orders() || several == 0 {
		t.Errorf("%d orders with %d ids, %d of several items, states %v", c.Orders(), len(ids), several, states)
	}
}

func TestSellersAreFoundByLogin(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 1000})
	const api = "com.alibaba.account/alibaba.account.agent.crossBasic"
	seller := s.Catalog().Supplier(3)
	for _, params := range []map[string]string{{"loginId": seller.LoginID}, {"domain": seller.ShopURL()}} {
		got := object(serve(s, officialRequest(api, params)).fields(t)["result"])
		if got["loginId"] != seller.LoginID || got["shopUrl"] != seller.ShopURL() {
			t.Errorf("%v: seller %v, want %s", params, got, seller.LoginID)
		}
	}
	for _, params := range []map[string]string{{"loginId": "nobody"}, {"domain": "nobody.1688.com"}, nil} {
		if got := serve(s, officialRequest(api, params)).fields(t); got["success"] != "false" {
			t.Errorf("%v: %v, want a failure", params, got)
		}
	}
}

// TestTrendBounds checks what the platform documents: at most a month a call,
// at most 90 days back, and no value for a day that is not over.
func TestTrendBounds(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Now: func() time.Time { return noon }})
	ask := func(from, to time.Time) map[string]any {
		text := fmt.Sprintf(`{"offerId":%d,"startDate":%q,"endDate":%q}`, s.Catalog().ID(0), from.Format("20060102"), to.Format("20060102"))
		r := officialRequest("com.alibaba.fenxiao.crossborder/product.analyze.getPerdaySellQuantityTrendNew", map[string]string{"tendQueryParam": text})
		return object(serve(s, r).fields(t)["result"])
	}
	if got := ask(noon.AddDate(0, 0, -31), noon); got["success"] != false {
		t.Errorf("32 days: %v, want a failure", got)
	}
	for name, day := range map[string]time.Time{"today": noon, "tomorrow": noon.AddDate(0, 0, 1), "long ago": noon.AddDate(0, 0, -91)} {
		list := array(ask(day, day)["result"])
		if len(list) != 1 || object(list[0])["value"] != "" {
			t.Errorf("%s: %v, want a day without a value", name, list)
		}
	}
}
