#!/usr/bin/env python3
"""The worker on its own: what a round of pulls costs beside the import of the same responses, and
what a worker costs that has nothing to do.

    benches/work.py [--symbols 10000] [--days 250] [--runs 3] [--idle 60] [--only sqlite|postgres] [--built]

Builds the worker and the vendor server in release and starts the server on loopback, without a rate
limit, with so many generated symbols; its answers are made in a round that does not count. In each
run, on SQLite and on a throwaway PostgreSQL with its default settings:

- `worker track` and `worker run --once` pull every symbol's whole history into an empty database;
- `worker import` loads the files that this archived into another one.

Then a `worker run` that finds all of them tracked and none due is watched for a while. Prints
seconds, their ratio, the worker's own processor time, whether the digests agree, and of the idle
worker its share of a core and its memory. The server works on the same machine, so that the pulls
have less of it than the import.
"""

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from cluster import ROOT, Cluster

TICKS = os.sysconf("SC_CLK_TCK")


def settings(home, url, server):
    return dict(
        os.environ, **server, DATABASE_URL=url, RUST_LOG="warn",
        STOCK_DATA_RAW_RESPONSES_DIR=f"{home}/raw",
        STOCK_DATA_PARSED_RESPONSES_DIR=f"{home}/parsed",
        STOCK_DATA_DEADLETTER_RESPONSES_DIR=f"{home}/dead",
        STOCK_DATA_MIN_FREE_MB="0",
    )


class Vendors:
    """The vendor server, on loopback."""

    def __init__(self, program, symbols, days):
        command = [program, "--symbols", str(symbols), "--days", str(days)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.settings = {}
        for line in self.process.stdout:
            if not line.startswith("export "):
                break
            name, _, value = line.removeprefix("export ").strip().partition("=")
            self.settings[name] = value

    def stop(self):
        self.process.kill()


class Bench:
    def __init__(self, worker, vendors, symbols, folder):
        self.worker, self.vendors, self.symbols = worker, vendors, symbols
        self.list = os.path.join(folder, "symbols.txt")
        with open(self.list, "w") as file:
            file.writelines(f"GEN{number:05}\n" for number in range(1, symbols + 1))
        self.folder = folder

    def work(self, home, url, *arguments):
        """Seconds, processor seconds, and what it printed."""
        environment = settings(home, url, self.vendors.settings)
        start = time.monotonic()
        with subprocess.Popen([self.worker, *arguments], env=environment, cwd=home, text=True,
                              stdout=subprocess.PIPE) as child:
            printed = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"worker {' '.join(arguments)} on {url}:\n{printed}")
        return time.monotonic() - start, usage.ru_utime + usage.ru_stime, printed

    def pull(self, home, url):
        self.work(home, url, "migrate", "up")
        track = self.work(home, url, "track", "--from-file", self.list)[0]
        os.sync()
        seconds, own, printed = self.work(home, url, "run", "--once")
        pulled = re.search(r"^pull +done .* (\d+) loaded", printed, re.MULTILINE)
        if not pulled or int(pulled[1]) != self.symbols:
            sys.exit(f"not every symbol was pulled:\n{printed}")
        return track, seconds, own

    def compare(self, name, url_of):
        home, other = (tempfile.mkdtemp(dir=self.folder) for _ in range(2))
        track, pulled, own = self.pull(home, url_of(home, "one"))
        self.work(other, url_of(other, "two"), "migrate", "up")
        os.sync()
        imported, import_own, _ = self.work(other, url_of(other, "two"), "import", f"{home}/parsed")
        digests = {self.work(home, url_of(home, "one"), "digest")[2],
                   self.work(other, url_of(other, "two"), "digest")[2]}
        print(f"  {name}: track {track:.1f} s; pull {pulled:.1f} s ({own:.1f} s of processor); "
              f"import {imported:.1f} s ({import_own:.1f} s): {pulled / imported:.2f}; "
              f"digests {'agree' if len(digests) == 1 else 'DIFFER'}", flush=True)
        shutil.rmtree(other)
        return home, pulled / imported

    def idle(self, name, home, url, seconds):
        environment = settings(home, url, self.vendors.settings)
        child = subprocess.Popen([self.worker, "run"], env=environment, cwd=home,
                                 stdout=subprocess.DEVNULL)
        # What is done at the start, the look through the archive above all, is not idling.
        time.sleep(20)
        before, start = used(child.pid), time.monotonic()
        time.sleep(seconds)
        share = (used(child.pid) - before) / (time.monotonic() - start)
        with open(f"/proc/{child.pid}/status") as status:
            memory = dict(line.split(":", 1) for line in status)
        child.send_signal(signal.SIGTERM)
        code = child.wait()
        now, peak = (int(memory[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
        print(f"  {name}: idle for {seconds} s: {100 * share:.2f} % of a core, {now:.1f} MiB "
              f"(peak {peak:.1f} MiB since its start), exit {code}", flush=True)


def used(process):
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--symbols", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=250)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--idle", type=int, default=60)
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    parser.add_argument("--built", action="store_true", help="build nothing, take what is there")
    options = parser.parse_args()
    build = ["cargo", "build", "--release", "--quiet", "-p"]
    for what in [] if options.built else [["worker"], ["cream-testkit", "--examples"]]:
        subprocess.run([*build, *what], cwd=ROOT, check=True)
    built = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        vendors = Vendors(f"{built}/examples/vendor-server", options.symbols, options.days)
        cluster = None if options.only == "sqlite" else Cluster(folder)
        databases = {"SQLite": lambda home, _: f"sqlite:{home}/cream.db"}
        if cluster:
            databases["PostgreSQL"] = lambda _, which: cluster.url(which)
        if options.only == "postgres":
            del databases["SQLite"]
        try:
            bench = Bench(f"{built}/worker", vendors, options.symbols, folder)
            warm = tempfile.mkdtemp(dir=folder)
            bench.pull(warm, f"sqlite:{warm}/cream.db")
            shutil.rmtree(warm)
            for name, url_of in databases.items():
                ratios = []
                for number in range(options.runs):
                    if name == "PostgreSQL":
                        cluster.fresh("one"), cluster.fresh("two")
                    home, ratio = bench.compare(name, url_of)
                    ratios.append(ratio)
                    if number + 1 == options.runs and options.idle:
                        bench.idle(name, home, url_of(home, "one"), options.idle)
                    shutil.rmtree(home)
                print(f"{name}: pull / import, median of {options.runs}: "
                      f"{statistics.median(ratios):.2f}")
        finally:
            vendors.stop()
            if cluster:
                cluster.stop()


if __name__ == "__main__":
    main()
