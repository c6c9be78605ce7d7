//! Adjusted prices against the definition, written down with rational numbers of any size.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use cream_models::{
    ActionKind, Adjuster, Adjustment, Bar, BarField, CorporateAction, CorporateEvent, Date,
    DateRange, LimitReason, Price, PriceBasis, SplitRatio, Vendor,
};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

/// Those that can be adjusted in every way; between them they have every basis that there is.
const VENDORS: [Vendor; 4] = [Vendor::YahooChart, Vendor::Tiingo, Vendor::Massive, Vendor::Eodhd];

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn nth(days: i32) -> Date {
    Date::from_days(18_000 + days).unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn split(date: Date, numerator: &str, denominator: &str) -> CorporateAction {
    let ratio = SplitRatio::new(price(numerator), price(denominator)).unwrap();
    CorporateAction { date, event: CorporateEvent::Split(ratio) }
}

fn dividend(date: Date, amount: &str) -> CorporateAction {
    CorporateAction { date, event: CorporateEvent::Dividend { amount: price(amount) } }
}

fn gain(date: Date, amount: &str) -> CorporateAction {
    CorporateAction { date, event: CorporateEvent::CapitalGain { amount: price(amount) } }
}

fn closes(bars: &[Bar]) -> impl Iterator<Item = (Date, Price)> {
    bars.iter().filter_map(|bar| Some((bar.date(), bar.close()?)))
}

fn adjuster(
    vendor: Vendor,
    adjustment: Adjustment,
    actions: &[CorporateAction],
    bars: &[Bar],
    known: &[DateRange],
) -> Adjuster {
    let last = bars.iter().map(Bar::date).max().unwrap();
    Adjuster::new(vendor, adjustment, actions, closes(bars), known, last).unwrap()
}

/// The definition, word by word.
struct Reference<'a> {
    vendor: Vendor,
    adjustment: Adjustment,
    actions: &'a [CorporateAction],
    bars: &'a [Bar],
    known: &'a [DateRange],
    last: Date,
}

