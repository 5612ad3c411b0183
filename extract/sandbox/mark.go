package sandbox

import (
	"time"

	"offerlake/pipeline/catalog"
)

// modified returns when an offer was changed last: at one in the morning after
// the last night that changed it, or before the first night.
func (s *Server) modified(t Truth) time.Time {
	c := s.catalog
	if c.changed == 0 {
		return t.UpdatedAt
	}
	for night := c.night; night > 0; night-- {
		if c.ChangeAt(t.Index, night) != NoChange {
			y, m, d := s.opt.Now().In(catalog.GatewayZone).Date()
			return time.Date(y, m, d-(c.night-night), 1, 0, 0, 0, catalog.GatewayZone)
		}
	}
	return t.UpdatedAt
}
