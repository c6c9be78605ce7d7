//! The markets.

use jiff::tz::TimeZone;

use crate::{Days, Market};

/// A market, and how it is called.
pub(crate) struct Row {
    /// As [`Market::name`].
    pub(crate) name: &'static str,
    /// The IANA name of its time zone.
    zone: &'static str,
    /// Hour and minute, there, of the closing auction's end.
    close: (u16, u16),
    days: Days,
    /// Whether it is no exchange: where its day ends is then up to who tells the prices.
    pub(crate) has_no_exchange: bool,
    /// What Yahoo puts behind a symbol, without the dot.
    pub(crate) suffixes: &'static [&'static str],
    /// Yahoo's codes and names of the exchange, its MICs and common names: letters and digits
    /// alone, in capitals.
    pub(crate) names: &'static [&'static str],
}

impl Row {
    pub(crate) fn market(&self) -> Market {
        Market {
            name: self.name,
            // The zones are built into the program, and a test looks each of them up.
            time_zone: TimeZone::get(self.zone).unwrap_or(TimeZone::UTC),
            close: self.close.0 * 60 + self.close.1,
            days: self.days,
        }
    }
}

/// The most letters and digits in a name.
pub(crate) const LONGEST_NAME: usize = 32;

const WEEK: Days = Days::MONDAY_TO_FRIDAY;
const FROM_SUNDAY: Days = Days::SUNDAY_TO_THURSDAY;
const NEW_YORK: &str = "America/New_York";

type Names = &'static [&'static str];

const fn row(
    name: &'static str,
    zone: &'static str,
    close: (u16, u16),
    days: Days,
    suffixes: Names,
    names: Names,
) -> Row {
    Row { name, zone, close, days, has_no_exchange: false, suffixes, names }
}

/// Shares, funds that trade, over-the-counter shares and indices of the United States.
#[rustfmt::skip]
pub(crate) static US: Row = row("XNYS", NEW_YORK, (16, 0), WEEK, &["PK", "OB"], &[
    "NMS", "NGM", "NCM", "NAS", "NASDAQ", "NASDAQGS", "NASDAQGM", "NASDAQCM", "XNAS", "XNGS", "XNMS", "XNCM",
    "NYQ", "NYS", "NYSE", "XNYS", "ASE", "AMEX", "NYSEAMERICAN", "NYSEMKT", "XASE", "PCX", "NYSEARCA", "ARCA",
    "ARCX", "BTS", "BATS", "CBOEUS", "IEX", "IEXG", "PNK", "OTC", "OTCMARKETS", "OTCMARKETSOTCPK", "OQX",
    "OTCMARKETSOTCQX", "OQB", "OTCMARKETSOTCQB", "OEM", "OTCMARKETSEXMKT", "OTCM", "US", "SNP", "DJI", "NIM",
    "NASDAQGIDS",
]);
/// Funds of the United States, whose value of the day is told from 18:00 on.
pub(crate) static US_FUNDS: Row = row("US funds", NEW_YORK, (20, 0), WEEK, &[], &[]);
/// Futures of the United States: they trade on after an hour's pause.
#[rustfmt::skip]
pub(crate) static US_FUTURES: Row = row("XCME", NEW_YORK, (17, 0), WEEK,
    &["CME", "CBT", "CMX", "NYM"], &[
    "CME", "XCME", "CBT", "CBOT", "XCBT", "CMX", "COMEX", "XCEC", "NYM", "NYMEX", "NYMERCANTILE", "XNYM",
]);
/// Currencies.
pub(crate) static CURRENCIES: Row = Row {
    has_no_exchange: true,
    ..row("FX", NEW_YORK, (17, 0), WEEK, &[], &["CCY", "FOREX", "FX"])
};
/// Coins, which trade on all days.
pub(crate) static COINS: Row = Row {
    has_no_exchange: true,
    ..row("crypto", "UTC", (24, 0), Days::ALL, &[], &["CCC", "CC", "CRYPTO"])
};

/// All that have a name or a suffix.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    [&US, &US_FUTURES, &CURRENCIES, &COINS].into_iter().chain(&ROWS)
}

