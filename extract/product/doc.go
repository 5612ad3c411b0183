// Package product decodes the older product model of the official platform,
// the one that alibaba.cross.productInfo and alibaba.product.get answer with
// and that gateways modelled on them share. It knows the model only: which
// envelope a product comes in is the business of a dialect.
package product
