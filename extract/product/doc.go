// Package product speaks of the official platform's older product model: it
// decodes the products that alibaba.cross.productInfo and alibaba.product.get
// answer with (Read), and it has the calls of alibaba.product.* that gateways
// modelled on the platform share, with what their answers mean (Service). How
// such a call travels and who vouches for it, by a token or by a signature, is
// the business of the dialect that embeds a Service.
package product
