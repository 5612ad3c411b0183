"""Reads a published run with DuckDB, pyarrow and pandas and compares every table's Parquet with its CSV.

usage: readers.py PARQUET_DEST CSV_DEST [TABLE...]

The tables named must have rows, so that the comparison proves something.
"""
import csv
import glob
import gzip
import io
import json
import os
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

import duckdb
import pandas
import pyarrow as pa
import pyarrow.dataset as ds

# These are never empty, whatever the job looks for.
FULL = ["products", "skus", "price_tiers", "attributes", "images", "suppliers", "coverage", "calls", "hits"]


def text(value):
    """The CSV text that the tables' contract gives a Parquet value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        s = format(value, "f")
        return s.rstrip("0").rstrip(".") if "." in s else s
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def same(value, cell):
    if isinstance(value, datetime):
        return cell != "" and datetime.fromisoformat(cell.replace("Z", "+00:00")) == value
    if isinstance(value, (list, dict)):  # a map: pyarrow gives pairs, CSV holds a JSON object
        return json.loads(cell) == dict(value)
    return text(value) == cell


def csv_rows(dest, table):
    rows = []
    for name in sorted(glob.glob(f"{dest}/{table}/**/*.csv*", recursive=True)):
        raw = open(name, "rb").read()
        if name.endswith(".gz"):
            raw = gzip.decompress(raw)
        rows.extend(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    return rows


def check(table, parquet, csv_dest):
    pattern = f"{parquet}/{table}/**/*.parquet"
    # partitioning=None: the columns of the files themselves, in file order.
    files = sorted(glob.glob(pattern, recursive=True))
    assert files, f"{table}: no Parquet file"
    arrow = pa.concat_tables([ds.dataset(f, format="parquet").to_table() for f in files])
    rows, cells = arrow.to_pylist(), csv_rows(csv_dest, table)
    assert len(rows) == len(cells), f"{table}: {len(rows)} rows in Parquet, {len(cells)} in CSV"
    for i, (row, cell) in enumerate(zip(rows, cells)):
        assert list(row) == list(cell), f"{table}: columns {list(row)} in Parquet, {list(cell)} in CSV"
        for name, value in row.items():
            assert same(value, cell[name]), f"{table}[{i}].{name}: {value!r} in Parquet, {cell[name]!r} in CSV"

    # DuckDB: the same counts and sums, the partition column, and a CSV that it takes without options.
    sums = [f.name for f in arrow.schema if pa.types.is_integer(f.type) or pa.types.is_decimal(f.type)]
    select = ", ".join(["count(*)", "min(dt)"] + [f'sum("{n}")' for n in sums])
    got = duckdb.sql(f"SELECT {select} FROM read_parquet('{pattern}', hive_partitioning=true)").fetchall()[0]
    assert got[0] == len(rows), f"{table}: DuckDB reads {got[0]} rows, pyarrow {len(rows)}"
    assert not rows or got[1] is not None, f"{table}: no dt from the path"
    for name, total in zip(sums, got[2:]):
        want = sum(Decimal(r[name]) for r in rows if r[name] is not None)
        assert Decimal(total or 0) == want, f"{table}.{name}: DuckDB sums {total}, pyarrow {want}"
    loose = duckdb.sql(f"SELECT count(*) FROM read_csv('{csv_dest}/{table}/**/*.csv*', all_varchar=true)").fetchall()[0]
    assert loose[0] == len(rows), f"{table}: DuckDB reads {loose[0]} rows of CSV, {len(rows)} of Parquet"

    # pandas: the directory as a whole.
    frame = pandas.read_parquet(f"{parquet}/{table}")
    assert len(frame) == len(rows), f"{table}: pandas reads {len(frame)} rows, pyarrow {len(rows)}"
    print(f"{table:12} {len(rows):8} rows, {len(arrow.schema):2} columns: Parquet and CSV agree")
    return len(rows)


def main():
    parquet, csv_dest, *more = sys.argv[1:]
    tables = sorted(t for t in os.listdir(parquet) if not t.startswith("_"))
    assert tables == sorted(t for t in os.listdir(csv_dest) if not t.startswith("_")), "Parquet and CSV have different tables"
    counts = {t: check(t, parquet, csv_dest) for t in tables}
    for t in FULL + more:
        assert counts[t] > 0, f"{t} is empty: the comparison would prove nothing"
    # No orphans, and one row per offer and per SKU.
    one = lambda sql: duckdb.sql(sql).fetchall()[0][0]
    products, skus = f"'{parquet}/products/**/*.parquet'", f"'{parquet}/skus/**/*.parquet'"
    assert one(f"SELECT count(*) - count(DISTINCT offer_id) FROM {products}") == 0, "an offer has two rows"
    assert one(f"SELECT count(*) - count(DISTINCT sku_key) FROM {skus}") == 0, "a sku_key has two rows"
    assert one(f"SELECT count(*) FROM {skus} WHERE offer_id NOT IN (SELECT offer_id FROM {products})") == 0, "a SKU has no offer"
    assert one(f"SELECT count(*) FROM {products} WHERE offer_id NOT IN (SELECT offer_id FROM {skus})") == 0, "an offer has no SKU row"
    # The contract's recipe of a sku_key, computed by another program.
    bad = one(f"SELECT count(*) FROM {skus} WHERE sku_key <> substr(sha256(offer_id || '|' || attributes_text), 1, 32)")
    assert bad == 0, f"{bad} sku_keys are not the hash of offer and attributes"
    print("readers agree")


if __name__ == "__main__":
    main()