impl Reference<'_> {
    /// The product of the ratios of the splits after a date.
    fn splits(&self, date: Date) -> BigRational {
        let mut product = BigRational::from(BigInt::from(1));
        for action in self.actions {
            if let CorporateEvent::Split(ratio) = action.event
                && date < action.date
                && action.date <= self.last
            {
                let side = |price: Price| BigInt::from(price.nanos());
                product *= BigRational::new(side(ratio.numerator()), side(ratio.denominator()));
            }
        }
        product
    }

    fn split_adjusted(&self, number: i64, basis: PriceBasis, date: Date) -> BigRational {
        let number = BigRational::from(BigInt::from(number));
        if basis == PriceBasis::AsTraded { number / self.splits(date) } else { number }
    }

    /// Whether every action after a date is known.
    fn knows(&self, date: Date) -> bool {
        (date.days() + 1..=self.last.days())
            .map(|days| Date::from_days(days).unwrap())
            .all(|date| self.known.iter().any(|range| range.contains(date)))
    }

    /// The product over distributions after a date; `None` where it cannot be told.
    fn distributions(&self, date: Date) -> Option<BigRational> {
        let zero = BigRational::from(BigInt::from(0));
        let one = BigRational::from(BigInt::from(1));
        let mut product = one.clone();
        for days in date.days() + 1..=self.last.days() {
            let ex_date = Date::from_days(days).unwrap();
            let mut cash = zero.clone();
            for action in self.actions.iter().filter(|action| action.date == ex_date) {
                if let CorporateEvent::Dividend { amount }
                | CorporateEvent::CapitalGain { amount } = action.event
                {
                    let basis = self.vendor.dividend_basis();
                    cash += self.split_adjusted(amount.nanos(), basis, ex_date);
                }
            }
            if cash == zero {
                continue;
            }
            let before = closes(self.bars).filter(|(date, _)| *date < ex_date).max()?;
            let is_split_adjusted = self.vendor.price_basis() == PriceBasis::SplitAdjusted
                && self.vendor.dividend_basis() == PriceBasis::SplitAdjusted;
            if !is_split_adjusted && !self.knows(before.0) {
                return None;
            }
            let close = self.split_adjusted(before.1.nanos(), self.vendor.price_basis(), before.0);
            if close <= zero || cash >= close {
                return None;
            }
            product *= &one - cash / close;
        }
        Some(product)
    }

    /// Whether a split after the last bar leaves it open on which share count prices are.
    fn is_open(&self) -> bool {
        let (basis, to) = (self.vendor.price_basis(), self.adjustment.price_basis());
        let is_all = self.adjustment == Adjustment::All;
        let converts = basis != to || is_all && self.vendor.dividend_basis() != to;
        let is_ahead = |action: &CorporateAction| {
            action.kind() == ActionKind::Split && action.date > self.last
        };
        basis == PriceBasis::SplitAdjusted && converts && self.actions.iter().any(is_ahead)
    }

    fn price(&self, bar: &Bar, field: BarField) -> Option<BigRational> {
        let (basis, to) = (self.vendor.price_basis(), self.adjustment.price_basis());
        let stored = bar.value(field).filter(|_| !self.is_open())?;
        if basis == to && self.adjustment != Adjustment::All {
            return Some(BigRational::from(BigInt::from(stored)));
        }
        if !self.knows(bar.date()) {
            return None;
        }
        let adjusted = self.split_adjusted(stored, basis, bar.date());
        match self.adjustment {
            Adjustment::Raw => Some(adjusted * self.splits(bar.date())),
            Adjustment::Splits => Some(adjusted),
            Adjustment::All => Some(adjusted * self.distributions(bar.date())?),
        }
    }

    fn volume(&self, bar: &Bar) -> Option<BigRational> {
        let stored = BigRational::from(BigInt::from(bar.volume()?));
        let splits = self.splits(bar.date());
        let (basis, to) = (self.vendor.volume_basis(), self.adjustment.price_basis());
        if basis == to {
            return Some(stored);
        }
        if !self.knows(bar.date()) || self.is_open() {
            return None;
        }
        match (basis, to) {
            (PriceBasis::AsTraded, _) => Some(stored * splits),
            (PriceBasis::SplitAdjusted, _) => Some(stored / splits),
            _ => (splits == BigRational::from(BigInt::from(1))).then_some(stored),
        }
    }
}

/// The nearest whole number, half to even, and how far the number is from a tie.
fn rounded(number: &BigRational) -> (BigInt, BigRational) {
    let half = BigRational::new(1.into(), 2.into());
    let floor = number.floor();
    let rest = number - &floor;
    let is_even = floor.to_integer() % BigInt::from(2) == BigInt::from(0);
    let up = rest > half || (rest == half && !is_even);
    let distance = if rest > half { &rest - &half } else { &half - &rest };
    (floor.to_integer() + BigInt::from(i32::from(up)), distance)
}

fn any_split() -> impl Strategy<Value = CorporateEvent> {
    let sides = prop_oneof![
        Just((2_000_000_000, 1_000_000_000)),
        Just((3, 2)),
        Just((1, 8)),
        Just((1000, 961)),
        Just((1_054_000_000, 1_000_000_000)),
        (1_i64..5_000, 1_i64..5_000),
    ];
    sides.prop_map(|(numerator, denominator)| {
        let side = Price::from_nanos;
        CorporateEvent::Split(SplitRatio::new(side(numerator), side(denominator)).unwrap())
    })
}

fn any_event() -> impl Strategy<Value = CorporateEvent> {
    let amount = prop_oneof![
        5 => 1_i64..3_000_000_000,
        1 => -1_000_000_000_i64..=0,
        1 => 1_i64..200_000_000_000,
    ]
    .prop_map(Price::from_nanos);
    prop_oneof![
        2 => any_split(),
        3 => amount.clone().prop_map(|amount| CorporateEvent::Dividend { amount }),
        1 => amount.prop_map(|amount| CorporateEvent::CapitalGain { amount }),
    ]
}

