package catalog

import "time"

// GatewayZone is the clock of all gateways: their texts without a zone, and
// the midnight at which their days and quotas change (wire.md 4.6). China has had
// one zone and no daylight saving time since 1991.
var GatewayZone = time.FixedZone("UTC+8", 8*60*60)
