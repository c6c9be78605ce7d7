//! What can be set for each vendor.

use cream_models::{RateLimit, Vendor};

use crate::Secret;
use crate::variable::{Allowed, Variable};

/// The settings of one vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorSettings {
    /// `STOCK_DATA_<VENDOR>_API_KEY`, where it is set.
    pub api_key: Option<Secret>,
    /// `STOCK_DATA_<VENDOR>_BASE_URL`, where it is set.
    pub base_url: Option<String>,
    /// `STOCK_DATA_<VENDOR>_RATE_LIMIT`, where it is set; empty for no limit.
    pub rate_limits: Option<Vec<RateLimit>>,
}

/// The variables of one vendor.
pub(crate) struct VendorVariables {
    pub(crate) vendor: Vendor,
    pub(crate) api_key: Option<Variable>,
    pub(crate) base_url: Variable,
    pub(crate) rate_limit: Variable,
}

macro_rules! vendor {
    ($vendor:ident, $infix:literal, $title:literal $(, key: $key:literal)?) => {
        VendorVariables {
            vendor: Vendor::$vendor,
            api_key: vendor!(@key $infix $(, $key)?),
            base_url: Variable {
                name: concat!("STOCK_DATA_", $infix, "_BASE_URL"),
                default: "",
                allowed: Allowed::BaseUrl,
                purpose: concat!("Where ", $title, " is asked, instead of its own address."),
            },
            rate_limit: Variable {
                name: concat!("STOCK_DATA_", $infix, "_RATE_LIMIT"),
                default: "",
                allowed: Allowed::RateLimits,
                purpose: concat!(
                    "How often ", $title, " is asked by all workers together, instead of what it \
                     publishes; see worker vendors."
                ),
            },
        }
    };
    (@key $infix:literal) => { None };
    (@key $infix:literal, $key:literal) => {
        Some(Variable {
            name: concat!("STOCK_DATA_", $infix, "_API_KEY"),
            default: "",
            allowed: Allowed::ApiKey,
            purpose: $key,
        })
    };
}

/// Every vendor that can be asked.
pub(crate) static VENDORS: [VendorVariables; 8] = [
    vendor!(YahooChart, "YAHOO_CHART", "Yahoo's chart endpoint"),
    vendor!(YahooPage, "YAHOO_PAGE", "Yahoo's history page"),
    vendor!(Tiingo, "TIINGO", "Tiingo", key: "The API token of Tiingo, which it needs."),
    vendor!(
        AlphaVantage, "ALPHA_VANTAGE", "Alpha Vantage",
        key: "The API key of Alpha Vantage, which it needs."
    ),
    vendor!(
        Massive, "MASSIVE", "Massive (Polygon)",
        key: "The API key of Massive, once Polygon, which it needs."
    ),
    vendor!(Eodhd, "EODHD", "EODHD", key: "The API token of EODHD, which it needs."),
    vendor!(Stooq, "STOOQ", "Stooq", key: "The API key of Stooq, where it asks for one."),
    vendor!(Nasdaq, "NASDAQ", "Nasdaq"),
];

/// How many variables they have.
pub(crate) const COUNT: usize = 2 * 8 + 5;

/// The variables of every vendor, in the order of the documentation.
pub(crate) fn variables() -> impl Iterator<Item = Variable> {
    VENDORS
        .iter()
        .flat_map(|vendor| vendor.api_key.into_iter().chain([vendor.base_url, vendor.rate_limit]))
}

/// An API key: 4 to 256 printable ASCII characters, none of them a space, and no short number. It
/// is blanked in what is kept, where such a one could be a price.
pub(crate) fn api_key(text: &str) -> Result<Option<Secret>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let sound = (4..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_short_number = text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_digit());
    if sound && !is_short_number { Ok(Some(Secret::new(text))) } else { Err(String::new()) }
}

pub(crate) fn base_url(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let rest = rest.ok_or_else(|| "it begins with neither".to_owned())?;
    if rest.is_empty() || rest.starts_with('/') {
        return Err("it names no host".to_owned());
    }
    if rest.contains(['?', '#', '@']) || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it holds more than a host, a port and a path".to_owned());
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}

pub(crate) fn rate_limits(text: &str) -> Result<Option<Vec<RateLimit>>, String> {
    match text {
        "" => Ok(None),
        "none" => Ok(Some(Vec::new())),
        text => {
            let limits: Result<Vec<RateLimit>, _> = text.split(',').map(str::parse).collect();
            limits.map(Some).map_err(|error| error.to_string())
        }
    }
}

/// A vendor that can be asked.
pub(crate) fn vendor(text: &str) -> Result<Vendor, String> {
    let askable = |vendor: &Vendor| VENDORS.iter().any(|row| row.vendor == *vendor);
    text.parse().ok().filter(askable).ok_or_else(String::new)
}

/// Vendors that can be asked, between commas, each once.
pub(crate) fn vendors(text: &str) -> Result<Vec<Vendor>, String> {
    let mut list = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let vendor = vendor(name)?;
        if list.contains(&vendor) {
            return Err(format!("{vendor} comes twice"));
        }
        list.push(vendor);
    }
    Ok(list)
}

/// The names of the vendors that can be asked.
pub(crate) fn names() -> String {
    VENDORS.iter().map(|row| row.vendor.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vendor_has_its_variables_under_its_name() {
        assert_eq!(variables().count(), COUNT);
        // All but files of the user's own can be asked.
        let own = |vendor: &Vendor| *vendor != Vendor::Csv;
        assert!(Vendor::ALL.into_iter().filter(own).eq(VENDORS.iter().map(|row| row.vendor)));
        for row in &VENDORS {
            let infix = row.vendor.name().to_ascii_uppercase().replace('-', "_");
            assert_eq!(row.base_url.name, format!("STOCK_DATA_{infix}_BASE_URL"));
            assert_eq!(row.rate_limit.name, format!("STOCK_DATA_{infix}_RATE_LIMIT"));
            if let Some(key) = &row.api_key {
                assert_eq!(key.name, format!("STOCK_DATA_{infix}_API_KEY"));
            }
        }
    }

    #[test]
    fn values_are_read_or_refused() {
        assert_eq!(
            base_url("http://127.0.0.1:8/x/").unwrap().as_deref(),
            Some("http://127.0.0.1:8/x")
        );
        for bad in
            ["ftp://x", "https://", "http:///x", "https://u@h", "https://h?q", "https://h h", "x"]
        {
            assert!(base_url(bad).is_err(), "{bad}");
        }
        assert!(api_key("demo").unwrap().is_some() && api_key("").unwrap().is_none());
        for bad in ["abc", "ab cd", "123456789012345", "schlüssel", "line\nend"] {
            assert!(api_key(bad).is_err(), "{bad}");
        }
        assert_eq!(rate_limits("none"), Ok(Some(Vec::new())));
        assert_eq!(rate_limits("5/min,25/d").unwrap().unwrap().len(), 2);
        assert!(rate_limits("5").is_err() && rate_limits("5/min,").is_err());
        assert_eq!(vendors("tiingo, stooq"), Ok(vec![Vendor::Tiingo, Vendor::Stooq]));
        assert!(
            vendors("tiingo,tiingo").is_err() && vendors("csv").is_err() && vendor("x").is_err()
        );
    }
}
