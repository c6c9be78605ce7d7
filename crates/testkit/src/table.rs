//! The price table of a history page.

use std::io::Write as _;

use cream_models::{ActionKind, BarField, CorporateAction, CorporateEvent, Date};

use crate::{BadCell, PageOptions, Row, SyntheticSeries};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The class that the table's elements carry; the vendor's are hashes too, and change.
const CLASS: &str = "cm-7k2wq9";

const ICON: &str = "<div aria-hidden=\"true\" class=\"icon cm-3b8xz1\"><!-- ICON_START --><svg \
    viewBox=\"0 0 24 24\"><path d=\"M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18m1 13h-2v-5h2z\"/></svg>\
    <!-- ICON_END --></div>";

impl SyntheticSeries {
    /// Appends the table, newest row first; an event stands above the row of its date.
    pub(crate) fn write_table(&self, out: &mut Vec<u8>, options: &PageOptions) {
        write!(
            out,
            "<div class=\"table-container {CLASS}\"><table class=\"table {CLASS}\">\
             <thead class=\"{CLASS}\"><tr class=\"{CLASS}\">"
        )
        .unwrap();
        for name in ["Date", "Open", "High", "Low"] {
            write!(out, "<th class=\"{CLASS}\">{name}  </th>").unwrap();
        }
        write_noted_header(out, "Close", "The close, on today's share count.");
        write_noted_header(
            out,
            "Adj Close",
            "The close, on today's share count and less what was paid out since.",
        );
        write!(out, "<th class=\"{CLASS}\">Volume  </th></tr></thead> <tbody>").unwrap();
        if options.table_rows {
            self.write_rows(out, options);
        }
        out.extend_from_slice(b"</tbody></table></div>");
    }

    fn write_rows(&self, out: &mut Vec<u8>, options: &PageOptions) {
        let mut actions = self.actions.iter().rev().peekable();
        let live = self.live.as_ref().map(|live| &live.row);
        for row in live.into_iter().chain(self.rows.iter().rev()) {
            while let Some(action) = actions.next_if(|action| action.date >= row.date) {
                write_event(out, action);
            }
            if !options.hidden_rows.contains(&row.date) {
                write_row(out, row, options);
            }
        }
        for action in actions {
            write_event(out, action);
        }
    }
}

fn write_noted_header(out: &mut Vec<u8>, name: &str, note: &str) {
    write!(
        out,
        "<th class=\"{CLASS}\">{name}   <span class=\"container {CLASS}\">{ICON}  \
         <div class=\"tooltip {CLASS}\" role=\"tooltip\"><h3 class=\"title\"></h3>   \
         <span class=\"note {CLASS}\">{note} </span></div> </span> </th>"
    )
    .unwrap();
}

fn write_date(out: &mut Vec<u8>, date: Date) {
    let (year, month, day) = date.ymd();
    let month = MONTHS[usize::from(month) - 1];
    write!(out, "<td class=\"{CLASS}\">{month} {day}, {year}</td>").unwrap();
}

fn write_event(out: &mut Vec<u8>, action: &CorporateAction) {
    write!(out, "<tr class=\"{CLASS}\">").unwrap();
    write_date(out, action.date);
    let label = match action.kind() {
        ActionKind::Dividend => "Dividend",
        ActionKind::Split => "Stock Splits",
        ActionKind::CapitalGain => "Capital Gain",
    };
    let value = match action.event {
        CorporateEvent::Dividend { amount } | CorporateEvent::CapitalGain { amount } => {
            amount.to_string()
        }
        CorporateEvent::Split(ratio) => ratio.to_string(),
    };
    write!(
        out,
        " <td colspan=\"6\" class=\"event {CLASS}\"><span class=\"{CLASS}\">{value}</span> \
         {label} </td> </tr>"
    )
    .unwrap();
}

fn write_row(out: &mut Vec<u8>, row: &Row, options: &PageOptions) {
    write!(out, "<tr class=\"{CLASS}\">").unwrap();
    write_date(out, row.date);
    for field in BarField::ALL {
        write!(out, "<td class=\"{CLASS}\">").unwrap();
        let bad = |cell: &&BadCell| cell.date == row.date && cell.field == field;
        if let Some(cell) = options.bad_cells.iter().find(bad) {
            out.extend_from_slice(cell.text.as_bytes());
        } else {
            let text = if field == BarField::Volume {
                row.volume.map(|volume| volume.to_string())
            } else {
                let digits = options.digits;
                row.prices[field as usize].map(|price| format!("{:.digits$}", f64::from(price)))
            };
            match text {
                Some(text) => write_with_commas(out, &text),
                None => out.push(b'-'),
            }
        }
        out.extend_from_slice(b"</td>");
    }
    out.extend_from_slice(b"  </tr>");
}

/// A decimal with commas between thousands.
fn write_with_commas(out: &mut Vec<u8>, text: &str) {
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    for (index, byte) in whole.bytes().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left % 3 == 0 && whole.as_bytes()[index - 1] != b'-' {
            out.push(b',');
        }
        out.push(byte);
    }
    out.extend_from_slice(fraction.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let text = |text: &str| {
            let mut out = Vec::new();
            write_with_commas(&mut out, text);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text("281494500"), "281,494,500");
        assert_eq!(text("-123.45"), "-123.45");
        assert_eq!(text("-1234.50"), "-1,234.50");
        assert_eq!(text("999"), "999");
        assert_eq!(text("0"), "0");
        assert_eq!(text("12345.6"), "12,345.6");
    }
}
