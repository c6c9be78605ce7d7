#!/usr/bin/env python3
"""The server under load, beside peers that answer the same from the same database.

    benches/serve.py [--symbols 20] [--bars 4000] [--runs 3] [--seconds 10] [--no-cache] [--built]
    benches/serve.py --scale [--symbols 2500] [--runs 5] [--seconds 5] [--built]
    benches/serve.py --soak MINUTES [--built]

Builds the server and the worker in release, imports generated responses into an SQLite file, and puts
the peers' Python packages under target/. In each run, in an order that changes from run to run, it
starts on loopback, one at a time, and drives with wrk on one thread:

- api-server, as it is by default, its access log on and written to a file;
- bare actix-web with as many workers, which holds the same bytes and does nothing else;
- FastAPI with SQLAlchemy, under uvicorn, one process (benches/peers/serve_fastapi.py);
- Datasette, one process, with a query that was written for the history.

Before anything is measured each one's answers are compared, number by number. Prints requests a second
as medians over the runs, the spread of the runs, and the ratios. wrk works on the same machine, so
that the faster servers have less of it. Needs cargo, python3 and wrk.

With --scale or --soak it does what benches/scale.py or benches/soak.py says instead; that needs
PostgreSQL too.
"""

import argparse
import collections
import datetime
import json
import os
import statistics
import sys
import tempfile
from decimal import Decimal

from cluster import ROOT
from scale import Scale
from serving import Built, Server, api_server, fill, free_port, load, load_of, symbol
from soak import Soak

SYMBOL = symbol(7)
LATEST, HISTORY = f"/stock-data/{SYMBOL}", f"/stock-data/{SYMBOL}/history"
QUERIED = f"/cream/history.json?symbol={SYMBOL}&_shape=objects&_size=max"
# Enough that no server waits for wrk, and not more than a slow peer answers within seconds.
CONNECTIONS = {"latest": 32, "history": 8}
PRICES = ("open", "high", "low", "close", "adj_close")
# What Datasette publishes: the columns as they are stored, prices in 1e-9 units.
QUERY = """select date, open, high, low, close, adj_close, volume, is_final, flags, as_of
    from stock_data where stock_id = (select id from stock where symbol = :symbol)
    and withdrawn_at is null order by vendor, date"""
AIMS = [
    ("latest: api-server / bare actix-web", "api-server, latest", "bare, latest", 0.5),
    ("latest: api-server / FastAPI", "api-server, latest", "FastAPI, latest", 20),
    ("history: api-server / FastAPI", "api-server, history", "FastAPI, history", 60),
    ("history: api-server / Datasette", "api-server, history", "Datasette, history", 25),
]