fn any_actions() -> impl Strategy<Value = Vec<CorporateAction>> {
    prop::collection::vec((0..44, any_event()), 0..12).prop_map(|list| {
        let mut actions: Vec<_> = list
            .into_iter()
            .map(|(days, event)| CorporateAction { date: nth(days), event })
            .collect();
        actions.sort_by_key(CorporateAction::key);
        actions.dedup_by_key(|action| action.key());
        actions
    })
}

fn any_bars() -> impl Strategy<Value = Vec<Bar>> {
    let value = prop_oneof![
        6 => (1_i64..50_000).prop_map(|cents| Some(cents * 10_000_000)),
        2 => (1_i64..500_000_000_000).prop_map(Some),
        1 => any::<i64>().prop_map(Some),
        1 => Just(None),
    ];
    let bar = (0..40, prop::array::uniform6(value)).prop_map(|(days, values)| {
        let mut bar = Bar::new(nth(days));
        for (field, value) in BarField::ALL.into_iter().zip(values) {
            bar.set(field, value);
        }
        bar
    });
    prop::collection::vec(bar, 1..25).prop_map(|mut bars| {
        bars.sort_by_key(Bar::date);
        bars.dedup_by_key(|bar| bar.date());
        bars
    })
}

fn any_known() -> impl Strategy<Value = Vec<DateRange>> {
    let ranges = prop::collection::vec((-5..45, 0..40), 0..4).prop_map(|list| {
        let range = |(first, length)| DateRange::new(nth(first), nth(first + length)).unwrap();
        cream_models::Coverage::normalized(list.into_iter().map(range).collect())
    });
    prop_oneof![Just(vec![DateRange::ALL]), ranges]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_number_is_that_of_the_definition(
        vendor in prop::sample::select(&VENDORS[..]),
        adjustment in prop::sample::select(&Adjustment::ALL[..]),
        actions in any_actions(),
        bars in any_bars(),
        known in any_known(),
    ) {
        let ours = adjuster(vendor, adjustment, &actions, &bars, &known);
        let last = bars.last().unwrap().date();
        let reference =
            Reference { vendor, adjustment, actions: &actions, bars: &bars, known: &known, last };
        let nearly = BigRational::new(1.into(), BigInt::from(1) << 30);
        for bar in &bars {
            let adjusted = ours.bar(bar);
            prop_assert_eq!(adjusted.adj_close(), bar.adj_close());
            prop_assert_eq!(adjusted.date(), bar.date());
            for field in BarField::ALL.into_iter().filter(|field| *field != BarField::AdjClose) {
                let wanted = match field {
                    BarField::Volume => reference.volume(bar),
                    _ => reference.price(bar, field),
                };
                let got = adjusted.value(field).map(BigInt::from);
                let wanted = wanted.map(|wanted| rounded(&wanted));
                let in_range = |number: &BigInt| i64::try_from(number.clone()).is_ok();
                match wanted.filter(|(number, _)| in_range(number)) {
                    // A tie may go either way where 128 bits do not tell that it is one.
                    Some((number, to_tie)) if to_tie < nearly && adjustment == Adjustment::All => {
                        let got = got.unwrap();
                        prop_assert!(got == number || got == &number + 1 || got == &number - 1);
                    }
                    wanted => {
                        prop_assert_eq!(got, wanted.map(|(number, _)| number), "{} {:?}", bar.date(), field);
                    }
                }
            }
        }
        // Whatever the limit, it parts the unknown from the known.
        if let Some(from) = ours.known_from() {
            for bar in bars.iter().filter(|bar| bar.date() < from) {
                prop_assert_eq!(ours.bar(bar).close(), None);
            }
        }
    }

    #[test]
    fn neither_order_nor_what_follows_the_last_bar_matters(
        vendor in prop::sample::select(&VENDORS[..]),
        actions in any_actions(),
        bars in any_bars(),
        later in any_event(),
    ) {
        let known = [DateRange::ALL];
        let after = bars.last().unwrap().date().next().unwrap();
        let mut actions = actions;
        actions.retain(|action| action.date < after || action.kind() != ActionKind::Split);
        let ours = adjuster(vendor, Adjustment::All, &actions, &bars, &known);
        let mut shuffled: Vec<_> = actions.iter().rev().copied().collect();
        shuffled.retain(|action| action.date < after);
        shuffled.insert(0, CorporateAction { date: after, event: later });
        let backwards: Vec<_> = bars.iter().rev().copied().collect();
        let other = adjuster(vendor, Adjustment::All, &shuffled, &backwards, &known);
        if vendor == Vendor::Massive && matches!(later, CorporateEvent::Split(_)) {
            // Massive may have rewritten its prices for it, or not.
            let limit = other.limit().unwrap();
            prop_assert_eq!((limit.from, limit.reason), (after, LimitReason::SplitAhead));
            prop_assert!(bars.iter().all(|bar| other.bar(bar).close().is_none()));
            return Ok(());
        }
        for bar in &bars {
            prop_assert_eq!(ours.bar(bar), other.bar(bar));
        }
        prop_assert_eq!(ours.limit(), other.limit());
    }

    #[test]
    fn there_and_back_is_the_same_price(
        cents in 1_i64..100_000_000,
        which in prop::sample::select(&[("2", "1", 0), ("4", "1", 0), ("5", "1", 0),
            ("1", "8", 0), ("1", "10", 0), ("20", "1", 0), ("1.25", "1", 0), ("2", "3", 0),
            ("961", "1000", 0), ("3", "1", 1), ("3", "2", 1), ("1000", "961", 1), ("7", "1", 3)][..]),
    ) {
        let (numerator, denominator, within) = which;
        let actions = [split(nth(5), numerator, denominator)];
        let last = nth(9);
        let stored = Bar::new(nth(1)).with_close(Price::from_nanos(cents * 10_000_000));
        let to = |vendor, adjustment| {
            let known = [DateRange::ALL];
            Adjuster::new(vendor, adjustment, &actions, [], &known, last).unwrap()
        };
        // A vendor that is as traded, and one that is split-adjusted.
        let there = to(Vendor::Tiingo, Adjustment::Splits).bar(&stored);
        let back = to(Vendor::YahooChart, Adjustment::Raw).bar(&there);
        let difference = back.close().unwrap().checked_sub(stored.close().unwrap()).unwrap();
        prop_assert!(difference.nanos().abs() <= within, "{difference}");
    }
}

