package transform_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// extraRows reads an answer about offer 610947572360 of seller b2b-1.
func extraRows(e catalog.Extra) *catalog.Rows {
	var rows catalog.Rows
	s := catalog.Subject{Offer: 610947572360, Supplier: catalog.OfferSupplier{ID: " b2b-1 "}}
	transform.New(transform.Options{}).Extra("", s, catalog.ExtraPage{Extra: e, Obs: observed}, &rows)
	return &rows
}

// codesAt lists rejects as path and code.
func codesAt(rows *catalog.Rows) []string {
	var all []string
	for _, r := range rows.Rejects {
		all = append(all, r.Path.V+" "+r.Code)
	}
	return all
}

func TestSales(t *testing.T) {
	t.Parallel()
	rows := extraRows(catalog.Extra{Sales: []catalog.RawSale{
		{Day: "20240701", Sold: "20"}, {Day: "2024-07-02", Sold: ""}, {Day: "20181213201638000+0800", Sold: "0", Amount: "12.50"},
		{WindowDays: 30, Sold: "2123.0", Amount: "¥1,299.00"}, {WindowDays: 7, Sold: "1.2万+"},
		{Day: "someday", Sold: "1"}, {Sold: "1"}, {Day: "20240703", Sold: "many", Amount: "-1"},
	}})
	var got []string
	for _, s := range rows.Sales {
		day := ""
		if s.Day.OK {
			day = s.Day.V.Format(time.RFC3339)
		}
		got = append(got, fmt.Sprintf("%s %v %v %v", day, s.WindowDays, s.Sold, s.Amount))
		if s.OfferID != 610947572360 || s.ObservedAt != observed.At || s.JournalRef != observed.Ref {
			t.Errorf("row %+v is not of its offer and answer", s)
		}
	}
	want := []string{
		"2024-07-01T00:00:00Z {0 false} {20 true} {0 false}", "2024-07-02T00:00:00Z {0 false} {0 false} {0 false}",
		"2018-12-13T00:00:00Z {0 false} {0 true} {12.5 true}",
		" {30 true} {2123 true} {1299 true}", " {7 true} {0 false} {0 false}",
		"2024-07-03T00:00:00Z {0 false} {0 false} {0 false}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sales (-want +got):\n%s", diff)
	}
	wantCodes := []string{"sales[5].day bad_time", "sales[6].day bad_time", "sales[7].sold bad_number", "sales[7].amount impossible_price"}
	if diff := cmp.Diff(wantCodes, codesAt(rows)); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}

func TestSalesOfDetails(t *testing.T) {
	t.Parallel()
	rows := normalise(t, &catalog.Offer{ID: 1, Title: "杯", Price: "1", Sales: []catalog.RawSale{{WindowDays: 30, Sold: "5"}}})
	want := []catalog.Sale{{OfferID: 1, WindowDays: catalog.Some[int32](30), Sold: catalog.Some[int64](5), ObservedAt: observed.At, JournalRef: observed.Ref}}
	if diff := cmp.Diff(want, rows.Sales); diff != "" {
		t.Errorf("sales (-want +got):\n%s", diff)
	}
	gone := normalise(t, &catalog.Offer{ID: 1, Title: "杯", Status: "deleted", Sales: []catalog.RawSale{{WindowDays: 30, Sold: "5"}}})
	if len(gone.Sales) != 0 {
		t.Errorf("a deleted offer has sales: %+v", gone.Sales)
	}
}

