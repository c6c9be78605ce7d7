"""The latest bar and the history of a symbol with FastAPI and SQLAlchemy, from the SQLite database
that api-server serves. Beside it api-server is measured by benches/serve.py.

    DATABASE=cream.db uvicorn --app-dir benches/peers serve_fastapi:app

As who knows both would write it: models of the tables, a session a request, opened where it is used
and not by a dependency, which costs two changes of thread; rows of columns and not objects; answers as typed models, which pydantic's compiled core checks and
writes as JSON; prices as floats, whose shortest text is the price. uvicorn has uvloop and httptools.
"""

import datetime
import functools
import os

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import ForeignKey, bindparam, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

EPOCH = datetime.date(1970, 1, 1).toordinal()
START = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
VENDORS = {1: "yahoo-chart", 2: "yahoo-page", 3: "tiingo", 4: "alpha-vantage", 5: "massive",
           6: "eodhd", 7: "stooq", 8: "nasdaq", 9: "csv"}
BASES = {1: "split_adjusted", 2: "split_adjusted", 3: "as_traded", 4: "as_traded",
         5: "split_adjusted", 6: "as_traded", 7: "unknown", 8: "split_adjusted", 9: "unknown"}
FLAGS = ["outside_range", "high_below_low", "negative_price", "zero_price", "zero_volume",
         "duplicate_date", "rounded"]
SUBUNITS = {"GBp": ("GBP", 100), "GBX": ("GBP", 100), "ZAc": ("ZAR", 100), "ILA": ("ILS", 100)}


class Base(DeclarativeBase):
    pass


class Stock(Base):
    __tablename__ = "stock"
    id: Mapped[int] = mapped_column(primary_key=True)
    symbol: Mapped[str]


class Series(Base):
    __tablename__ = "series"
    stock_id: Mapped[int] = mapped_column(ForeignKey("stock.id"), primary_key=True)
    vendor: Mapped[int] = mapped_column(primary_key=True)
    currency: Mapped[str | None]
    time_zone: Mapped[str | None]
    last_date: Mapped[int | None]


class StockData(Base):
    """Dates in days since 1970-01-01, prices in 1e-9 units, instants in microseconds since 1970."""

    __tablename__ = "stock_data"
    stock_id: Mapped[int] = mapped_column(ForeignKey("stock.id"), primary_key=True)
    vendor: Mapped[int] = mapped_column(primary_key=True)
    date: Mapped[int] = mapped_column(primary_key=True)
    open: Mapped[int | None]
    high: Mapped[int | None]
    low: Mapped[int | None]
    close: Mapped[int | None]
    adj_close: Mapped[int | None]
    volume: Mapped[int | None]
    is_final: Mapped[int]
    flags: Mapped[int]
    as_of: Mapped[int]
    withdrawn_at: Mapped[int | None]


class Bar(BaseModel):
    date: datetime.date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    adj_close: float | None
    volume: int | None
    is_final: bool
    flags: list[str]
    as_of: datetime.datetime


class Currency(BaseModel):
    currency: str | None
    currency_major: str | None
    currency_units: int | None


class Latest(Currency, Bar):
    id: int
    symbol: str
    price: int | None
    vendor: str
    price_basis: str


class History(Currency):
    symbol: str
    vendor: str
    time_zone: str | None
    interval: str
    price_basis: str
    adjustment: str | None
    adjusted_from: datetime.date | None
    start: datetime.date | None
    end: datetime.date | None
    count: int
    bars: list[Bar]
    next: str | None


COLUMNS = [StockData.date, StockData.open, StockData.high, StockData.low, StockData.close,
           StockData.adj_close, StockData.volume, StockData.is_final, StockData.flags,
           StockData.as_of]


# Few differ within a history.
@functools.lru_cache
def flags(bits: int) -> list[str]:
    return [name for bit, name in enumerate(FLAGS) if bits & 1 << bit]


@functools.lru_cache
def instant(micros: int) -> datetime.datetime:
    return START + datetime.timedelta(microseconds=micros)


def bar(row) -> dict:
    date, open_, high, low, close, adj_close, volume, is_final, bits, as_of = row
    return {
        "date": datetime.date.fromordinal(date + EPOCH),
        "open": None if open_ is None else open_ / 1e9,
        "high": None if high is None else high / 1e9,
        "low": None if low is None else low / 1e9,
        "close": None if close is None else close / 1e9,
        "adj_close": None if adj_close is None else adj_close / 1e9,
        "volume": volume,
        "is_final": bool(is_final),
        "flags": flags(bits),
        "as_of": instant(as_of),
    }


def currency(code: str | None) -> dict:
    major, units = SUBUNITS.get(code, (code, 1)) if code else (None, None)
    return {"currency": code, "currency_major": major, "currency_units": units}


engine = create_engine(f"sqlite:///{os.environ['DATABASE']}")
app = FastAPI()


@event.listens_for(engine, "connect")
def read_only(connection, _):
    connection.execute("pragma query_only = on")


FRESHEST = (
    select(Series.stock_id, Series.vendor, Series.currency, Series.time_zone).join(Stock)
    .where(Stock.symbol == bindparam("symbol"))
    .order_by(Series.last_date.desc(), Series.vendor).limit(1)
)


def find_series(database: Session, symbol: str):
    found = database.execute(FRESHEST, {"symbol": symbol}).first()
    if found is None:
        raise HTTPException(404, f"nothing is held for {symbol}")
    return found


def bars_of(series):
    return select(*COLUMNS).where(
        StockData.stock_id == series.stock_id, StockData.vendor == series.vendor,
        StockData.withdrawn_at.is_(None))


@app.get("/stock-data/{symbol}")
def latest(symbol: str) -> Latest:
    with Session(engine) as database:
        series = find_series(database, symbol)
        row = database.execute(bars_of(series).order_by(StockData.date.desc()).limit(1)).first()
    if row is None:
        raise HTTPException(404, f"{symbol} holds no bar")
    return {
        **bar(row), **currency(series.currency), "symbol": symbol,
        "id": series.stock_id << 29 | series.vendor << 22 | row.date + EPOCH - 1,
        "price": None if row.close is None else round(row.close / 10**7),
        "vendor": VENDORS[series.vendor], "price_basis": BASES[series.vendor]}


@app.get("/stock-data/{symbol}/history")
def history(symbol: str, start: datetime.date | None = None,
            end: datetime.date | None = None) -> History:
    with Session(engine) as database:
        series = find_series(database, symbol)
        query = bars_of(series).order_by(StockData.date)
        if start is not None:
            query = query.where(StockData.date >= start.toordinal() - EPOCH)
        if end is not None:
            query = query.where(StockData.date <= end.toordinal() - EPOCH)
        bars = [bar(row) for row in database.execute(query)]
    return {
        **currency(series.currency), "symbol": symbol, "vendor": VENDORS[series.vendor],
        "time_zone": series.time_zone, "interval": "1d", "price_basis": BASES[series.vendor],
        "adjustment": None, "adjusted_from": None, "start": start, "end": end,
        "count": len(bars), "bars": bars, "next": None}