fn bar(date: &str, close: &str, volume: i64) -> Bar {
    Bar::new(day(date)).with_close(price(close)).with_volume(volume)
}

fn shown(adjuster: &Adjuster, bars: &[Bar]) -> Vec<String> {
    let text = |bar: &Bar| {
        let bar = adjuster.bar(bar);
        let close = bar.close().map_or("-".to_owned(), |close| close.to_string());
        format!("{close} {}", bar.volume().map_or("-".to_owned(), |volume| volume.to_string()))
    };
    bars.iter().map(text).collect()
}

#[test]
fn a_split_and_a_dividend_of_one_day_meet_on_the_new_share_count() {
    // 100 before, a 2:1 split, and 1 a new share: 50 before on the new count, 49 of it is left.
    let bars = [bar("2024-01-04", "100", 7), bar("2024-01-05", "49", 14)];
    let on = day("2024-01-05");
    let as_paid = [split(on, "2", "1"), dividend(on, "1")];
    let known = [DateRange::ALL];
    let all = adjuster(Vendor::Tiingo, Adjustment::All, &as_paid, &bars, &known);
    assert_eq!(shown(&all, &bars), ["49 14", "49 14"]);
    let splits = adjuster(Vendor::Tiingo, Adjustment::Splits, &as_paid, &bars, &known);
    assert_eq!(shown(&splits, &bars), ["50 14", "49 14"]);
    let stored = [bar("2024-01-04", "50", 14), bar("2024-01-05", "49", 14)];
    for vendor in [Vendor::YahooChart, Vendor::Massive] {
        let all = adjuster(vendor, Adjustment::All, &as_paid, &stored, &known);
        assert_eq!(shown(&all, &stored), ["49 14", "49 14"], "{vendor}");
        let raw = adjuster(vendor, Adjustment::Raw, &as_paid, &stored, &known);
        assert_eq!(shown(&raw, &stored), ["100 7", "49 14"], "{vendor}");
    }
}