func TestReviews(t *testing.T) {
	t.Parallel()
	rows := extraRows(catalog.Extra{Reviews: []catalog.RawReview{
		{ID: "77", Rating: "5", Text: " 很好&nbsp;<b>!</b>", SKUText: "颜色：红色", At: "Beijing/2021-04-28 23:13:54"},
		{ID: "78", Rating: "4.0"}, {ID: "79", Rating: "6", At: "soon"}, {ID: "80", Rating: "5星"}, {Text: "a"}, {Text: "a"}, {Text: "b"},
	}})
	first := catalog.Review{
		OfferID: 610947572360, ReviewID: "77", Rating: catalog.Some[int32](5), Text: catalog.Some("很好 !"), SKUText: catalog.Some("颜色:红色"),
		ReviewedAt: catalog.Some(time.Date(2021, 4, 28, 15, 13, 54, 0, time.UTC)), ObservedAt: observed.At, JournalRef: observed.Ref,
	}
	if diff := cmp.Diff(first, rows.Reviews[0]); diff != "" {
		t.Errorf("review (-want +got):\n%s", diff)
	}
	var ratings []int32
	for _, r := range rows.Reviews {
		ratings = append(ratings, r.Rating.Or(-1))
	}
	if diff := cmp.Diff([]int32{5, 4, -1, 5, -1, -1, -1}, ratings); diff != "" {
		t.Errorf("ratings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"reviews[2].rating bad_rating", "reviews[2].at bad_time"}, codesAt(rows)); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	a, again, b := rows.Reviews[4].ReviewID, rows.Reviews[5].ReviewID, rows.Reviews[6].ReviewID
	if len(a) != 32 || a != again || a == b {
		t.Errorf("ids of reviews without one = %q, %q, %q, want 32 digits that tell contents apart", a, again, b)
	}
}

func TestShipping(t *testing.T) {
	t.Parallel()
	rows := extraRows(catalog.Extra{Shipping: []catalog.RawShipping{
		{Destination: "广东省", Quantity: 1, Method: "快递", Fee: "600", FeeInFen: true},
		{Destination: "北京", Quantity: 2, Fee: "6.50"}, {Destination: "北京", Quantity: 3, Fee: "0"}, {Destination: "北京", Quantity: 4},
		{Quantity: 5, Fee: "6.5", FeeInFen: true}, {Quantity: 6, Fee: "-1"},
	}})
	var got []string
	for _, s := range rows.Shipping {
		got = append(got, fmt.Sprintf("%s %d %q %v %s", s.Destination, s.Quantity, s.Method.V, s.Fee, s.Currency))
	}
	want := []string{
		`广东省 1 "快递" {6 true} CNY`, `北京 2 "" {6.5 true} CNY`, `北京 3 "" {0 true} CNY`, `北京 4 "" {0 false} CNY`,
		` 5 "" {0 false} CNY`, ` 6 "" {0 false} CNY`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shipping (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shipping[4].fee bad_number", "shipping[5].fee impossible_price"}, codesAt(rows)); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}

// A seller's answer is a row of the seller that was asked about, whatever it
// calls him.
func TestExtraSupplier(t *testing.T) {
	t.Parallel()
	rows := extraRows(catalog.Extra{
		Supplier:     &catalog.OfferSupplier{ID: "login", Name: "某某厂", Location: "浙江省金华市", Years: "7年"},
		DecodeIssues: []catalog.Issue{{Code: "bad_type", Path: "result.shopUrl"}},
	})
	want := []catalog.Supplier{{
		SupplierID: "b2b-1", Name: catalog.Some("某某厂"), Province: catalog.Some("浙江"), City: catalog.Some("金华"), Years: catalog.Some[int32](7),
		ObservedAt: observed.At, JournalRef: observed.Ref,
	}}
	if diff := cmp.Diff(want, rows.Suppliers); diff != "" {
		t.Errorf("suppliers (-want +got):\n%s", diff)
	}
	if len(rows.Rejects) != 1 || rows.Rejects[0].Stage != "decode" || rows.Rejects[0].OfferID.V != 610947572360 {
		t.Errorf("rejects = %+v", rows.Rejects)
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	var rows catalog.Rows
	transform.Categories([]catalog.CategoryNode{
		{ID: 1, Name: "日用<b>百货</b>", Obs: observed}, {ID: 2, Parent: 1, Name: "杯 &amp; 壶"}, {ID: 3, Parent: 2, Name: "保温杯", Leaf: true},
		{ID: 2, Parent: 3, Name: "again"}, {ID: 0, Name: "none"}, {ID: 9, Parent: 8, Name: "orphan"},
	}, &rows)
	var got []string
	for _, c := range rows.Categories {
		got = append(got, fmt.Sprintf("%d %v %d %q %t", c.CategoryID, c.ParentID, c.Level, c.Path, c.Leaf))
	}
	want := []string{
		`1 {0 false} 1 "日用百货" false`, `2 {1 true} 2 "日用百货 > 杯 & 壶" false`, `3 {2 true} 3 "日用百货 > 杯 & 壶 > 保温杯" true`,
		`9 {8 true} 1 "orphan" false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("categories (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"categories[3] duplicate_category", "categories[4] bad_id", "categories[5] unknown_parent"}, codesAt(&rows)); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
	if c := rows.Categories[0]; c.ObservedAt != observed.At || c.JournalRef != observed.Ref {
		t.Errorf("row %+v is not of its answer", c)
	}
}

func TestHit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		price string
		want  catalog.Opt[catalog.Decimal]
	}{
		{"12.50", catalog.Some[catalog.Decimal](125000)}, {"18.80-23.50", catalog.Some[catalog.Decimal](188000)},
		{"", catalog.Opt[catalog.Decimal]{}}, {"面议", catalog.Opt[catalog.Decimal]{}}, {"0", catalog.Opt[catalog.Decimal]{}},
		{"-1", catalog.Opt[catalog.Decimal]{}}, {"cheap", catalog.Opt[catalog.Decimal]{}},
	}
	for _, tt := range tests {
		title, price := transform.Hit(catalog.Hit{Title: "<font color=red>杯</font>", Price: tt.price})
		if price != tt.want || title != catalog.Some("杯") {
			t.Errorf("Hit with price %q = %v, %v, want %v", tt.price, title, price, tt.want)
		}
	}
}

// FuzzExtra puts the same text into every field of an answer beside details.
func FuzzExtra(f *testing.F) {
	for _, s := range []string{"", "0", "20240701", "5", "6星", "-1", "1e999", "12.50", "面议", "\xff", "9223372036854775807", "<b>x"} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, fen bool) {
		e := catalog.Extra{
			Supplier: new(catalog.OfferSupplier), Sales: make([]catalog.RawSale, 2), Reviews: make([]catalog.RawReview, 2),
			Shipping: make([]catalog.RawShipping, 1), DecodeIssues: make([]catalog.Issue, 1),
		}
		fill(reflect.ValueOf(&e).Elem(), s)
		e.Sales[1], e.Shipping[0].FeeInFen, e.DecodeIssues[0].Code = catalog.RawSale{WindowDays: 30, Sold: s, Amount: s}, fen, "bad_type"
		rows := extraRows(e)
		checkText(t, reflect.ValueOf(*rows))
		for _, r := range rows.Rejects {
			if r.Code == transform.CodeInternal || r.Stage == "normalise" && !slices.Contains(transform.RejectCodes(), r.Code) {
				t.Errorf("reject %+v", r)
			}
		}
		if len(rows.Reviews) != 2 || len(rows.Shipping) != 1 || len(rows.Suppliers) != 1 || len(rows.Sales) == 0 {
			t.Errorf("rows vanished: %+v", rows)
		}
		for _, v := range rows.Reviews {
			if v.ReviewID == "" || v.Rating.OK && (v.Rating.V < 1 || v.Rating.V > 5) {
				t.Errorf("review %+v", v)
			}
		}
	})
}
