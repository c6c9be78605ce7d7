#!/usr/bin/env python3
"""Reads histories as Arrow and Parquet with three libraries and compares every cell with the JSON.

    formats_check.py BASE FOLDER PATH...

BASE is the server's URL, each PATH a history on it, with a query; FOLDER takes the files. Exits with
1 and tells each difference.
"""

import datetime
import io
import json
import os
import sys
import urllib.request
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

PRICES = ["open", "high", "low", "close", "adj_close"]
OF = ["symbol", "vendor", "currency"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
base, folder, *paths = sys.argv[1:]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
differences = []


def differs(where, found, wanted):
    if len(differences) < 20:
        differences.append(f"{where}: found {found!r}, expected {wanted!r}")


def fetch(path, form):
    with opener.open(f"{base}{path}&format={form}") as answer:
        return answer.read()


def micros(text):
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH
    return (at.days * 86400 + at.seconds) * 10**6 + at.microseconds


def decimal(value):
    return None if value is None else Decimal(value)


def row_of_json(bar, of):
    return tuple(
        of
        + [datetime.date.fromisoformat(bar["date"])]
        + [decimal(bar[name]) for name in PRICES]
        + [bar["volume"], bar["is_final"], "|".join(bar["flags"]), micros(bar["as_of"])]
    )


def wanted_rows(answer):
    if "series" not in answer:
        return [row_of_json(bar, []) for bar in answer["bars"]]
    rows = []
    for series in answer["series"]:
        of = [series["symbol"], series.get("vendor"), series.get("currency")]
        rows.extend(row_of_json(bar, of) for bar in series.get("bars", []))
    return rows


def rows_of_arrow(table):
    table = table.set_column(
        table.schema.get_field_index("as_of"), "as_of", table["as_of"].cast(pa.int64())
    )
    return list(zip(*(column.to_pylist() for column in table.columns)))


def rows_of_polars(frame):
    return frame.with_columns(pl.col("as_of").cast(pl.Int64)).rows()


def rows_of_duckdb(relation):
    columns = relation.columns
    return relation.project(
        ", ".join("epoch_us(as_of)" if name == "as_of" else name for name in columns)
    ).fetchall()


def rows_of_pandas(frame):
    return rows_of_arrow(pa.Table.from_pandas(frame, preserve_index=False))


def check_types(where, schema, is_many):
    price = pa.decimal128(19, 9)
    wanted = [(name, pa.string()) for name in OF] if is_many else []
    wanted += [("date", pa.date32())] + [(name, price) for name in PRICES]
    wanted += [
        ("volume", pa.int64()),
        ("is_final", pa.bool_()),
        ("flags", pa.string()),
        ("as_of", pa.timestamp("us", "UTC")),
    ]
    found = [(field.name, field.type) for field in schema]
    if found != wanted:
        differs(f"{where} types", found, wanted)


def check_metadata(where, metadata, answer):
    found = {key.decode(): value.decode() for key, value in (metadata or {}).items()}
    found = {key: value for key, value in found.items() if key.startswith("cream.")}
    if "series" in answer:
        names = ["interval", "adjustment", "start", "end"]
        outcomes = [
            {"symbol": series["symbol"], "outcome": series["outcome"]} for series in answer["series"]
        ]
        told = json.loads(found.pop("cream.outcomes"))
        told = [{key: one[key] for key in ("symbol", "outcome")} for one in told]
        if told != outcomes:
            differs(f"{where} outcomes", told, outcomes)
    else:
        names = ["symbol", "vendor", "currency", "currency_major", "currency_units", "time_zone"]
        names += ["interval", "price_basis", "adjustment", "adjusted_from", "adjusted_from_reason"]
        names += ["start", "end"]
    wanted = {
        f"cream.{name}": str(answer[name]) for name in names if answer.get(name) is not None
    }
    if found != wanted:
        differs(f"{where} metadata", found, wanted)


def check(path):
    answer = json.loads(fetch(path, "json"), parse_float=Decimal)
    wanted = wanted_rows(answer)
    arrow, parquet = fetch(path, "arrow"), fetch(path, "parquet")
    table = pa.ipc.open_stream(arrow).read_all()
    # What a reader must not take on trust.
    table.validate(full=True)
    file = os.path.join(folder, "bars.parquet")
    with open(file, "wb") as out:
        out.write(parquet)
    check_types(f"{path} arrow", table.schema, "series" in answer)
    check_types(f"{path} parquet", pq.read_schema(file), "series" in answer)
    check_metadata(f"{path} arrow", table.schema.metadata, answer)
    check_metadata(f"{path} parquet", pq.read_metadata(file).metadata, answer)
    readings = {
        "arrow by pyarrow": rows_of_arrow(table),
        "arrow by pandas": rows_of_pandas(table.to_pandas(types_mapper=pd.ArrowDtype)),
        "arrow by polars": rows_of_polars(pl.read_ipc_stream(io.BytesIO(arrow))),
        "arrow by duckdb": rows_of_duckdb(duckdb.from_arrow(table)),
        "parquet by pyarrow": rows_of_arrow(pq.read_table(file)),
        "parquet by pandas": rows_of_pandas(pd.read_parquet(file, dtype_backend="pyarrow")),
        "parquet by polars": rows_of_polars(pl.read_parquet(file)),
        "parquet by duckdb": rows_of_duckdb(duckdb.read_parquet(file)),
    }
    for reader, found in readings.items():
        if len(found) != len(wanted):
            differs(f"{path} {reader}: rows", len(found), len(wanted))
        for one, other in zip(found, wanted):
            if tuple(one) != other:
                differs(f"{path} {reader}", one, other)
                break
    return len(wanted)


rows = [check(path) for path in paths]
for difference in differences:
    print(difference, file=sys.stderr)
if differences:
    sys.exit(1)
print(f"{len(rows)} answers of {sum(rows)} bars agree")