#[test]
fn a_dividend_before_a_split_is_brought_to_its_share_count() {
    // Apple in 2020: 0.82 a share paid on 2020-08-07 is 0.205 after the 4:1 split of 2020-08-31.
    let as_traded = [
        bar("2020-08-06", "455.61", 50_607_200),
        bar("2020-08-07", "444.45", 49_511_400),
        bar("2020-08-28", "499.23", 46_907_479),
        bar("2020-08-31", "129.04", 225_702_700),
    ];
    let paid = [dividend(day("2020-08-07"), "0.82"), split(day("2020-08-31"), "4", "1")];
    let known = [DateRange::ALL];
    let ours = adjuster(Vendor::Tiingo, Adjustment::All, &paid, &as_traded, &known);
    // 455.61 / 4 * (1 - 0.82 / 455.61) is 454.79 / 4.
    assert_eq!(
        shown(&ours, &as_traded),
        ["113.6975 202428800", "111.1125 198045600", "124.8075 187629916", "129.04 225702700"]
    );
    // Massive's prices are split-adjusted, its dividends as paid.
    let split_adjusted = [bar("2020-08-06", "113.9025", 1), bar("2020-08-31", "129.04", 1)];
    let ours = adjuster(Vendor::Massive, Adjustment::All, &paid, &split_adjusted, &known);
    assert_eq!(shown(&ours, &split_adjusted), ["113.6975 1", "129.04 1"]);
}

#[test]
fn distributions_of_one_day_act_together() {
    let bars = [bar("2024-01-04", "10", 1), bar("2024-01-05", "7", 1)];
    let actions = [gain(day("2024-01-05"), "2"), dividend(day("2024-01-05"), "1")];
    let ours = adjuster(Vendor::YahooChart, Adjustment::All, &actions, &bars, &[DateRange::ALL]);
    assert_eq!(shown(&ours, &bars), ["7 1", "7 1"]);
}

#[test]
fn the_last_known_close_counts_and_not_the_day_before() {
    let mut bars =
        [bar("2024-01-03", "8", 1), bar("2024-01-04", "1", 1), bar("2024-01-08", "6", 1)];
    bars[1] = Bar::new(bars[1].date()).with_open(price("8"));
    let actions = [dividend(day("2024-01-07"), "2")];
    let ours = adjuster(Vendor::YahooChart, Adjustment::All, &actions, &bars, &[DateRange::ALL]);
    assert_eq!(shown(&ours, &bars), ["6 1", "- -", "6 1"]);
    assert_eq!(ours.bar(&bars[1]).open(), Some(price("6")));
    assert_eq!(ours.known_from(), None);
}

#[test]
fn a_close_on_an_unknown_share_count_is_no_measure() {
    let bars = [bar("2024-01-03", "8", 1), Bar::new(day("2024-01-05")), bar("2024-01-08", "6", 1)]
        .map(|bar| bar.with_open(price("8")));
    let actions = [dividend(day("2024-01-08"), "2")];
    // A split of 2024-01-04 would not be known of.
    let known = ["2024-01-06..2024-01-08".parse().unwrap()];
    let opens = |vendor| {
        let ours = adjuster(vendor, Adjustment::All, &actions, &bars, &known);
        (bars.map(|bar| ours.bar(&bar).open().map(Price::nanos)), ours.known_from().unwrap())
    };
    let (six, eight) = (Some(6_000_000_000), Some(8_000_000_000));
    assert_eq!(opens(Vendor::Tiingo), ([None, None, eight], day("2024-01-08")));
    // Both are split-adjusted, whatever happened on that day.
    assert_eq!(opens(Vendor::YahooChart), ([None, six, eight], day("2024-01-05")));
}

