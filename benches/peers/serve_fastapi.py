"""The latest bar and the history of a symbol with FastAPI and SQLAlchemy, from the SQLite database
that api-server serves. Beside it api-server is measured by benches/serve.py.

    DATABASE=cream.db uvicorn --app-dir benches/peers serve_fastapi:app

As its documentation has it: models of the tables, a session a request, answers as typed models, which
pydantic writes. Prices are exact decimals, in JSON as pydantic writes those: as text.
"""

import datetime
import decimal
import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, Integer, TypeDecorator, create_engine, event, select
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


class Nanos(TypeDecorator):
    """A price, which is stored in 1e-9 units."""

    impl, cache_ok = Integer, True

    def process_result_value(self, value, dialect):
        return None if value is None else decimal.Decimal(value).scaleb(-9).normalize()


class Day(TypeDecorator):
    """A date, which is stored in days since 1970-01-01."""

    impl, cache_ok = Integer, True

    def process_bind_param(self, value, dialect):
        return None if value is None else value.toordinal() - EPOCH

    def process_result_value(self, value, dialect):
        return None if value is None else datetime.date.fromordinal(value + EPOCH)


class Instant(TypeDecorator):
    """An instant, which is stored in microseconds since 1970."""

    impl, cache_ok = Integer, True

    def process_result_value(self, value, dialect):
        return None if value is None else START + datetime.timedelta(microseconds=value)


class Flags(TypeDecorator):
    """What is odd about a bar, which is stored as bits."""

    impl, cache_ok = Integer, True

    def process_result_value(self, value, dialect):
        return [name for bit, name in enumerate(FLAGS) if value & 1 << bit]


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
    last_date: Mapped[datetime.date | None] = mapped_column(Day)


class StockData(Base):
    __tablename__ = "stock_data"
    stock_id: Mapped[int] = mapped_column(ForeignKey("stock.id"), primary_key=True)
    vendor: Mapped[int] = mapped_column(primary_key=True)
    date: Mapped[datetime.date] = mapped_column(Day, primary_key=True)
    open: Mapped[decimal.Decimal | None] = mapped_column(Nanos)
    high: Mapped[decimal.Decimal | None] = mapped_column(Nanos)
    low: Mapped[decimal.Decimal | None] = mapped_column(Nanos)
    close: Mapped[decimal.Decimal | None] = mapped_column(Nanos)
    adj_close: Mapped[decimal.Decimal | None] = mapped_column(Nanos)
    volume: Mapped[int | None]
    is_final: Mapped[bool]
    flags: Mapped[list[str]] = mapped_column(Flags)
    as_of: Mapped[datetime.datetime] = mapped_column(Instant)
    withdrawn_at: Mapped[int | None]


class Bar(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    date: datetime.date
    open: decimal.Decimal | None
    high: decimal.Decimal | None
    low: decimal.Decimal | None
    close: decimal.Decimal | None
    adj_close: decimal.Decimal | None
    volume: int | None
    is_final: bool
    flags: list[str]
    as_of: datetime.datetime


class Currency(BaseModel):
    currency: str | None
    currency_major: str | None
    currency_units: int | None

    @staticmethod
    def of(code):
        major, units = SUBUNITS.get(code, (code, 1)) if code else (None, None)
        return {"currency": code, "currency_major": major, "currency_units": units}


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


engine = create_engine(f"sqlite:///{os.environ['DATABASE']}")
app = FastAPI()


@event.listens_for(engine, "connect")
def read_only(connection, _):
    connection.execute("pragma query_only = on")


def session() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


Database = Annotated[Session, Depends(session)]


def find_series(database: Session, symbol: str) -> Series:
    found = database.scalars(
        select(Series).join(Stock).where(Stock.symbol == symbol)
        .order_by(Series.last_date.desc(), Series.vendor).limit(1)
    ).first()
    if found is None:
        raise HTTPException(404, f"nothing is held for {symbol}")
    return found


def bars_of(series: Series):
    return select(StockData).where(
        StockData.stock_id == series.stock_id, StockData.vendor == series.vendor,
        StockData.withdrawn_at.is_(None))


@app.get("/stock-data/{symbol}")
def latest(symbol: str, database: Database) -> Latest:
    series = find_series(database, symbol)
    bar = database.scalars(bars_of(series).order_by(StockData.date.desc()).limit(1)).first()
    if bar is None:
        raise HTTPException(404, f"{symbol} holds no bar")
    return Latest(
        **Bar.model_validate(bar).model_dump(), **Currency.of(series.currency), symbol=symbol,
        id=bar.stock_id << 29 | bar.vendor << 22 | bar.date.toordinal() - 1,
        price=None if bar.close is None else round(bar.close * 100),
        vendor=VENDORS[series.vendor], price_basis=BASES[series.vendor])


@app.get("/stock-data/{symbol}/history")
def history(symbol: str, database: Database, start: datetime.date | None = None,
            end: datetime.date | None = None) -> History:
    series = find_series(database, symbol)
    query = bars_of(series).order_by(StockData.date)
    if start is not None:
        query = query.where(StockData.date >= start)
    if end is not None:
        query = query.where(StockData.date <= end)
    bars = [Bar.model_validate(bar) for bar in database.scalars(query)]
    return History(
        **Currency.of(series.currency), symbol=symbol, vendor=VENDORS[series.vendor],
        time_zone=series.time_zone, interval="1d", price_basis=BASES[series.vendor],
        adjustment=None, adjusted_from=None, start=start, end=end, count=len(bars), bars=bars,
        next=None)
