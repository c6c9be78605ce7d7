#!/usr/bin/env python3
"""Cream's parser beside what a Python user would read a Yahoo history page with, in one run.

usage: page.py PAGE.html [ROUNDS]

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install -r benches/peers/requirements.txt
    /tmp/peers/bin/python benches/peers/page.py PAGE.html

Each peer turns the page's price table into rows of text; none of them reads a number or a date.
Cream reads all numbers and dates, from the embedded chart answer and from the table, and compares
the two cell by cell. A round times everybody once, so that a slow moment of the machine slows all
of them; printed are each one's median and its ratio to Cream's.
"""

import statistics
import subprocess
import sys
import time

import lxml.html
from bs4 import BeautifulSoup
from selectolax.lexbor import LexborHTMLParser

CREAM = "cargo run --quiet --release --package cream-parser --example time --".split()


def soup(page):
    body = BeautifulSoup(page, "html.parser").find("tbody")
    return [[cell.get_text(strip=True) for cell in row.find_all("td")] for row in body.find_all("tr")]


def lxml_xpath(page):
    rows = lxml.html.fromstring(page).xpath("//table//tbody/tr")
    return [[cell.text_content() for cell in row.iterchildren("td")] for row in rows]


def lexbor(page):
    rows = LexborHTMLParser(page).css("table tbody tr")
    return [[cell.text() for cell in row.css("td")] for row in rows]


def timed(peer, page):
    start = time.perf_counter()
    rows = len(peer(page))
    return (time.perf_counter() - start) * 1e3, rows


def cream(path):
    answer = subprocess.run([*CREAM, path, "20"], check=True, capture_output=True, text=True)
    milliseconds, bars = answer.stdout.split()
    return float(milliseconds), int(bars)


def main():
    path, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with open(path, encoding="utf-8") as file:
        page = file.read()
    size = len(page.encode())
    runs = {"cream-parser": lambda: cream(path)}
    for peer in (lexbor, lxml_xpath, soup):
        runs[peer.__name__] = lambda peer=peer: timed(peer, page)
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
            f"{name:14} {median:9.3f} ms {size / median / 1e3:9.1f} MB/s"
            f" {rows[name]:6} rows {median / ours:8.1f} times"
        )


if __name__ == "__main__":
    main()
