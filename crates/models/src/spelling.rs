//! How each vendor spells a symbol.
//!
//! Canonical symbols are spelled as Yahoo does. For every other vendor a row of a table says how
//! symbols of one kind are spelled there; where no row applies, the vendor's own spelling has to
//! be given.

use crate::{Symbol, Vendor};

/// There is no rule for how a vendor spells a symbol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpellingError {
    /// No row of the table applies.
    #[error(
        "how {vendor} spells {symbol} is not known; give the vendor's own spelling, or ask \
         another vendor"
    )]
    Unknown {
        /// The vendor.
        vendor: Vendor,
        /// The canonical symbol.
        symbol: Symbol,
    },
    /// A spelling that was given and can be none.
    #[error(
        "{0:?} is no vendor's spelling: expected 1 to 64 printable ASCII characters without spaces"
    )]
    Unusable(String),
}

/// How a vendor spells a symbol: as `given`, or else by the table.
///
/// ```
/// use cream_models::{Symbol, Vendor, spelling};
///
/// let symbol = Symbol::parse("BRK-B")?;
/// assert_eq!(spelling(Vendor::Massive, &symbol, None)?, "BRK.B");
/// assert_eq!(spelling(Vendor::Stooq, &symbol, None)?, "brk-b.us");
/// assert_eq!(spelling(Vendor::Massive, &symbol, Some("BACpL"))?, "BACpL");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Where no row of the table applies, or what is given can be no spelling.
pub fn spelling(
    vendor: Vendor,
    symbol: &Symbol,
    given: Option<&str>,
) -> Result<String, SpellingError> {
    if let Some(given) = given {
        let is_usable =
            (1..=64).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_graphic());
        return if is_usable {
            Ok(given.to_owned())
        } else {
            Err(SpellingError::Unusable(given.chars().take(64).collect()))
        };
    }
    by_table(vendor, symbol.as_str())
        .ok_or_else(|| SpellingError::Unknown { vendor, symbol: symbol.clone() })
}

/// One kind of symbol, by vendor. `{R}` is the root, `{C}` what stands behind it (the class, or
/// the second currency), `{r}` and `{c}` the same in lower case. An empty cell: not known.
struct Row {
    tiingo: &'static str,
    alpha_vantage: &'static str,
    massive: &'static str,
    eodhd: &'static str,
    stooq: &'static str,
    nasdaq: &'static str,
}

/// `AAPL`.
const US_STOCK: Row = Row {
    tiingo: "{R}",
    alpha_vantage: "{R}",
    massive: "{R}",
    eodhd: "{R}.US",
    stooq: "{r}.us",
    nasdaq: "{R}",
};
/// `BRK-B`.
const US_CLASS: Row = Row {
    tiingo: "{R}-{C}",
    alpha_vantage: "{R}-{C}",
    massive: "{R}.{C}",
    eodhd: "{R}-{C}.US",
    stooq: "{r}-{c}.us",
    nasdaq: "{R}/{C}",
};
/// `BAC-PL`, a preferred share of the series L.
const US_PREFERRED: Row = Row {
    tiingo: "{R}-P-{C}",
    alpha_vantage: "",
    massive: "{R}p{C}",
    eodhd: "",
    stooq: "",
    nasdaq: "{R}^{C}",
};
/// `EURUSD=X`.
const CURRENCIES: Row = Row {
    tiingo: "",
    alpha_vantage: "",
    massive: "C:{R}{C}",
    eodhd: "{R}{C}.FOREX",
    stooq: "{r}{c}",
    nasdaq: "",
};
/// `BTC-EUR`.
const CRYPTO: Row = Row {
    tiingo: "",
    alpha_vantage: "",
    massive: "X:{R}{C}",
    eodhd: "{R}-{C}.CC",
    stooq: "",
    nasdaq: "",
};
/// `BTC-USD`.
const CRYPTO_IN_DOLLARS: Row = Row { stooq: "{r}.v", ..CRYPTO };