/// Where an exchange moves its hours with the clocks of another country, the later ones. Where
/// trading ends earlier on one day of the week (Tel Aviv, on Fridays), those of the others.
#[rustfmt::skip]
static ROWS: [Row; 65] = [
    // America.
    row("XCBO", "America/Chicago", (15, 15), WEEK, &[], &["WCB", "CHICAGOOPTIONS", "CXI", "CBOEINDICES", "XCBO", "CBOE"]),
    row("IFUS", NEW_YORK, (18, 0), WEEK, &["NYB"], &["NYB", "ICEFUTURES", "IFUS"]),
    row("XTSE", "America/Toronto", (16, 0), WEEK, &["TO"], &["TOR", "TORONTO", "TSX", "XTSE", "TO"]),
    row("XTSX", "America/Toronto", (16, 0), WEEK, &["V"], &["VAN", "TSXV", "XTSX", "V"]),
    row("XCNQ", "America/Toronto", (16, 0), WEEK, &["CN"], &["CNQ", "CANADIANSEC", "XCNQ"]),
    row("NEOE", "America/Toronto", (16, 0), WEEK, &["NE"], &["NEO", "CBOECA", "NEOE"]),
    row("BVMF", "America/Sao_Paulo", (18, 0), WEEK, &["SA"], &["SAO", "SAOPAULO", "BVMF", "BOVESPA", "B3", "SA"]),
    row("XMEX", "America/Mexico_City", (15, 0), WEEK, &["MX"], &["MEX", "MEXICO", "XMEX", "BMV", "MX"]),
    row("XBUE", "America/Argentina/Buenos_Aires", (17, 0), WEEK, &["BA"], &["BUE", "BUENOSAIRES", "XBUE", "BYMA", "BA"]),
    row("XSGO", "America/Santiago", (17, 0), WEEK, &["SN"], &["SGO", "SANTIAGO", "XSGO", "SN"]),
    row("XBOG", "America/Bogota", (16, 0), WEEK, &["CL"], &["BVC", "COLOMBIA", "XBOG"]),
    row("XLIM", "America/Lima", (16, 0), WEEK, &["LM"], &["LIM", "LIMA", "XLIM"]),
    // Europe.
    row("XLON", "Europe/London", (16, 35), WEEK, &["L", "IL", "XC"], &["LSE", "IOB", "LON", "LONDON", "XLON", "FGI", "FTSEINDEX", "AQS", "CXE", "CBOEUK"]),
    row("XETR", "Europe/Berlin", (17, 35), WEEK, &["DE"], &["GER", "XETRA", "XETR"]),
    // The floors and the systems for small orders.
    row("XFRA", "Europe/Berlin", (22, 0), WEEK, &["F", "BE", "BM", "DU", "HM", "HA", "MU", "SG"], &[
        "FRA", "FRANKFURT", "XFRA", "F", "BER", "BERLIN", "XBER", "DUS", "DUSSELDORF", "XDUS", "HAM", "HAMBURG", "XHAM",
        "HAN", "HANOVER", "XHAN", "MUN", "MUNICH", "XMUN", "STU", "STUTTGART", "XSTU"]),
    row("XPAR", "Europe/Paris", (17, 35), WEEK, &["PA", "NX"], &["PAR", "PARIS", "XPAR", "PA", "ENX", "EURONEXT"]),
    row("XAMS", "Europe/Amsterdam", (17, 35), WEEK, &["AS"], &["AMS", "AMSTERDAM", "XAMS", "AS"]),
    row("XBRU", "Europe/Brussels", (17, 35), WEEK, &["BR"], &["BRU", "BRUSSELS", "XBRU", "BR"]),
    row("XLIS", "Europe/Lisbon", (16, 35), WEEK, &["LS"], &["LIS", "LISBON", "XLIS", "LS"]),
    row("XDUB", "Europe/Dublin", (16, 30), WEEK, &["IR"], &["ISE", "IRISH", "DUBLIN", "XDUB", "XMSM", "IR"]),
    row("XMIL", "Europe/Rome", (17, 35), WEEK, &["MI"], &["MIL", "MILAN", "XMIL", "MTAA"]),
    row("XMAD", "Europe/Madrid", (17, 35), WEEK, &["MC"], &["MCE", "MAD", "MADRID", "XMAD", "BME", "MC"]),
    row("XSWX", "Europe/Zurich", (17, 30), WEEK, &["SW"], &["EBS", "SWISS", "SIX", "XSWX", "SWX", "VTX", "XVTX", "ZRH", "ZURICH", "SW"]),
    row("XSTO", "Europe/Stockholm", (17, 30), WEEK, &["ST"], &["STO", "STOCKHOLM", "XSTO", "ST"]),
    row("XCSE", "Europe/Copenhagen", (17, 0), WEEK, &["CO"], &["CPH", "COPENHAGEN", "XCSE", "CO"]),
    row("XHEL", "Europe/Helsinki", (18, 30), WEEK, &["HE"], &["HEL", "HELSINKI", "XHEL", "HE"]),
    row("XOSL", "Europe/Oslo", (16, 30), WEEK, &["OL"], &["OSL", "OSLO", "XOSL", "OL"]),
    row("XICE", "Atlantic/Reykjavik", (15, 30), WEEK, &["IC"], &["ICE", "ICELAND", "XICE", "IC"]),
    row("XTAL", "Europe/Tallinn", (16, 0), WEEK, &["TL"], &["TAL", "TALLINN", "XTAL"]),
    row("XRIS", "Europe/Riga", (16, 0), WEEK, &["RG"], &["RIS", "RIGA", "XRIS"]),
    row("XLIT", "Europe/Vilnius", (16, 0), WEEK, &["VS"], &["LIT", "VILNIUS", "XLIT"]),
    row("XWBO", "Europe/Vienna", (17, 35), WEEK, &["VI"], &["VIE", "VIENNA", "XWBO", "VI"]),
    row("XWAR", "Europe/Warsaw", (17, 5), WEEK, &["WA"], &["WSE", "WARSAW", "XWAR", "WAR"]),
    row("XPRA", "Europe/Prague", (16, 30), WEEK, &["PR"], &["PRA", "PRAGUE", "XPRA", "PR"]),
    row("XBUD", "Europe/Budapest", (17, 10), WEEK, &["BD"], &["BUD", "BUDAPEST", "XBUD"]),
    row("XBSE", "Europe/Bucharest", (18, 0), WEEK, &["RO"], &["BVB", "BUCHAREST", "XBSE"]),
    row("ASEX", "Europe/Athens", (17, 20), WEEK, &["AT"], &["ATH", "ATHENS", "ASEX", "XATH", "AT"]),
    row("XIST", "Europe/Istanbul", (18, 10), WEEK, &["IS"], &["IST", "ISTANBUL", "XIST"]),
    row("MISX", "Europe/Moscow", (18, 50), WEEK, &["ME"], &["MCX", "MOSCOW", "MOEX", "MISX"]),
    // Africa and the Middle East.
    row("XJSE", "Africa/Johannesburg", (17, 5), WEEK, &["JO"], &["JNB", "JOHANNESBURG", "XJSE", "JSE"]),
    row("XCAI", "Africa/Cairo", (14, 30), FROM_SUNDAY, &["CA"], &["CAI", "CAIRO", "XCAI", "EGX"]),
    // Sunday to Thursday until 2026-01-04.
    row("XTAE", "Asia/Jerusalem", (17, 35), WEEK, &["TA"], &["TLV", "TELAVIV", "XTAE", "TASE", "TA"]),
    row("XSAU", "Asia/Riyadh", (15, 20), FROM_SUNDAY, &["SR", "SAU"], &["SAU", "SAUDI", "XSAU", "TADAWUL", "SR"]),
    row("DSMD", "Asia/Qatar", (13, 30), FROM_SUNDAY, &["QA"], &["DOH", "QATAR", "DSMD"]),
    row("XKUW", "Asia/Kuwait", (13, 15), FROM_SUNDAY, &["KW"], &["KUW", "KUWAIT", "XKUW"]),
    row("XDFM", "Asia/Dubai", (15, 0), WEEK, &["AE"], &["DFM", "DUBAI", "XDFM", "XADS"]),
    // Asia and Oceania.
    row("XTKS", "Asia/Tokyo", (15, 30), WEEK, &["T"], &["JPX", "TOKYO", "TYO", "XTKS", "XJPX", "OSA", "OSAKA"]),
    row("XHKG", "Asia/Hong_Kong", (16, 10), WEEK, &["HK"], &["HKG", "HKSE", "HKEX", "HONGKONG", "XHKG", "HSI", "HK"]),
    row("XSHG", "Asia/Shanghai", (15, 0), WEEK, &["SS"], &["SHH", "SHANGHAI", "XSHG", "SHG"]),
    row("XSHE", "Asia/Shanghai", (15, 0), WEEK, &["SZ"], &["SHZ", "SHENZHEN", "XSHE", "SHE"]),
    row("XTAI", "Asia/Taipei", (13, 35), WEEK, &["TW"], &["TAI", "TAIWAN", "XTAI", "TWSE", "TW"]),
    row("ROCO", "Asia/Taipei", (13, 35), WEEK, &["TWO"], &["TWO", "TAIPEIEXCHANGE", "ROCO", "TPEX"]),
    row("XKRX", "Asia/Seoul", (15, 30), WEEK, &["KS"], &["KSC", "KSE", "KOREA", "XKRX", "KRX", "KO"]),
    row("XKOS", "Asia/Seoul", (15, 30), WEEK, &["KQ"], &["KOE", "KOSDAQ", "XKOS", "KQ"]),
    row("XNSE", "Asia/Kolkata", (15, 40), WEEK, &["NS"], &["NSI", "NSE", "XNSE"]),
    row("XBOM", "Asia/Kolkata", (15, 40), WEEK, &["BO"], &["BSE", "BOM", "BOMBAY", "XBOM"]),
    row("XSES", "Asia/Singapore", (17, 10), WEEK, &["SI"], &["SES", "SINGAPORE", "XSES", "SGX"]),
    row("XKLS", "Asia/Kuala_Lumpur", (17, 0), WEEK, &["KL"], &["KLS", "KUALALUMPUR", "XKLS", "KLSE"]),
    row("XIDX", "Asia/Jakarta", (16, 15), WEEK, &["JK"], &["JKT", "JAKARTA", "XIDX", "IDX", "JK"]),
    row("XBKK", "Asia/Bangkok", (16, 40), WEEK, &["BK"], &["SET", "THAILAND", "XBKK", "BK"]),
    row("XSTC", "Asia/Ho_Chi_Minh", (15, 0), WEEK, &["VN"], &["VSE", "HOSE", "XSTC", "VN"]),
    row("XPHS", "Asia/Manila", (15, 30), WEEK, &["PS"], &["PHS", "PHILIPPINES", "XPHS"]),
    row("XKAR", "Asia/Karachi", (16, 30), WEEK, &["KA"], &["KAR", "KARACHI", "XKAR"]),
    row("XASX", "Australia/Sydney", (16, 12), WEEK, &["AX", "XA"], &["ASX", "AUSTRALIA", "XASX", "AU", "CXA", "CBOEAU"]),
    row("XNZE", "Pacific/Auckland", (17, 0), WEEK, &["NZ"], &["NZE", "NZSE", "NZX", "XNZE"]),
];

