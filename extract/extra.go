package extract

import (
	"context"
	"errors"

	"offerlake/pipeline/catalog"
)

// Enrich asks for all pages of what kind tells of a subject.
func (c *Client) Enrich(ctx context.Context, kind catalog.Enrichment, s catalog.Subject) (catalog.Enriched, error) {
	return catalog.Enriched{}, errors.New("not there yet")
}

// Categories reads the whole category tree.
func (c *Client) Categories(ctx context.Context) ([]catalog.CategoryNode, []catalog.CallRow, error) {
	return nil, nil, errors.New("not there yet")
}