/// Indices: Yahoo, Massive, EODHD, Stooq, Nasdaq.
#[rustfmt::skip]
const INDICES: [(&str, [&str; 4]); 12] = [
    ("^GSPC",     ["I:SPX",  "GSPC.INDX",     "^spx", "SPX"]),
    ("^DJI",      ["I:DJI",  "DJI.INDX",      "^dji", ""]),
    ("^IXIC",     ["I:COMP", "IXIC.INDX",     "^ndq", "COMP"]),
    ("^NDX",      ["I:NDX",  "NDX.INDX",      "^ndx", "NDX"]),
    ("^RUT",      ["I:RUT",  "RUT.INDX",      "",     "RUT"]),
    ("^VIX",      ["I:VIX",  "VIX.INDX",      "",     "VIX"]),
    ("^GDAXI",    ["",       "GDAXI.INDX",    "^dax", ""]),
    ("^FTSE",     ["",       "FTSE.INDX",     "^ukx", ""]),
    ("^FCHI",     ["",       "FCHI.INDX",     "^cac", ""]),
    ("^STOXX50E", ["",       "STOXX50E.INDX", "",     ""]),
    ("^N225",     ["",       "N225.INDX",     "^nkx", ""]),
    ("^HSI",      ["",       "HSI.INDX",      "^hsi", ""]),
];

/// What stands behind the root for a market: Yahoo, Alpha Vantage, EODHD, Stooq.
#[rustfmt::skip]
const MARKETS: [(&str, [&str; 3]); 35] = [
    (".L",  [".LON", ".LSE",   ".uk"]),
    (".TO", [".TRT", ".TO",    ""]),
    (".V",  [".TRV", ".V",     ""]),
    (".NE", ["",     ".NEO",   ""]),
    (".DE", [".DEX", ".XETRA", ".de"]),
    (".F",  [".FRK", ".F",     ""]),
    (".PA", [".PAR", ".PA",    ""]),
    (".AS", [".AMS", ".AS",    ""]),
    (".BR", ["",     ".BR",    ""]),
    (".LS", ["",     ".LS",    ""]),
    (".MC", ["",     ".MC",    ""]),
    (".SW", ["",     ".SW",    ""]),
    (".VI", ["",     ".VI",    ""]),
    (".ST", ["",     ".ST",    ""]),
    (".CO", ["",     ".CO",    ""]),
    (".HE", ["",     ".HE",    ""]),
    (".OL", ["",     ".OL",    ""]),
    (".IR", ["",     ".IR",    ""]),
    (".IC", ["",     ".IC",    ""]),
    (".WA", ["",     ".WAR",   ""]),
    (".BD", ["",     ".BUD",   ".hu"]),
    (".PR", ["",     ".PR",    ""]),
    (".AT", ["",     ".AT",    ""]),
    (".TA", ["",     ".TA",    ""]),
    (".JO", ["",     ".JSE",   ""]),
    (".SS", [".SHH", ".SHG",   ""]),
    (".SZ", [".SHZ", ".SHE",   ""]),
    (".HK", ["",     ".HK",    ".hk"]),
    (".T",  ["",     "",       ".jp"]),
    (".KS", ["",     ".KO",    ""]),
    (".KQ", ["",     ".KQ",    ""]),
    (".AX", ["",     ".AU",    ""]),
    (".NS", ["",     ".NSE",   ""]),
    (".BO", [".BSE", ".BSE",   ""]),
    (".SA", [".SAO", ".SA",    ""]),
];

/// Currencies in which coins are quoted.
const QUOTED_IN: [&str; 8] = ["USD", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "KRW"];