/// Well-known indices: as Yahoo spells them, and the name of the row whose hours they have.
#[rustfmt::skip]
pub(crate) static INDICES: [(&str, &str); 34] = [
    ("^GSPC", "XNYS"), ("^DJI", "XNYS"), ("^IXIC", "XNYS"), ("^NDX", "XNYS"), ("^RUT", "XNYS"), ("^VIX", "XCBO"),
    ("^GSPTSE", "XTSE"), ("^BVSP", "BVMF"), ("^MXX", "XMEX"), ("^MERV", "XBUE"),
    ("^FTSE", "XLON"), ("^FTMC", "XLON"), ("^GDAXI", "XETR"), ("^MDAXI", "XETR"), ("^STOXX50E", "XETR"),
    ("^STOXX", "XETR"), ("^FCHI", "XPAR"), ("^AEX", "XAMS"), ("^BFX", "XBRU"), ("^IBEX", "XMAD"), ("^SSMI", "XSWX"),
    ("^OMX", "XSTO"), ("^ATX", "XWBO"), ("^N225", "XTKS"), ("^HSI", "XHKG"), ("^TWII", "XTAI"), ("^KS11", "XKRX"),
    ("^NSEI", "XNSE"), ("^BSESN", "XBOM"), ("^STI", "XSES"), ("^KLSE", "XKLS"), ("^JKSE", "XIDX"), ("^AXJO", "XASX"),
    ("^NZ50", "XNZE"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_sound() {
        for row in rows().chain([&US_FUNDS]) {
            assert!(TimeZone::get(row.zone).is_ok(), "{}: {}", row.name, row.zone);
            let market = row.market();
            assert!(market.close > 0 && market.close <= 1440 && row.close.1 < 60, "{}", row.name);
            for name in row.names {
                let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
                assert!(name.bytes().all(is_plain), "{}: {name}", row.name);
                assert!((1..=LONGEST_NAME).contains(&name.len()), "{}: {name}", row.name);
            }
        }
    }

    #[test]
    fn nothing_leads_to_two_rows() {
        let (mut names, mut suffixes, mut indices) =
            (HashSet::new(), HashSet::new(), HashSet::new());
        for row in rows() {
            for name in row.names {
                assert!(names.insert(name), "{}: {name}", row.name);
            }
            for suffix in row.suffixes {
                assert!(suffixes.insert(suffix), "{}: {suffix}", row.name);
            }
        }
        for (index, name) in &INDICES {
            assert!(indices.insert(index), "{index}");
            assert!(rows().any(|row| row.name == *name), "{index}: {name}");
        }
        assert_eq!(rows().map(|row| row.name).collect::<HashSet<_>>().len(), rows().count());
    }
}