#[test]
fn four_hundred_dividends_are_exact_to_the_last_digit() {
    // Each leaves 399 of 400: what is left of 2^63 - 1 has 18 digits, and every one is right.
    let dates = |n: i32| nth(2 * n);
    let actions: Vec<_> = (1..=400).map(|n| dividend(dates(n), "0.25")).collect();
    let mut bars: Vec<_> = (0..=400).map(|n| Bar::new(dates(n)).with_close(price("100"))).collect();
    bars[0].set(BarField::High, Some(i64::MAX));
    let ours = adjuster(Vendor::YahooChart, Adjustment::All, &actions, &bars, &[DateRange::ALL]);
    let left = BigRational::new(399.into(), 400.into()).pow(400);
    let wanted = rounded(&(BigRational::from(BigInt::from(i64::MAX)) * left)).0;
    assert_eq!(ours.bar(&bars[0]).high().map(|high| BigInt::from(high.nanos())), Some(wanted));
}

#[test]
fn what_takes_everything_ends_the_adjusted_prices() {
    let bars = [bar("2024-01-03", "8", 1), bar("2024-01-04", "2", 1), bar("2024-01-05", "1", 1)];
    let on = day("2024-01-05");
    let known = [DateRange::ALL];
    let all = |bars: &[Bar], actions: &[CorporateAction]| {
        adjuster(Vendor::YahooChart, Adjustment::All, actions, bars, &known)
    };
    let ours = all(&bars, &[dividend(on, "2"), dividend(day("2024-01-04"), "3")]);
    assert_eq!(shown(&ours, &bars), ["- 1", "- 1", "1 1"]);
    let limit = ours.limit().unwrap();
    assert_eq!(limit.from, on);
    assert_eq!(
        limit.to_string(),
        "the distribution of 2024-01-05, 2 a share, leaves nothing of the close before it, 2"
    );
    let negative = [bar("2024-01-04", "-37.63", 1), bar("2024-01-05", "1", 1)];
    let ours = all(&negative, &[dividend(on, "0.01")]);
    assert!(matches!(ours.limit().unwrap().reason, LimitReason::NotBelowClose { .. }));
    let none = [Bar::new(day("2024-01-04")).with_open(price("3")), bar("2024-01-05", "1", 1)];
    let ours = all(&none, &[dividend(on, "0.01")]);
    assert_eq!(ours.bar(&none[0]).open(), None);
    assert_eq!(ours.limit().unwrap().reason, LimitReason::NoClose);
}

