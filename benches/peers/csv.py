#!/usr/bin/env python3
"""Cream's parser beside polars, reading the same price history in CSV, in one run.

usage: csv.py [ROUNDS [FILE.csv]]

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install -r benches/peers/requirements.txt
    /tmp/peers/bin/python benches/peers/csv.py

Both read from bytes in memory, on one thread: polars into typed columns of dates and 64-bit floats,
Cream into bars of exact decimals, judged and in order. Without a file, one of 100,000 rows is made.
A round times everybody once (the median of 20 readings), so that a slow moment of the machine slows
all of them; printed are each one's median and its ratio to Cream's.
"""

import os

os.environ["POLARS_MAX_THREADS"] = "1"

import datetime
import random
import statistics
import subprocess
import sys
import tempfile
import time

# This file's own name would hide the module that polars imports.
sys.path.pop(0)
import polars

CREAM = "cargo run --quiet --release --package cream-parser --example time --".split()
READINGS = 20


def history(rows):
    """Rows as vendors write them: four decimals, a row a day."""
    random.seed(7)
    day, price = datetime.date(1751, 1, 1), 150.0
    lines = ["Date,Open,High,Low,Close,Adj Close,Volume"]
    for _ in range(rows):
        price = min(max(price * (1 + random.uniform(-0.03, 0.0301)), 20), 900)
        prices = [price * random.uniform(0.98, 1.02) for _ in range(4)]
        opened, closed = prices[0], prices[1]
        high, low = max(prices), min(prices)
        cells = (f"{cell:.4f}" for cell in (opened, high, low, closed, closed))
        lines.append(f"{day},{','.join(cells)},{random.randrange(10**5, 10**9)}")
        day += datetime.timedelta(days=1)
    return ("\n".join(lines) + "\n").encode()


def read_polars(data):
    start = time.perf_counter()
    frame = polars.read_csv(data, try_parse_dates=True)
    elapsed = (time.perf_counter() - start) * 1e3
    assert frame.schema["Date"] == polars.Date and frame.schema["Close"] == polars.Float64
    return elapsed, frame.height


def in_process(read, data):
    readings = [read(data) for _ in range(READINGS)]
    return statistics.median(reading[0] for reading in readings), readings[0][1]


def cream(path):
    command = [*CREAM, path, str(READINGS)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    milliseconds, bars = answer.stdout.split()
    return float(milliseconds), int(bars)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 2:
            path = sys.argv[2]
            with open(path, "rb") as file:
                data = file.read()
        else:
            path, data = os.path.join(folder, "history.csv"), history(100_000)
            with open(path, "wb") as file:
                file.write(data)
        assert polars.thread_pool_size() == 1
        runs = {"cream-parser": lambda: cream(path), "polars": lambda: in_process(read_polars, data)}
        cream(path)  # builds it
        times, rows = {name: [] for name in runs}, {}
        for _ in range(rounds):
            for name, run in runs.items():
                milliseconds, rows[name] = run()
                times[name].append(milliseconds)
    ours = statistics.median(times["cream-parser"])
    for name, values in times.items():
        median = statistics.median(values)
        print(
            f"{name:14} {median:9.3f} ms {len(data) / median / 1e3:9.1f} MB/s"
            f" {rows[name]:6} rows {median / ours:8.2f} times"
        )


if __name__ == "__main__":
    main()
