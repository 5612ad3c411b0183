package sandbox

import (
	"time"

	"offerlake/pipeline/catalog"
)

// dayNumber numbers the days of the Chinese clock.
func dayNumber(t time.Time) int64 {
	y, m, d := t.In(catalog.GatewayZone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)
}

// SoldOn returns the pieces that were sold of an offer on a day of the Chinese
// clock: about a thirtieth of Truth.Sold, more on some days of the week than on
// others. It is 0 before the offer was created and for one that does not exist.
func (c *Catalog) SoldOn(id catalog.OfferID, day time.Time) int64 {
	return c.SoldWithin(id, 1, day.AddDate(0, 0, 1))
}

// SoldWithin returns the pieces that were sold of an offer on the days before
// until: the sum of SoldOn.
func (c *Catalog) SoldWithin(id catalog.OfferID, days int, until time.Time) int64 {
	i, ok := c.index(id)
	if !ok {
		return 0
	}
	t := c.offer(i, false)
	last := dayNumber(until)
	first := max(last-int64(days), dayNumber(t.CreatedAt))
	var sum int64
	for n := first; n < last; n++ {
		sum += c.soldOn(t, n)
	}
	return sum
}

func (c *Catalog) soldOn(t Truth, day int64) int64 {
	d := newDice(c.seed, hashText("sales"), uint64(t.Index), uint64(day))
	percent := int64(d.between(40, 160))
	if weekday := (day + 4) % 7; weekday == 0 || weekday == 6 { // shops buy on working days
		percent /= 2
	}
	mean := t.Sold * percent // of 30 days, in hundredths
	return mean/3000 + rounding(&d, mean%3000)
}

// rounding is 1 as often as a rest of 3000 says, so that what sells less than
// once a day sells at all.
func rounding(d *dice, rest int64) int64 {
	if int64(d.below(3000)) < rest {
		return 1
	}
	return 0
}