fn by_table(vendor: Vendor, symbol: &str) -> Option<String> {
    if matches!(vendor, Vendor::YahooChart | Vendor::YahooPage) {
        return Some(symbol.to_owned());
    }
    if symbol.starts_with('^') {
        return index(vendor, symbol);
    }
    if let Some(pair) = symbol.strip_suffix("=X") {
        let is_code = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
        return match pair.split_at_checked(3)? {
            // Yahoo leaves out the dollar.
            (second, "") if is_code(second) => filled(vendor, &CURRENCIES, "USD", second),
            (first, second) if is_code(first) && is_code(second) => {
                filled(vendor, &CURRENCIES, first, second)
            }
            _ => None,
        };
    }
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if let Some((root, _)) = symbol.rsplit_once('.') {
        return market(vendor, root, symbol.get(root.len()..)?);
    }
    match symbol.rsplit_once('-') {
        None if is_plain(symbol) => filled(vendor, &US_STOCK, symbol, ""),
        Some((root, class)) if is_plain(root) => match class.as_bytes() {
            _ if QUOTED_IN.contains(&class) => {
                let row = if class == "USD" { &CRYPTO_IN_DOLLARS } else { &CRYPTO };
                filled(vendor, row, root, class)
            }
            [letter] if letter.is_ascii_uppercase() => filled(vendor, &US_CLASS, root, class),
            [b'P', letter] if letter.is_ascii_uppercase() => {
                filled(vendor, &US_PREFERRED, root, class.get(1..)?)
            }
            _ => None,
        },
        _ => None,
    }
}

fn index(vendor: Vendor, symbol: &str) -> Option<String> {
    let (_, [massive, eodhd, stooq, nasdaq]) =
        INDICES.iter().find(|(canonical, _)| *canonical == symbol)?;
    let found = match vendor {
        Vendor::Massive => massive,
        Vendor::Eodhd => eodhd,
        Vendor::Stooq => stooq,
        Vendor::Nasdaq => nasdaq,
        _ => return None,
    };
    (!found.is_empty()).then(|| (*found).to_owned())
}

fn market(vendor: Vendor, root: &str, suffix: &str) -> Option<String> {
    let is_root = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let (_, [alpha_vantage, eodhd, stooq]) =
        MARKETS.iter().find(|(canonical, _)| *canonical == suffix)?;
    let (root, suffix) = match vendor {
        Vendor::AlphaVantage => (root.to_owned(), alpha_vantage),
        Vendor::Eodhd => (root.to_owned(), eodhd),
        // 0700.HK is 700.hk there, but 0R2V.L is no R2V.L.
        Vendor::Stooq if suffix == ".HK" => {
            (root.trim_start_matches('0').to_ascii_lowercase(), stooq)
        }
        Vendor::Stooq => (root.to_ascii_lowercase(), stooq),
        _ => return None,
    };
    let is_known = !suffix.is_empty() && !root.is_empty() && root.bytes().all(is_root);
    is_known.then(|| root + suffix)
}

