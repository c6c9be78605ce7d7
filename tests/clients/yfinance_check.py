#!/usr/bin/env python3
"""Reads a server with yfinance and compares what it gets with what the database holds.

    yfinance_check.py BASE EXPECTED FOLDER

BASE is the server's URL, EXPECTED a JSON file: by symbol its rows, dividends, splits, capital gains
and meta, numbers as text; FOLDER takes the client's caches. Exits with 1 and tells each difference.
"""

import json
import logging
import math
import os
import sys
from decimal import Decimal

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

import pandas as pd
import yfinance as yf

PRICES = ["Open", "High", "Low", "Close", "Adj Close"]
base, expected_path, folder = sys.argv[1:]
differences = []


def differs(where, found, wanted):
    if len(differences) < 20:
        differences.append(f"{where}: found {found!r}, expected {wanted!r}")


def same(where, found, wanted):
    if found != wanted:
        differs(where, found, wanted)


def number(text):
    return math.nan if text is None else float(Decimal(text))


def same_number(where, found, wanted):
    """To the last bit: the text of a decimal has one nearest float."""
    if not (found == wanted or math.isnan(found) and math.isnan(wanted)):
        differs(where, found, wanted)


def point_at(url):
    """Sets the base URL wherever the client has copied it, and keeps it from asking elsewhere."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "yfinance":
            for constant in ("_BASE_URL_", "_QUERY1_URL_"):
                if hasattr(module, constant):
                    setattr(module, constant, url)
    # Of the first two symbols that are not found it asks Yahoo for a summary.
    yf.base._tz_info_fetch_ctr = 2
    # It asks Yahoo for a crumb first, and goes on without one where there is none to be had.
    yf.data.YfData._get_cookie_and_crumb = lambda self, timeout=30: (None, "basic")


def dates(frame):
    return [index.date().isoformat() for index in frame.index]


def check_bars(where, frame, rows, columns=PRICES):
    same(f"{where}: dates", dates(frame), [row["date"] for row in rows])
    if len(frame) != len(rows):
        return
    for row, (_, found) in zip(rows, frame.iterrows()):
        for column in columns:
            same_number(f"{where}: {row['date']} {column}", found[column], number(row[column]))
        # The client makes 0 of an unknown volume.
        same(f"{where}: {row['date']} Volume", int(found["Volume"]), row["Volume"] or 0)


def check_events(where, frame, wanted):
    for column, events in (
        ("Dividends", {date: number(amount) for date, amount in wanted["dividends"].items()}),
        ("Stock Splits", {date: number(new) / number(old) for date, (new, old) in wanted["splits"].items()}),
        ("Capital Gains", {date: number(amount) for date, amount in wanted["capital_gains"].items()}),
    ):
        if column not in frame:
            same(f"{where}: {column}", {}, events)
            continue
        column_events = frame[column][frame[column] != 0]
        found = {index.date().isoformat(): value for index, value in column_events.items()}
        same(f"{where}: {column}", found, events)


def joined(wanted, first_day):
    """Bars of weeks or months: what a day lacks is not known of its period either."""
    groups = {}
    for row in wanted["rows"]:
        groups.setdefault(first_day(row["date"]), []).append(row)

    def of(days, column, join):
        values = [day[column] for day in days]
        return None if None in values else join(values)

    periods = [
        {
            "date": date,
            "Open": days[0]["Open"],
            "High": of(days, "High", lambda values: max(values, key=Decimal)),
            "Low": of(days, "Low", lambda values: min(values, key=Decimal)),
            "Close": days[-1]["Close"],
            "Adj Close": days[-1]["Adj Close"],
            "Volume": of(days, "Volume", sum),
        }
        for date, days in groups.items()
    ]
    kinds = ("dividends", "splits", "capital_gains")
    events = {
        kind: {first_day(date): value for date, value in wanted[kind].items()} for kind in kinds
    }
    return periods, events


def rows_from(rows, first):
    return [row for row in rows if row["date"] >= first]


def check(symbol, wanted):
    rows = wanted["rows"]
    last = pd.Timestamp(rows[-1]["date"])
    ticker = yf.Ticker(symbol)
    plain = {"auto_adjust": False, "actions": True, "keepna": True}
    whole = ticker.history(period="max", **plain)
    check_bars(f"{symbol} max", whole, rows)
    check_events(f"{symbol} max", whole, wanted)
    zone = wanted["meta"]["exchangeTimezoneName"]
    same(f"{symbol}: time zone", str(whole.index.tz), zone)
    meta = ticker.get_history_metadata()
    for name, value in wanted["meta"].items():
        same(f"{symbol}: {name}", meta[name], value)
    same(f"{symbol}: symbol", meta["symbol"], symbol)
    same(f"{symbol}: price", meta["regularMarketPrice"], number(rows[-1]["Close"]))
    same(f"{symbol}: first date", meta["firstTradeDate"].date().isoformat(), rows[0]["date"])

    for period, first in (
        ("1mo", last - pd.DateOffset(months=1)),
        ("6mo", last - pd.DateOffset(months=6)),
        ("1y", last - pd.DateOffset(years=1)),
        ("5y", last - pd.DateOffset(years=5)),
        ("10y", last - pd.DateOffset(years=10)),
        ("ytd", pd.Timestamp(last.year, 1, 1)),
    ):
        frame = ticker.history(period=period, **plain)
        check_bars(f"{symbol} {period}", frame, rows_from(rows, first.date().isoformat()))
    for period, count in (("1d", 1), ("5d", 5)):
        check_bars(f"{symbol} {period}", ticker.history(period=period, **plain), rows[-count:])

    start, end = rows[len(rows) // 3]["date"], rows[len(rows) // 3 * 2]["date"]
    frame = ticker.history(start=start, end=end, **plain)
    between = [row for row in rows if start <= row["date"] < end]
    check_bars(f"{symbol} {start}..{end}", frame, between)
    inside = {
        kind: {date: value for date, value in wanted[kind].items() if start <= date < end}
        for kind in ("dividends", "splits", "capital_gains")
    }
    check_events(f"{symbol} {start}..{end}", frame, inside)

    for interval, first in (
        ("1wk", lambda day: day - pd.Timedelta(days=day.weekday())),
        ("1mo", lambda day: day.replace(day=1)),
    ):
        frame = ticker.history(period="max", interval=interval, **plain)
        periods, events = joined(wanted, lambda date: first(pd.Timestamp(date)).date().isoformat())
        check_bars(f"{symbol} {interval}", frame, periods)
        check_events(f"{symbol} {interval}", frame, events)

    # As its users call it: adjusted by the client, with the closes of the adjusted column.
    adjusted = ticker.history(period="max")
    closes = {row["date"]: number(row["Adj Close"]) for row in rows if row["Close"] is not None}
    for date, found in zip(dates(adjusted), adjusted["Close"]):
        same_number(f"{symbol} adjusted: {date}", found, closes.get(date, math.nan))

    same(f"{symbol}: actions", not ticker.actions.empty, any(wanted[kind] for kind in inside))
    same(f"{symbol}: dividends", len(ticker.dividends), len(wanted["dividends"]))
    same(f"{symbol}: splits", len(ticker.splits), len(wanted["splits"]))


def check_download(expected):
    symbols = sorted(expected)
    frame = yf.download(
        symbols, period="max", auto_adjust=False, actions=True, group_by="ticker", keepna=True,
        ignore_tz=True, progress=False,
    )
    for symbol in symbols:
        wanted = {row["date"] for row in expected[symbol]["rows"]}
        part = frame[symbol]
        part = part[[index.date().isoformat() in wanted for index in part.index]].copy()
        part["Volume"] = part["Volume"].fillna(0)
        check_bars(f"download {symbol}", part, expected[symbol]["rows"])


def check_unknown():
    """An unknown symbol is told as such, in words that the server chose."""
    told = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logger = logging.getLogger("yfinance")
    logger.addHandler(handler)
    frame = yf.Ticker("NOSUCH").history(period="1mo")
    logger.removeHandler(handler)
    same("NOSUCH: rows", len(frame), 0)
    same("NOSUCH: words", any("No data found, symbol may be delisted" in text for text in told), True)


def main():
    point_at(base)
    yf.set_tz_cache_location(folder)
    with open(expected_path, encoding="utf-8") as file:
        expected = json.load(file)
    for symbol, wanted in expected.items():
        check(symbol, wanted)
    check_download(expected)
    check_unknown()
    for difference in differences:
        print(difference, file=sys.stderr)
    if differences:
        return 1
    print(f"yfinance {yf.__version__}: {len(expected)} symbols agree")
    return 0


sys.exit(main())
