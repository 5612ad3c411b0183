// Package catalog holds the nouns that every layer of offerlake shares: ids,
// queries, pages, raw offers, table rows, journal records and error classes.
//
// It does no I/O, starts no goroutine and imports nothing of the project, so
// that extract, transform, load and pipeline can speak to each other without
// knowing each other. Values are plain data; none of them is safe for
// concurrent mutation, all of them are safe for concurrent reading.
package catalog
