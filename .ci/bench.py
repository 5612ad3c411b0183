"""Compares `offerlake replay` with DuckDB on the same answers, in one run.

usage: bench.py [--offers 20000] [--repeat 5] [--dir DIR]

offerlake reads its journal and writes all tables as Parquet, verified and
published. DuckDB (two threads, zstd) reads the bodies of the same answers from
an uncompressed NDJSON file and writes products and skus, in two shapes:

lists  what the answers have: numbers that may come as text are read as text and
       cast, images, attributes and price tiers stay lists. offerlake's tables
       hold the same and more.
lean   plain types, of images and tiers the first, of attributes the number.

It does so in two ways: by reading the file once for each of the two, and by
reading it once into a temporary table. The programs take turns; the medians are
compared. Exporting the NDJSON is not counted. Needs Go and the packages of
requirements.txt; a directory given with --dir keeps the journal for the next
time.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATE = "2026-11-22"

NUMBER = {"lists": "VARCHAR", "lean": "BIGINT"}


def detail(number):
    """The type of an answer, as far as it is read."""
    return f"""STRUCT(result STRUCT(offerId {number}, categoryId {number}, topCategoryId {number},
      secondCategoryId {number}, thirdCategoryId {number}, categoryName VARCHAR, subject VARCHAR, description VARCHAR,
      sellerOpenId VARCHAR, companyName VARCHAR, status VARCHAR, soldOut VARCHAR, minOrderQuantity {number},
      createDate VARCHAR, productImage STRUCT(images VARCHAR[]),
      productAttribute STRUCT(attributeName VARCHAR, "value" VARCHAR)[],
      productSaleInfo STRUCT(amountOnSale {number}, priceRangeList STRUCT(startQuantity {number}, price VARCHAR)[]),
      productSkuInfos STRUCT(skuId {number}, specId VARCHAR, price VARCHAR, consignPrice VARCHAR, promotionPrice VARCHAR,
        amountOnSale {number}, cargoNumber VARCHAR, skuAttributes STRUCT(attributeId {number}, attributeName VARCHAR,
        "value" VARCHAR, skuImageUrl VARCHAR)[])[]))""".replace("\n", " ")


def whole(value):
    return f"try_cast({value} AS BIGINT)"


def money(value):
    return f"try_cast({value} AS DECIMAL(18,4))"


LISTS = {
    "products": f"""o.productImage.images AS images, o.productAttribute AS attributes,
      list_transform(o.productSaleInfo.priceRangeList, lambda t:
        struct_pack(quantity := {whole("t.startQuantity")}, price := {money("t.price")})) AS tiers""",
    "skus": f"""list_transform(s.skuAttributes, lambda a: struct_pack(id := {whole("a.attributeId")},
      name := a.attributeName, "value" := a."value", image_url := a.skuImageUrl)) AS attributes""",
}
LEAN = {
    "products": f"""o.productImage.images[1] AS image_url, len(o.productImage.images) AS images,
      len(o.productAttribute) AS attributes, {money("o.productSaleInfo.priceRangeList[1].price")} AS price""",
    "skus": """s.skuAttributes[1].skuImageUrl AS image_url,
      list_transform(s.skuAttributes, lambda a: a.attributeName || ':' || a."value") AS attributes""",
}
PARTS = {"lists": LISTS, "lean": LEAN}


def queries(shape):
    """The queries of the two tables, each with a place for where it reads from."""
    parts = PARTS[shape]
    return {
        "products": f"""SELECT {whole("o.offerId")} AS offer_id, o.subject AS title,
          {whole("o.categoryId")} AS category_id, o.categoryName AS category_name,
          [{whole("o.topCategoryId")}, {whole("o.secondCategoryId")}, {whole("o.thirdCategoryId")}] AS category_path,
          o.sellerOpenId AS supplier_id, o.companyName AS supplier_name, o.status, {whole("o.soldOut")} AS sold,
          {whole("o.minOrderQuantity")} AS min_order, try_cast(o.createDate AS TIMESTAMP) AS created_at,
          {whole("o.productSaleInfo.amountOnSale")} AS stock, len(o.productSkuInfos) AS sku_count, {parts["products"]}
          FROM (SELECT result.result AS o FROM {{source}})""",
        "skus": f"""SELECT {whole("id")} AS offer_id, {whole("s.skuId")} AS sku_id, s.specId AS spec_id,
          {money("s.price")} AS price, {money("s.consignPrice")} AS consign_price,
          {money("s.promotionPrice")} AS promotion_price, {whole("s.amountOnSale")} AS stock, s.cargoNumber AS code,
          {parts["skus"]}
          FROM (SELECT result.result.offerId AS id, unnest(result.result.productSkuInfos) AS s FROM {{source}})""",
    }


CHILD = """
import duckdb, json, sys
bodies, out, way, detail, queries = sys.argv[1:]
c = duckdb.connect()
c.execute("SET threads = 2")
c.execute("SET preserve_insertion_order = false")
c.execute("SET enable_progress_bar = false")
c.execute(f"SET temp_directory = '{out}/tmp'")
source = f"read_json('{bodies}', format = 'newline_delimited', columns = {{'result': '{detail}'}})"
if way == "table":
    c.execute(f"CREATE TEMP TABLE answers AS SELECT * FROM {source}")
    source = "answers"
