#!/usr/bin/env python3
"""Loading, measured beside what the databases themselves can do with the same rows.

    benches/load.py [--files 1000] [--bytes 450000] [--runs 3] [--keep FOLDER]

Builds the worker in release, generates chart responses of that many symbols and the same fetched
a day later with one more bar each, starts a throwaway PostgreSQL with its default settings on
loopback, and in each run, one after the other:

- imports the first day into an empty database, then the second day ("refresh"), parse and archive
  included, on PostgreSQL and on SQLite;
- copies the rows that this gave with `psql \\copy` into the project's own, migrated `stock_data`
  table and into the bare keyed table of load_limit.sh, and with `sqlite3 .import` into such a table.

Prints rows a second and the ratios as medians over the runs, the peak memory, dead tuples after
the refresh, and whether all digests agree. Needs cargo, python3, sqlite3 and PostgreSQL's programs
(initdb, pg_ctl, psql). Files lie in a temporary folder; on most machines that is a disk.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from cluster import ROOT, Cluster, program, run

SUMMARY = r"^  bars +(\d+) inserted, (\d+) updated, (\d+) unchanged"
COLUMNS = "stock_id,vendor,date,open,high,low,close,adj_close,volume,is_final,flags,as_of"
BARE = """(stock_id int not null, vendor smallint not null, date date not null, open bigint,
    high bigint, low bigint, close bigint, adj_close bigint, volume bigint, is_final boolean,
    flags smallint, as_of bigint not null, primary key (stock_id, vendor, date))"""


class Bench:
    def __init__(self, folder, cluster, worker):
        self.folder, self.cluster, self.worker = folder, cluster, worker
        self.figures, self.notes, self.digests, self.peak = {}, [], set(), 0

    def note(self, name, rows, seconds):
        self.figures.setdefault(name, []).append(rows / seconds)
        print(f"  {name:<42} {rows / seconds:>12,.0f} rows/s", flush=True)

    def work(self, url, home, *arguments):
        """Runs the worker; gives seconds and what it printed."""
        environment = dict(
            os.environ, DATABASE_URL=url, RUST_LOG="warn",
            STOCK_DATA_RAW_RESPONSES_DIR=f"{home}/raw",
            STOCK_DATA_PARSED_RESPONSES_DIR=f"{home}/parsed",
            STOCK_DATA_DEADLETTER_RESPONSES_DIR=f"{home}/dead",
        )
        start = time.monotonic()
        with subprocess.Popen([self.worker, *arguments], env=environment, cwd=home, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            printed = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"worker {' '.join(arguments)} on {url}:\n{printed}")
        self.peak = max(self.peak, usage.ru_maxrss)
        return time.monotonic() - start, printed

    def load(self, name, url, days):
        home = tempfile.mkdtemp(dir=self.folder)
        self.work(url, home, "migrate", "up")
        os.sync()
        for label, day in zip(("first load", "refresh, one more bar each"), days):
            seconds, printed = self.work(url, home, "import", day)
            bars = re.search(SUMMARY, printed, re.MULTILINE)
            inserted, updated, unchanged = map(int, bars.groups())
            self.note(f"{name}: {label}", inserted + updated + unchanged, seconds)
            if name == "PostgreSQL" and unchanged:
                self.dead_tuples(url.rsplit("/", 1)[1], inserted + updated)
            elif name == "PostgreSQL":
                # A day lies between the two: what follows a load is over by then.
                self.cluster.sql(url.rsplit("/", 1)[1], "vacuum analyze", "checkpoint")
            os.sync()
        self.digests.add(self.work(url, home, "digest")[1].strip())
        return home

    def dead_tuples(self, database, changed):
        self.cluster.sql(database, "select pg_stat_force_next_flush()")
        time.sleep(1.5)
        dead = self.cluster.sql(
            database, "select relname || ' ' || n_dead_tup from pg_stat_user_tables "
                      "where n_dead_tup > 0 order by relname").split("\n")
        told = ", ".join(filter(None, dead)) or "none"
        self.notes.append(f"dead tuples after the refresh, which changed {changed} bars: {told}")

    def copy(self, name, database, rows, count, table):
        self.cluster.sql(database, "checkpoint")
        os.sync()
        start = time.monotonic()
        self.cluster.sql(database, f"\\copy {table}({COLUMNS}) from '{rows}' csv")
        self.note(name, count, time.monotonic() - start)

    def once(self, days, rows):
        self.load("PostgreSQL", self.cluster.fresh("load"), days)
        if not os.path.exists(rows):
            query = f"select {COLUMNS} from stock_data order by stock_id, vendor, date"
            self.cluster.sql("load", f"\\copy ({query}) to '{rows}' csv")
        with open(rows, "rb") as lines:
            count = sum(1 for _ in lines)
        url = self.cluster.fresh("peer")
        home = tempfile.mkdtemp(dir=self.folder)
        self.work(url, home, "migrate", "up")
        self.copy("psql \\copy, the project's own table", "peer", rows, count, "stock_data")
        self.cluster.fresh("peer")
        self.cluster.sql("peer", f"create table limit_bars {BARE}")
        self.copy("psql \\copy, bare keyed table", "peer", rows, count, "limit_bars")
        self.cluster.fresh("peer")

        home = tempfile.mkdtemp(dir=self.folder)
        self.load("SQLite", f"sqlite:{home}/cream.db", days)
        database = os.path.join(home, "peer.db")
        start = time.monotonic()
        run([program("sqlite3"), database, "pragma journal_mode=wal",
             f"create table limit_bars {BARE} without rowid", ".mode csv",
             f".import {rows} limit_bars"])
        self.note("sqlite3 .import, bare keyed table", count, time.monotonic() - start)

    def ratios(self):
        median = {name: statistics.median(values) for name, values in self.figures.items()}
        print("\nmedians")
        for name, value in median.items():
            print(f"  {name:<42} {value:>12,.0f} rows/s")
        own, bare = "psql \\copy, the project's own table", "psql \\copy, bare keyed table"
        first, again = ": first load", ": refresh, one more bar each"
        print("\nratios of medians")
        for text, a, b, aim in [
            ("PostgreSQL first load / \\copy, own table", "PostgreSQL" + first, own, 0.9),
            ("PostgreSQL first load / \\copy, bare table", "PostgreSQL" + first, bare, 0.6),
            ("SQLite first load / sqlite3 .import", "SQLite" + first,
             "sqlite3 .import, bare keyed table", 2),
            ("PostgreSQL refresh / first load", "PostgreSQL" + again, "PostgreSQL" + first, 5),
            ("SQLite refresh / first load", "SQLite" + again, "SQLite" + first, 5),
        ]:
            print(f"  {text:<44} {median[a] / median[b]:>6.2f}   aim {aim}")
        for note in dict.fromkeys(self.notes):
            print(note)
        print(f"peak memory of the worker: {self.peak / 1024:.0f} MiB")
        print(f"digests: {'all the same' if len(self.digests) == 1 else self.digests}")
        return len(self.digests) == 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--bytes", type=int, default=450_000, help="of each response, nearly")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", help="generate the responses here, and use them if they are there")
    wanted = parser.parse_args()

    cargo = ["cargo", "build", "--release", "--quiet", "--locked"]
    subprocess.run([*cargo, "-p", "worker"], cwd=ROOT, check=True)
    subprocess.run([*cargo, "-p", "cream-testkit", "--example", "write-pages"], cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    release = os.path.join(target, "release")

    with tempfile.TemporaryDirectory(prefix="cream-load-") as folder:
        responses = wanted.keep or os.path.join(folder, "responses")
        days = [os.path.join(responses, day) for day in ("day1", "day2")]
        for more, day in enumerate(days):
            if not os.path.isdir(day):
                os.makedirs(day)
                run([os.path.join(release, "examples", "write-pages"), day, str(wanted.files),
                     str(wanted.bytes), "chart", *([str(more)] if more else [])])
        cluster = Cluster(folder)
        try:
            print(cluster.sql("postgres", "select version()").strip())
            bench = Bench(folder, cluster, os.path.join(release, "worker"))
            for number in range(wanted.runs):
                print(f"run {number + 1}")
                bench.once(days, os.path.join(folder, "rows.csv"))
            same = bench.ratios()
        finally:
            cluster.stop()
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