#[test]
fn before_what_is_known_nothing_is_adjusted() {
    let bars = [bar("2024-01-03", "8", 5), bar("2024-01-04", "4", 5), bar("2024-01-05", "2", 5)];
    let actions = [split(day("2024-01-05"), "2", "1")];
    let range = |text: &str| vec![text.parse::<DateRange>().unwrap()];
    let limit = |vendor, adjustment, known: &[DateRange]| {
        let ours = adjuster(vendor, adjustment, &actions, &bars, known);
        (shown(&ours, &bars).join(", "), ours.known_from().map(|from| from.to_string()))
    };
    let from = |text: &str| Some(text.to_owned());
    let tiingo = |known: &[DateRange]| limit(Vendor::Tiingo, Adjustment::Splits, known);
    // The bar of the day before is on the share count that the first day known ends.
    let known = range("2024-01-05..2024-02-01");
    assert_eq!(tiingo(&known), ("- -, 2 10, 2 5".to_owned(), from("2024-01-04")));
    let all = ("4 10, 2 10, 2 5".to_owned(), from("2024-01-03"));
    assert_eq!(tiingo(&range("2024-01-04..2024-01-05")), all);
    // Known, but for the last bar's day.
    let known = range("2020-01-01..2024-01-04");
    assert_eq!(tiingo(&known), ("- -, - -, 2 5".to_owned(), from("2024-01-05")));
    assert_eq!(tiingo(&[]), ("- -, - -, 2 5".to_owned(), from("2024-01-05")));
    // What is stored so needs no action.
    let stored = ("8 5, 4 5, 2 5".to_owned(), None);
    assert_eq!(limit(Vendor::YahooChart, Adjustment::Splits, &[]), stored);
    assert_eq!(limit(Vendor::Tiingo, Adjustment::Raw, &[]), stored);
    assert_eq!(limit(Vendor::Nasdaq, Adjustment::Splits, &[]), stored);
    // On which count the volume is, is not known, and it matters before the split.
    let known = [DateRange::ALL];
    assert_eq!(limit(Vendor::Eodhd, Adjustment::Raw, &known), ("8 -, 4 -, 2 5".to_owned(), None));
    assert_eq!(limit(Vendor::Eodhd, Adjustment::Raw, &[]), ("8 -, 4 -, 2 5".to_owned(), None));
}

#[test]
fn what_does_not_fit_is_unknown() {
    let bars = [bar("2024-01-03", "9000000000", i64::MAX), bar("2024-01-05", "2", 5)];
    let on = day("2024-01-05");
    let known = [DateRange::ALL];
    let ours = adjuster(Vendor::YahooChart, Adjustment::Raw, &[split(on, "2", "1")], &bars, &known);
    // i64::MAX halves to a tie, which goes to the even side.
    assert_eq!(shown(&ours, &bars), ["- 4611686018427387904", "2 5"]);
    assert_eq!(ours.known_from(), None);

    let odd = |n: i32| split(nth(n), &format!("{}.999999937", 9_000_000_000 - i64::from(n)), "1");
    let actions = [odd(1), odd(2), odd(3)];
    let bars: Vec<_> = (0..4).map(|n| Bar::new(nth(n)).with_close(price("1"))).collect();
    let ours = adjuster(Vendor::Tiingo, Adjustment::Splits, &actions, &bars, &known);
    assert_eq!(ours.limit().unwrap().reason, LimitReason::TooLarge);
    assert_eq!(ours.known_from(), Some(nth(1)));
    assert_eq!(ours.bar(&bars[3]).close(), Some(price("1")));
    assert_eq!(ours.bar(&bars[0]).close(), None);
}

#[test]
fn vendors_that_cannot_be_adjusted_say_why() {
    let why = |vendor, adjustment: Adjustment| {
        adjustment.check(vendor).map_err(|error| error.to_string())
    };
    for vendor in VENDORS {
        for adjustment in Adjustment::ALL {
            assert_eq!(why(vendor, adjustment), Ok(()));
        }
    }
    assert_eq!(why(Vendor::Nasdaq, Adjustment::Splits), Ok(()));
    assert_eq!(
        why(Vendor::Nasdaq, Adjustment::Raw).unwrap_err(),
        "nasdaq does not tell of splits, which adjustment=raw needs: its prices are split-adjusted"
    );
    assert_eq!(
        why(Vendor::Nasdaq, Adjustment::All).unwrap_err(),
        "nasdaq does not tell of splits, which adjustment=all needs: its dividends are as paid and \
         its prices split-adjusted"
    );
    for vendor in [Vendor::Stooq, Vendor::Csv] {
        for adjustment in Adjustment::ALL {
            let why = why(vendor, adjustment).unwrap_err();
            assert!(why.contains(vendor.name()) && why.contains("is not known"), "{why}");
        }
    }
    assert_eq!("splits".parse(), Ok(Adjustment::Splits));
    let unknown = "Raw".parse::<Adjustment>().unwrap_err().to_string();
    assert_eq!(unknown, "\"Raw\" is not an adjustment; expected raw, splits or all");
}