for name, query in json.loads(queries).items():
    c.execute(f"COPY ({query.format(source=source)}) TO '{out}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
print(*(c.sql(f"SELECT count(*) FROM '{out}/{name}.parquet'").fetchall()[0][0] for name in ("products", "skus")))
"""


def measure(argv, env=None):
    """Runs a command; returns wall seconds, CPU seconds and its output."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, timeout=1200, env=env)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def watch(argv):
    """Runs a command on Linux; returns wall seconds, the peak resident MB of it and of its child, and how long there was one."""
    begun, peak, first, last = time.monotonic(), [0, 0], None, None
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        for which, pid in [(0, process.pid)] + [(1, child) for child in children(process.pid)]:
            peak[which] = max(peak[which], resident(pid))
            if which == 1:
                first, last = first or time.monotonic(), time.monotonic()
        time.sleep(0.01)
    return time.monotonic() - begun, peak[0], peak[1], last - first if first else 0


def children(pid):
    """The children that run a command line of their own: until its exec, a child is a copy of its parent."""
    found = []
    try:
        own = read(f"/proc/{pid}/cmdline")
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += read(f"/proc/{pid}/task/{thread}/children").split()
        return [child for child in found if read(f"/proc/{child}/cmdline") not in ("", own)]
    except OSError:  # it ended meanwhile
        return []


def resident(pid):
    try:
        return next(int(line.split()[1]) / 1024 for line in read(f"/proc/{pid}/status").splitlines() if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0


def read(path):
    with open(path) as f:
        return f.read()


def duckdb(bodies, out, way, shape):
    return measure([sys.executable, "-c", CHILD, bodies, out, way, detail(NUMBER[shape]), json.dumps(queries(shape))])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--offers", type=int, default=20000)
    args.add_argument("--repeat", type=int, default=5)
    args.add_argument("--dir")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        compare(args, scratch, os.path.abspath(args.dir or os.path.join(scratch, "bench")))


def compare(args, scratch, world):
    os.makedirs(world, exist_ok=True)
    program = os.path.join(scratch, "offerlake")
    subprocess.run(["go", "build", "-o", program, "."], cwd=ROOT, check=True)
    env = dict(os.environ, OFFERLAKE_BENCH_OFFERS=str(args.offers), OFFERLAKE_BENCH_DIR=world)
    subprocess.run(["go", "test", "-run", "^$", "-bench", "^BenchmarkReplay$", "-benchtime", "1x", "./jobs/cli"],
                   cwd=ROOT, check=True, env=env, stdout=subprocess.DEVNULL)
    bodies = os.path.join(world, "bodies.ndjson")
    size = os.path.getsize(bodies) / 1e6
    replay = [program, "replay", os.path.join(world, "job.yaml"), "--date", DATE, "--progress", "none",
              "--journal", os.path.join(world, f"out/_offerlake/journals/bench/{DATE}/1"), "--dest", os.path.join(scratch, "out")]
    contestants = {"offerlake replay": lambda: measure(replay)}
    for shape in PARTS:
        contestants[f"DuckDB, {shape}, file read twice"] = lambda shape=shape: duckdb(bodies, scratch, "twice", shape)
        contestants[f"DuckDB, {shape}, temporary table"] = lambda shape=shape: duckdb(bodies, scratch, "table", shape)
    times = {name: [] for name in contestants}
    for _ in range(args.repeat):
        for name, run in contestants.items():
            times[name].append(run()[:2])
    print(f"{args.offers} offers, {size:.0f} MB of bodies, {args.repeat} rounds, median of each")
    print(f"{'':34}{'wall s':>8}{'MB/s':>8}{'CPU s':>8}{'MB/CPU s':>10}")
    wall, cpu = {}, {}
    for name, runs in times.items():
        wall[name], cpu[name] = (statistics.median(t) for t in zip(*runs))
        print(f"{name:34}{wall[name]:8.2f}{size / wall[name]:8.0f}{cpu[name]:8.2f}{size / cpu[name]:10.0f}")
    for name in list(contestants)[1:]:
        print(f"speed relative to {name}: {wall[name] / wall['offerlake replay']:.2f} by wall time, "
              f"{cpu[name] / cpu['offerlake replay']:.2f} by CPU time")
    if os.path.exists("/proc/self/task"):
        took, program_mb, child_mb, verifying = watch(replay)
        print(f"peak memory of the replay: {program_mb:.0f} MB, of its verification: {child_mb:.0f} MB; "
              f"verification took {100 * verifying / took:.1f} % of the time")


main()
