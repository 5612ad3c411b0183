"""Reads a dataset of two nights, partitioned by dt and province, with five readers and compares what they see.

usage: nights.py DEST    where DEST/parquet, DEST/csv and DEST/jsonl hold the same run

pyarrow, pandas, polars, DuckDB and Spark must agree on rows, nulls, exact sums, types and the partition columns of
every table; DuckDB on those of CSV and JSON Lines too. Then an older night with fewer columns is put beside them, as
an earlier version of offerlake left it, and all are read together.
"""
import glob
import os
import shutil
import sys
import time
from decimal import Decimal

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

KEYS = ("dt", "province")


def plain(kind):
    """One name for a type, whoever tells it."""
    s = str(kind).lower().replace(" ", "")
    for name, spellings in {
        "int64": ("int64", "bigint", "i64", "longtype()"), "int32": ("int32", "integer", "integertype()"),
        "bool": ("bool", "boolean", "booleantype()"), "date": ("date", "date32[day]", "datetype()"),
        "text": ("string", "varchar", "utf8", "stringtype()", "large_string", "categorical", "string_view"),
    }.items():
        if s in spellings:
            return name
    for name, begins in {"decimal(18,4)": ("decimal", "numeric"), "time": ("timestamp", "datetime"), "map": ("map", "list(struct")}.items():
        if s.startswith(begins):
            return name
    return s


def exact(values):
    """The sum of numbers, without floats."""
    return sum((Decimal(str(v)) for v in values if v is not None), Decimal(0))


def described(rows, columns):
    """What is compared: rows, and by column its type, nulls and, for numbers, its sum; for others its distinct values."""
    out = {}
    for name, (kind, values) in columns.items():
        nulls = sum(v is None for v in values)
        if kind in ("int64", "int32") or kind.startswith("decimal"):
            out[name] = (kind, nulls, exact(values))
        elif kind == "map":
            out[name] = (kind, nulls, sum(len(v) for v in values if v is not None))
        elif kind == "time":
            out[name] = (kind, nulls, min((v.timestamp() for v in values if v is not None), default=None))
        else:
            out[name] = (kind, nulls, len({str(v) for v in values}))
    return rows, out


def from_arrow(table):
    kinds = {f.name: f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in table.schema}
    return described(len(table), {name: (plain(kind), table[name].to_pylist()) for name, kind in kinds.items()})


def read_pyarrow(path, schema):
    partitioning = ds.partitioning(pa.schema([("dt", pa.date32())] + [("province", pa.string())] * ("province" in schema)), flavor="hive")
    files = ds.dataset(path, format="parquet", partitioning=partitioning)
    inspected = [ds.dataset(f, format="parquet").schema for f in glob.glob(f"{path}/**/*.parquet", recursive=True)]
    whole = pa.unify_schemas([files.schema] + inspected)
    return from_arrow(ds.dataset(path, format="parquet", partitioning=partitioning, schema=whole).to_table())


def read_pandas(path, schema):
    frame = pandas.read_parquet(path, dtype_backend="pyarrow", partitioning=ds.partitioning(
        pa.schema([("dt", pa.date32())] + [("province", pa.string())] * ("province" in schema)), flavor="hive"))
    return from_arrow(pa.Table.from_pandas(frame, preserve_index=False))


def read_polars(path, schema):
    # The newest night first: polars takes the columns of the first file.
    files = sorted(glob.glob(f"{path}/**/*.parquet", recursive=True), reverse=True)
    frame = polars.scan_parquet(files, hive_partitioning=True, missing_columns="insert", extra_columns="ignore").collect()
    return from_arrow(frame.to_arrow(compat_level=polars.CompatLevel.oldest()))


def read_duckdb(path, schema):
    got = duckdb.sql(f"FROM read_parquet('{path}/**/*.parquet', hive_partitioning=true, union_by_name=true)")
    rows = got.fetchall()
    columns = {n: (plain(t), [r[i] for r in rows]) for i, (n, t) in enumerate(zip(got.columns, got.types))}
    return described(len(rows), columns)


def spark_reader():
    from pyspark.sql import SparkSession
    spark = (SparkSession.builder.master("local[2]").config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false")
             .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").config("spark.sql.shuffle.partitions", "2")
             .config("spark.log.level", "ERROR").getOrCreate())

    def read(path, schema):
        frame = spark.read.option("mergeSchema", "true").parquet(path)
        rows = frame.collect()
        return described(len(rows), {f.name: (plain(f.dataType), [r[i] for r in rows]) for i, f in enumerate(frame.schema)})
    return read, spark.stop


def compare(table, path, readers, schema):
    want = None
    for name, read in readers.items():
        rows, columns = read(path, schema)
        # How a reader names an absent time zone or a map's inside is its own affair; which columns there are is not.
        if want is None:
            want = (name, rows, columns)
            continue
        assert rows == want[1], f"{table}: {name} reads {rows} rows, {want[0]} {want[1]}"
        assert set(columns) == set(want[2]), f"{table}: {name} has the columns {sorted(columns)}, {want[0]} {sorted(want[2])}"
        for c in columns:
            assert columns[c] == want[2][c], f"{table}.{c}: {name} sees {columns[c]}, {want[0]} {want[2][c]}"
    return want[1]


