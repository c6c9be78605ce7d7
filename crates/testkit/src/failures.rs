//! What vendors send when they do not send prices.

use crate::json::write_string;
use crate::{Listing, SyntheticSeries};

/// The page that asks visitors from Europe for consent before it shows anything.
#[must_use]
pub fn consent_page() -> Vec<u8> {
    b"<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
      <title>Yahoo asks for your consent</title>\n</head>\n<body>\n\
      <form method=\"post\" class=\"consent-form\" \
      action=\"https://consent.yahoo.com/v2/collectConsent?sessionId=own-session\">\n\
      <input type=\"hidden\" name=\"csrfToken\" value=\"own-token\">\n\
      <input type=\"hidden\" name=\"sessionId\" value=\"own-session\">\n\
      <h1>Before you go on</h1>\n<p>Choose what may be stored on your machine.</p>\n\
      <button name=\"agree\" value=\"agree\">Accept all</button>\n\
      <button name=\"reject\" value=\"reject\">Reject all</button>\n</form>\n</body>\n</html>\n"
        .to_vec()
}

/// The page of a server that is down.
#[must_use]
pub fn will_be_right_back() -> Vec<u8> {
    b"<!DOCTYPE html>\n<html lang=\"en-us\"><head><meta charset=\"utf-8\"><title>Yahoo</title>\
      </head>\n<body><h1>Will be right back...</h1>\n<p>Own text: the server rests.</p>\n\
      </body></html>\n"
        .to_vec()
}

/// The text of a server that was asked too often.
#[must_use]
pub fn too_many_requests() -> Vec<u8> {
    b"Too Many Requests\r\n".to_vec()
}

/// The text of the vendor's edge that was asked too often.
#[must_use]
pub fn edge_too_many_requests() -> Vec<u8> {
    b"Edge: Too Many Requests".to_vec()
}

/// The chart answer for a symbol that is not known.
#[must_use]
pub fn chart_not_found() -> Vec<u8> {
    chart_error("Not Found", "No data found, symbol may be delisted")
}

/// A chart answer that is an error.
#[must_use]
pub fn chart_error(code: &str, description: &str) -> Vec<u8> {
    error("chart", code, description)
}

/// The answer to a request with a wrong crumb.
#[must_use]
pub fn invalid_crumb() -> Vec<u8> {
    error("finance", "Unauthorized", "Invalid Crumb")
}

/// The answer to a request for a crumb without the cookie it is for.
#[must_use]
pub fn invalid_cookie() -> Vec<u8> {
    error("finance", "Unauthorized", "Invalid Cookie")
}

fn error(root: &str, code: &str, description: &str) -> Vec<u8> {
    let mut out = format!("{{\"{root}\":{{\"result\":null,\"error\":{{\"code\":").into_bytes();
    write_string(&mut out, code);
    out.extend_from_slice(b",\"description\":");
    write_string(&mut out, description);
    out.extend_from_slice(b"}}}");
    out
}

/// The chart answer for a known symbol that has no rows: no `timestamp`, `quote` of one empty
/// object.
#[must_use]
pub fn chart_without_data(symbol: &str) -> Vec<u8> {
    let listing = Listing { currency: None, ..Listing::us_stock(symbol, "Own Warrants") };
    let series = SyntheticSeries { listing, rows: Vec::new(), actions: Vec::new(), live: None };
    series.chart_json()
}

/// An HTML page without a table and without a chart answer.
#[must_use]
pub fn page_without_table() -> Vec<u8> {
    b"<!doctype html>\n<html lang=\"en-US\"><head><title>Own page</title></head>\n\
      <body><main><h1>A page about meadows</h1><p>No prices here.</p></main></body></html>\n"
        .to_vec()
}

/// A history page whose table has a header and no rows.
#[must_use]
pub fn table_without_rows(series: &SyntheticSeries) -> Vec<u8> {
    let bare = crate::PageOptions::bare_table();
    series.history_page(&crate::PageOptions { table_rows: false, ..bare })
}

/// Nothing.
#[must_use]
pub const fn empty() -> Vec<u8> {
    Vec::new()
}

/// Every failure that takes no arguments, with a name.
#[must_use]
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("consent_page", consent_page()),
        ("will_be_right_back", will_be_right_back()),
        ("too_many_requests", too_many_requests()),
        ("edge_too_many_requests", edge_too_many_requests()),
        ("chart_not_found", chart_not_found()),
        ("invalid_crumb", invalid_crumb()),
        ("invalid_cookie", invalid_cookie()),
        ("chart_without_data", chart_without_data("CREAM9W")),
        ("page_without_table", page_without_table()),
        ("empty", empty()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_failures_are_json() {
        for bytes in [chart_not_found(), invalid_crumb()] {
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let root = value.as_object().unwrap().values().next().unwrap();
            assert!(root["result"].is_null() && root["error"]["code"].is_string(), "{value}");
        }
        let value: serde_json::Value = serde_json::from_slice(&chart_without_data("A")).unwrap();
        let result = &value["chart"]["result"][0];
        assert!(result["meta"]["currency"].is_null() && result.get("timestamp").is_none());
        assert_eq!(result["indicators"]["quote"], serde_json::json!([{}]));
    }

    #[test]
    fn no_failure_has_rows() {
        for (name, bytes) in all() {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains("<td") && !text.contains("\"timestamp\""), "{name}");
        }
    }
}