class Bench:
    def __init__(self, folder, built, seconds, cache):
        self.folder, self.built, self.seconds, self.cache = folder, built, seconds, cache
        self.database = os.path.join(folder, "cream.db")
        self.bin = built.peers()
        self.figures = collections.defaultdict(list)
        self.queries = self.write("queries.json", json.dumps(
            {"databases": {"cream": {"queries": {"history": {"sql": QUERY}}}}}).encode())

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def cream(self):
        return api_server(self.built, self.folder, f"sqlite:{self.database}", **self.cache)

    def bare(self, body):
        return Server([f"{self.built.examples}/bare", body], self.folder)

    def fastapi(self):
        port = free_port()
        command = [f"{self.bin}/uvicorn", "--app-dir", os.path.join(ROOT, "benches", "peers"),
                   "--port", str(port), "--no-access-log", "serve_fastapi:app"]
        environment = dict(os.environ, DATABASE=self.database)
        return Server(command, self.folder, environment, f"http://127.0.0.1:{port}")

    def datasette(self):
        port = free_port()
        command = [f"{self.bin}/datasette", "serve", self.database, "--port", str(port),
                   "--metadata", self.queries, "--setting", "max_returned_rows", "100000",
                   "--setting", "sql_time_limit_ms", "60000"]
        return Server(command, self.folder, None, f"http://127.0.0.1:{port}")

    def compare(self, bars):
        """Holds the answers of all against each other; gives the steps of a run."""
        with self.cream() as server:
            latest, history = server.get(LATEST), server.get(HISTORY)
        ours = read(history)
        if ours["count"] != bars or len(ours["bars"]) != bars:
            sys.exit(f"{HISTORY} has not {bars} bars but {ours['count']}")
        with self.fastapi() as server:
            same("FastAPI, latest", read(latest), read(server.get(LATEST)))
            same("FastAPI, history", ours, read(server.get(HISTORY)))
        with self.datasette() as server:
            rows = json.loads(server.get(QUERIED))["rows"]
            same("Datasette, history", ours["bars"], [stored(row) for row in rows])
        bodies = self.write("latest.json", latest), self.write("history.json", history)
        for body, bytes_ in zip(bodies, (latest, history)):
            with self.bare(body) as server:
                same("bare", bytes_, server.get(LATEST))
        return [
            ("api-server, latest", self.cream, LATEST),
            ("bare, latest", lambda: self.bare(bodies[0]), LATEST),
            ("FastAPI, latest", self.fastapi, LATEST),
            ("api-server, history", self.cream, HISTORY),
            ("bare, history", lambda: self.bare(bodies[1]), HISTORY),
            ("FastAPI, history", self.fastapi, HISTORY),
            ("Datasette, history", self.datasette, QUERIED),
        ]

    def once(self, steps):
        for name, start, path in steps:
            connections = CONNECTIONS[name.split(", ")[1]]
            with start() as server:
                load(server.base + path, 1, connections)
                found, used = load_of(
                    lambda: load(server.base + path, self.seconds, connections), [server])
            self.figures[name].append((found.rate, used))
            print(f"  {name:<22} {found.rate:>12,.1f} requests/s  99 % in {found.p99:,.1f} ms, "
                  f"{1e6 * used:,.0f} us of processor each", flush=True)

    def run(self, runs, bars):
        steps = self.compare(bars)
        for number in range(runs):
            print(f"run {number + 1}")
            self.once(steps[number % len(steps):] + steps[:number % len(steps)])
        return self.ratios()

    def ratios(self):
        median = {}
        print("\nmedians, with the least and the most of the runs, and the server's own processor time")
        for name, values in self.figures.items():
            rates, used = zip(*values)
            median[name] = statistics.median(rates)
            print(f"  {name:<22} {median[name]:>12,.1f} requests/s  "
                  f"{min(rates):,.1f} to {max(rates):,.1f}, {1e6 * statistics.median(used):,.0f} us")
        print("\nratios of medians")
        held = True
        for text, a, b, aim in AIMS:
            ratio = median[a] / median[b]
            held &= ratio >= aim
            print(f"  {text:<38} {ratio:>8.2f}   aim {aim}")
        return held


def read(body):
    """An answer with prices as decimals and instants as such, however it writes them."""
    def plain(fields):
        for name in PRICES:
            if fields.get(name) is not None:
                fields[name] = Decimal(fields[name])
        if "as_of" in fields:
            fields["as_of"] = datetime.datetime.fromisoformat(fields["as_of"])
        return fields

    return json.loads(body, parse_float=Decimal, object_hook=plain)


def stored(row):
    """A row of Datasette as a bar of ours."""
    days = datetime.date(1970, 1, 1) + datetime.timedelta(days=row["date"])
    start = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    if row["flags"]:
        sys.exit(f"the bar of {days} has flags, which Datasette gives as bits")
    prices = {name: row[name] and Decimal(row[name]).scaleb(-9) for name in PRICES}
    return {**row, **prices, "date": days.isoformat(), "is_final": bool(row["is_final"]),
            "flags": [], "as_of": start + datetime.timedelta(microseconds=row["as_of"])}


def same(name, ours, theirs):
    if ours == theirs:
        return
    if isinstance(ours, dict):
        keys = [key for key in {**ours, **theirs} if ours.get(key, ...) != theirs.get(key, ...)]
        for key in keys:
            print(f"{key}: {str(ours.get(key, '-'))[:300]} | {str(theirs.get(key, '-'))[:300]}")
    sys.exit(f"{name}: the answer is not ours")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--symbols", type=int)
    parser.add_argument("--bars", type=int, default=4_000)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seconds", type=int, help="of load on each server and route")
    parser.add_argument("--no-cache", action="store_true", help="measure api-server without its cache")
    parser.add_argument("--built", action="store_true", help="build nothing, take what is there")
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    options = parser.parse_args()
    built = Built(options.built)
    with tempfile.TemporaryDirectory(prefix="cream-serve-") as folder:
        if options.soak:
            held = Soak(folder, built, options.soak).run()
        elif options.scale:
            held = Scale(folder, built, options.symbols or 2_500, options.runs or 5,
                         options.seconds or 5).run()
        else:
            cache = {"API_CACHE_MB": "0"} if options.no_cache else {}
            bench = Bench(folder, built, options.seconds or 10, cache)
            fill(built, folder, f"sqlite:{bench.database}", options.symbols or 20, options.bars)
            held = bench.run(options.runs or 3, options.bars)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