def texts(dest, table, schema):
    """CSV and JSON Lines by DuckDB, with the types that Parquet has."""
    types = {f.name: {"int64": "BIGINT", "int32": "INTEGER", "bool": "BOOLEAN", "date": "DATE", "time": "TIMESTAMPTZ", "text": "VARCHAR",
                      "map": "JSON"}.get(plain(f.type), "DECIMAL(18,4)") for f in schema}
    spelled = "{" + ", ".join(f"'{n}': '{t}'" for n, t in types.items()) + "}"
    numbers = [n for n, t in types.items() if t in ("BIGINT", "INTEGER") or t.startswith("DECIMAL")]
    select = ", ".join(["count(*)"] + [f'sum("{n}"), count("{n}")' for n in numbers])
    got = [duckdb.sql(f"SELECT {select} FROM {source}").fetchall()[0] for source in (
        f"read_parquet('{dest}/parquet/{table}/**/*.parquet', hive_partitioning=false)",
        f"read_csv('{dest}/csv/{table}/**/*.csv', hive_partitioning=false, header=true, columns={spelled})",
        f"read_json('{dest}/jsonl/{table}/**/*.jsonl', hive_partitioning=false, format='newline_delimited', columns={spelled})")]
    assert got[0] == got[1] == got[2], f"{table}: Parquet, CSV and JSON Lines differ: {got}"


def filters(dest):
    """DuckDB reads our Bloom filters: present ids are never excluded, absent ones nearly always are."""
    file = sorted(glob.glob(f"{dest}/parquet/skus/**/*.parquet", recursive=True))[0]
    ids = [r[0] for r in duckdb.sql(f"SELECT DISTINCT offer_id FROM '{file}' LIMIT 200").fetchall()]
    probe = lambda column, v: duckdb.sql(f"SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe('{file}', '{column}', {v})").fetchall()[0][0]
    assert not any(probe("offer_id", i) for i in ids), "a Bloom filter excludes an id that is there"
    assert sum(bool(probe("offer_id", i + 1)) for i in ids) > 0.9 * len(ids), "the Bloom filters exclude next to nothing"
    for i, key in enumerate(duckdb.sql(f"SELECT sku_key FROM '{file}' LIMIT 50").fetchall()):
        assert not probe("sku_key", f"'{key[0]}'"), "a Bloom filter excludes a key that is there"
    group = pq.ParquetFile(file).metadata.row_group(0)
    assert [c.column_index for c in group.sorting_columns] == [0, 1], f"sorting_columns: {group.sorting_columns}"
    statistics = group.column(0).statistics
    assert statistics.has_min_max and not statistics.has_distinct_count, f"statistics of offer_id: {statistics}"


def older(parquet, table, drop):
    """Puts a night beside the others that an earlier version wrote, without some columns."""
    for file in glob.glob(f"{parquet}/{table}/dt=2026-11-21/**/*.parquet", recursive=True):
        old = file.replace("dt=2026-11-21", "dt=2026-11-20")
        os.makedirs(os.path.dirname(old), exist_ok=True)
        pq.write_table(pq.ParquetFile(file).read().drop_columns(drop), old)


def main():
    dest = sys.argv[1]
    os.environ["TZ"] = "UTC"  # Spark gives times without a zone
    time.tzset()
    duckdb.sql("SET TimeZone = 'UTC'")
    read_spark, stop = spark_reader()
    readers = {"pyarrow": read_pyarrow, "pandas": read_pandas, "polars": read_polars, "DuckDB": read_duckdb, "Spark": read_spark}
    try:
        tables = sorted(t for t in os.listdir(f"{dest}/parquet") if not t.startswith("_"))
        for table in tables:
            path = f"{dest}/parquet/{table}"
            files = glob.glob(f"{path}/**/*.parquet", recursive=True)
            schema = set(p.split("=")[0] for f in files for p in f.split("/") if "=" in p)
            rows = compare(table, path, readers, schema)
            texts(dest, table, pq.read_schema(files[0]))
            print(f"{table:12} {rows:8} rows of two nights, {len(files)} files: {', '.join(readers)} agree; CSV and JSON Lines too")
        filters(dest)
        print("Bloom filters, sorting columns and statistics are as other readers want them")
        mixed = dest + "-mixed"
        shutil.copytree(f"{dest}/parquet", mixed)
        for table, drop in {"products": ["price_at_min_order", "stock_is_lower_bound"], "skus": ["canonical_text", "color", "quantity"]}.items():
            older(mixed, table, drop)
            together = {n: r for n, r in readers.items() if n != "pandas"}  # which takes the first file's columns
            rows = compare(table, f"{mixed}/{table}", together, {"dt", "province"} if table == "products" else {"dt"})
            print(f"{table:12} {rows:8} rows with an older night that lacks {drop}: {', '.join(together)} agree")
    finally:
        stop()


if __name__ == "__main__":
    main()
