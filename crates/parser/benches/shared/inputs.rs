//! Made-up responses in the vendors' shapes, the same in each run.

#![allow(
    dead_code,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "made-up inputs need no care, and not each program uses all of them"
)]

use std::fmt::Write as _;

use cream_parser::{Date, Timestamp};

/// Trading days and their prices: enough like the vendor's, the same in each run.
pub(crate) struct Rows(Vec<(i64, [f32; 5], u64)>);

impl Rows {
    pub(crate) fn new() -> Self {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 24) as f32
        };
        let mut price = 1.5_f32;
        let rows = (0..3_800).map(|row| {
            let mut next = || {
                price = (price * (1.0 + (random() - 0.497) * 0.06)).max(0.5);
                (price * 1e6).round() / 1e6
            };
            let days = 14_789 + i64::from(row) / 5 * 7 + i64::from(row) % 5;
            let [open, one, other, close] = [next(), next(), next(), next()];
            let high = one.max(other).max(open).max(close);
            let low = one.min(other).min(open).min(close);
            let cells = [open, high, low, close, close];
            (days * 86_400 + 48_600, cells, (random() * 1e8) as u64)
        });
        Self(rows.collect())
    }

    fn column(&self, value: impl Fn(&(i64, [f32; 5], u64)) -> String) -> String {
        self.0.iter().map(value).collect::<Vec<_>>().join(",")
    }

    pub(crate) fn chart(&self) -> String {
        let price = |index: usize| self.column(|row| f64::from(row.1[index]).to_string());
        format!(
            "{{\"chart\":{{\"result\":[{{\"meta\":{{\"currency\":\"USD\",\"symbol\":\"DEMO\",\
             \"exchangeTimezoneName\":\"America/New_York\",\"dataGranularity\":\"1d\"}},\
             \"timestamp\":[{}],\"events\":{{}},\"indicators\":{{\"quote\":[{{\"open\":[{}],\
             \"high\":[{}],\"low\":[{}],\"close\":[{}],\"volume\":[{}]}}],\
             \"adjclose\":[{{\"adjclose\":[{}]}}]}}}}],\"error\":null}}}}",
            self.column(|row| row.0.to_string()),
            price(0),
            price(1),
            price(2),
            price(3),
            self.column(|row| row.2.to_string()),
            price(4),
        )
    }

    pub(crate) fn page(&self) -> String {
        let mut page = String::from("<!doctype html>\n<html><head><title>Demo</title>");
        let filler = |page: &mut String, count: usize| {
            for index in 0..count {
                let _ = write!(
                    page,
                    "<script>var a{index} = {{x: \"{}\"}};</script><div class=\"c-{index} d\" \
                     data-k='v'><a href=\"/q/{index}\">text <!-- note --></a></div>",
                    "function(a,b){return a<b}".repeat(40)
                );
            }
        };
        filler(&mut page, 500);
        page.push_str("<table class=\"table t1\"><thead class=\"t1\"><tr class=\"t1\">");
        for name in ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"] {
            let _ = write!(page, "<th class=\"t1\">{name}  </th>");
        }
        page.push_str("</tr></thead> <tbody>");
        for (time, prices, volume) in self.0.iter().rev() {
            let date = Timestamp::from_seconds(*time).date();
            let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
            let month = usize::from(date.month()) * 3;
            let name = &months[month - 3..month];
            page.push_str("<tr class=\"yf-1jecxey\">");
            let mut cell = |text: String| {
                let _ = write!(page, "<td class=\"yf-1jecxey\">{text}</td>");
            };
            cell(format!("{name} {}, {}", date.day(), date.year()));
            for price in prices {
                cell(format!("{price:.2}"));
            }
            let digits = volume.to_string();
            let mut text = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            cell(text);
            page.push_str("  </tr>");
        }
        page.push_str("</tbody></table>");
        filler(&mut page, 500);
        let body = self.chart().replace('"', "\\\"");
        let _ = write!(
            page,
            "<script type=\"application/json\" data-url=\"https://q/v8/finance/chart/DEMO?\
             events=div&amp;interval=1d&amp;period1=0&amp;period2=9999999999\">\
             {{\"status\":200,\"body\":\"{body}\"}}</script></body></html>"
        );
        page
    }

    fn date(row: &(i64, [f32; 5], u64)) -> Date {
        Timestamp::from_seconds(row.0).date()
    }

    /// As a user of pandas would write it.
    pub(crate) fn csv(&self) -> String {
        let mut csv = String::from("Date,Open,High,Low,Close,Adj Close,Volume\n");
        for row in &self.0 {
            let [open, high, low, close, adjusted] = row.1;
            let _ = writeln!(
                csv,
                "{},{open:.4},{high:.4},{low:.4},{close:.4},{adjusted:.4},{}",
                Self::date(row),
                row.2
            );
        }
        csv
    }

    /// Tiingo's array of rows.
    pub(crate) fn tiingo(&self) -> String {
        let rows = self.column(|row| {
            let [open, high, low, close, adjusted] = row.1;
            format!(
                "{{\"date\":\"{}T00:00:00.000Z\",\"close\":{close:.4},\"high\":{high:.4},\
                 \"low\":{low:.4},\"open\":{open:.4},\"volume\":{},\"adjClose\":{adjusted:.9},\
                 \"divCash\":0.0,\"splitFactor\":1.0}}",
                Self::date(row),
                row.2
            )
        });
        format!("[{rows}]")
    }
}
