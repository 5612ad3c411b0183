package jobs

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// offerIDs checks ids of a file or of the job.
func offerIDs(ids []int64) ([]catalog.OfferID, error) {
	out := make([]catalog.OfferID, len(ids))
	for i, id := range ids {
		if id <= 0 {
			return nil, fmt.Errorf("%d is not an offer id", id)
		}
		out[i] = catalog.OfferID(id)
	}
	return out, nil
}

// parseID reads an offer id of a file.
func parseID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is not an offer id", text)
	}
	return id, nil
}

// readIDs reads offer ids from a CSV file with a header that has the column,
// from a column of a Parquet file, or from a text file with one id a line.
func readIDs(path, column string) ([]int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		return readCSVIDs(f, path, column)
	case ".parquet":
		return readParquetIDs(f, path, column)
	}
	return readTextIDs(f, path)
}

// readTextIDs reads one id a line. Blank lines and # comments are skipped.
func readTextIDs(r io.Reader, path string) ([]int64, error) {
	var ids []int64
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")); text == "" {
			continue
		}
		id, err := parseID(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		ids = append(ids, id)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, n, err)
	}
	return ids, nil
}

func readCSVIDs(r io.Reader, path, column string) (ids []int64, err error) {
	err = readCSV(r, path, column, func(text string) error {
		id, err := parseID(text)
		if err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// readColumn returns the texts of a column of a CSV file with a header.
func readColumn(path, column string) (values []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	err = readCSV(f, path, column, func(text string) error {
		values = append(values, text)
		return nil
	})
	return values, err
}

// readCSV gives each text of a column to add, without the blanks around it.
func readCSV(r io.Reader, path, column string, add func(text string) error) error {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	rows.FieldsPerRecord = -1
	header, err := rows.Read()
	if err != nil {
		return fmt.Errorf("%s: no CSV header: %w", path, err)
	}
	names := slices.Clone(header)
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	at := slices.Index(names, column)
	if at < 0 {
		return fmt.Errorf("%s has no column %q, name one of its columns with column: %s", path, column, strings.Join(names, ", "))
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		line, _ := rows.FieldPos(0)
		if at >= len(row) {
			return fmt.Errorf("%s:%d: the row has %d fields; %s is field %d", path, line, len(row), column, at+1)
		}
		if err := add(strings.Clone(strings.TrimSpace(row[at]))); err != nil {
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
}