fn filled(vendor: Vendor, row: &Row, root: &str, class: &str) -> Option<String> {
    let pattern = match vendor {
        Vendor::Tiingo => row.tiingo,
        Vendor::AlphaVantage => row.alpha_vantage,
        Vendor::Massive => row.massive,
        Vendor::Eodhd => row.eodhd,
        Vendor::Stooq => row.stooq,
        Vendor::Nasdaq => row.nasdaq,
        _ => return None,
    };
    let text = pattern
        .replace("{R}", root)
        .replace("{C}", class)
        .replace("{r}", &root.to_ascii_lowercase())
        .replace("{c}", &class.to_ascii_lowercase());
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tiingo, Alpha Vantage, Massive, EODHD, Stooq, Nasdaq.
    #[rustfmt::skip]
    const EXPECTED: [(&str, [&str; 6]); 22] = [
        ("AAPL",      ["AAPL", "AAPL", "AAPL", "AAPL.US", "aapl.us", "AAPL"]),
        ("BRK-B",     ["BRK-B", "BRK-B", "BRK.B", "BRK-B.US", "brk-b.us", "BRK/B"]),
        ("BAC-PL",    ["BAC-P-L", "", "BACpL", "", "", "BAC^L"]),
        ("TSCO.L",    ["", "TSCO.LON", "", "TSCO.LSE", "tsco.uk", ""]),
        ("0R2V.L",    ["", "0R2V.LON", "", "0R2V.LSE", "0r2v.uk", ""]),
        ("0B2.DE",    ["", "0B2.DEX", "", "0B2.XETRA", "0b2.de", ""]),
        ("BT-A.L",    ["", "BT-A.LON", "", "BT-A.LSE", "bt-a.uk", ""]),
        ("SHOP.TO",   ["", "SHOP.TRT", "", "SHOP.TO", "", ""]),
        ("MBG.DE",    ["", "MBG.DEX", "", "MBG.XETRA", "mbg.de", ""]),
        ("600104.SS", ["", "600104.SHH", "", "600104.SHG", "", ""]),
        ("000001.SZ", ["", "000001.SHZ", "", "000001.SHE", "", ""]),
        ("0700.HK",   ["", "", "", "0700.HK", "700.hk", ""]),
        ("7203.T",    ["", "", "", "", "7203.jp", ""]),
        ("BHP.AX",    ["", "", "", "BHP.AU", "", ""]),
        ("^GSPC",     ["", "", "I:SPX", "GSPC.INDX", "^spx", "SPX"]),
        ("^OWN",      ["", "", "", "", "", ""]),
        ("EURUSD=X",  ["", "", "C:EURUSD", "EURUSD.FOREX", "eurusd", ""]),
        ("JPY=X",     ["", "", "C:USDJPY", "USDJPY.FOREX", "usdjpy", ""]),
        ("BTC-USD",   ["", "", "X:BTCUSD", "BTC-USD.CC", "btc.v", ""]),
        ("BTC-EUR",   ["", "", "X:BTCEUR", "BTC-EUR.CC", "", ""]),
        ("ES=F",      ["", "", "", "", "", ""]),
        ("HISU-U.TO", ["", "HISU-U.TRT", "", "HISU-U.TO", "", ""]),
    ];
    const VENDORS: [Vendor; 6] = [
        Vendor::Tiingo,
        Vendor::AlphaVantage,
        Vendor::Massive,
        Vendor::Eodhd,
        Vendor::Stooq,
        Vendor::Nasdaq,
    ];

    #[test]
    fn every_vendor_has_its_own_spelling_or_none() {
        for (canonical, spellings) in EXPECTED {
            let symbol = Symbol::parse(canonical).unwrap();
            for (vendor, expected) in VENDORS.into_iter().zip(spellings) {
                let found = spelling(vendor, &symbol, None);
                assert_eq!(found.as_deref().unwrap_or(""), expected, "{vendor} {canonical}");
            }
            assert_eq!(spelling(Vendor::YahooChart, &symbol, None).unwrap(), canonical);
        }
        let error = spelling(Vendor::Nasdaq, &Symbol::parse("ES=F").unwrap(), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "how nasdaq spells ES=F is not known; give the vendor's own spelling, or ask another \
             vendor"
        );
    }

    #[test]
    fn the_users_own_spelling_goes_before() {
        let symbol = Symbol::parse("ES=F").unwrap();
        assert_eq!(spelling(Vendor::Stooq, &symbol, Some("es.F")).unwrap(), "es.F");
        let long = "x".repeat(65);
        for bad in ["", "a b", "a\nb", "é", &long] {
            assert!(spelling(Vendor::Stooq, &symbol, Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_row_is_there_twice() {
        for (at, (symbol, _)) in INDICES.iter().enumerate() {
            assert!(INDICES.iter().skip(at + 1).all(|(other, _)| other != symbol), "{symbol}");
        }
        for (at, (suffix, _)) in MARKETS.iter().enumerate() {
            assert!(MARKETS.iter().skip(at + 1).all(|(other, _)| other != suffix), "{suffix}");
        }
    }

    proptest! {
        #[test]
        fn every_symbol_has_a_usable_spelling_or_an_error(text in "[A-Z0-9^][A-Z0-9.^=&:_/-]{0,12}") {
            if let Ok(symbol) = Symbol::parse(&text) {
                for vendor in Vendor::ALL {
                    if let Ok(spelled) = spelling(vendor, &symbol, None) {
                        prop_assert_eq!(spelling(vendor, &symbol, Some(&spelled)), Ok(spelled.clone()));
                    }
                }
            }
        }
    }
}
