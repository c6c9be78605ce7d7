//! Stooq's daily CSV, which says everything with a status of 200 and plain text.

use cream_models::Vendor;

use super::http::{Answer, CSV, Request, TEXT};
use super::world::{Format, Saying, World, dates};

pub(crate) struct Stooq;

impl Format for Stooq {
    fn answer(&self, world: &World, request: &Request) -> Answer {
        let symbol = request.query("s").unwrap_or_default();
        let found = world.find(Vendor::Stooq, &symbol);
        let Some((found, range)) = found.zip(dates(request, "d1", "d2")) else {
            return self.says(Saying::UnknownSymbol, request);
        };
        let mut days = found.instrument.days();
        days.retain(|day| range.contains(day.date));
        if days.is_empty() {
            return self.says(Saying::NoData, request);
        }
        let has_volume = found.instrument.series().listing.has_volume;
        let mut out = "Date,Open,High,Low,Close".to_owned();
        out += if has_volume { ",Volume\r\n" } else { "\r\n" };
        for day in days {
            out += &day.date.to_string();
            for price in day.split_adjusted {
                out.push(',');
                out += &price.map_or(String::new(), |price| price.to_string());
            }
            if has_volume {
                out.push(',');
                out += &day.known_volume().map_or(String::new(), |volume| volume.to_string());
            }
            out += "\r\n";
        }
        Answer::healthy(CSV, out)
            .with("content-disposition", format!("attachment;filename={}_d.csv", found.name))
    }

    fn says(&self, saying: Saying, _: &Request) -> Answer {
        let text = match saying {
            Saying::TooFast | Saying::QuotaSpent => "Exceeded the daily hits limit",
            Saying::BadKey => {
                "Get your apikey:\r\n\r\n1. Open https://stooq.com/q/d/?s=own.us&get_apikey\r\n2. \
                 Enter the captcha code.\r\n"
            }
            Saying::UnknownSymbol | Saying::NoData => "No data",
        };
        Answer::other(200, TEXT, text)
    }
}
