//! The vendors, at a glance.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use cream_config::Settings;
use cream_models::{ActionKind, SystemClock, Vendor};
use cream_retriever::{KeyNeed, MemoryGate, Retriever, VendorDescription};

use crate::Exit;
use crate::fetch::retriever_options;
use crate::table::Table;

/// Writes a table of the vendors: what each needs, how often it is asked, what its prices are, and
/// whether a key is set. No key is shown, and nobody is asked.
///
/// # Errors
///
/// Where a setting cannot be used, or the output fails.
pub fn vendors(settings: &Settings, out: &mut dyn Write) -> Result<Exit> {
    let mut table = Table::new([
        "vendor",
        "API key",
        "asked at most",
        "prices",
        "dividends",
        "tells",
        "address",
    ]);
    for about in descriptions(settings)? {
        table.add(row(&about));
    }
    table.write("", out)?;
    writeln!(out)?;
    writeln!(out, "asked first: {}", settings.vendor)?;
    if !settings.fallback_vendors.is_empty() {
        let names: Vec<_> = settings.fallback_vendors.iter().map(|vendor| vendor.name()).collect();
        writeln!(out, "where it fails: {}", names.join(", "))?;
    }
    writeln!(
        out,
        "{}: files of your own, with `worker import`; their prices' basis is yours to know",
        Vendor::Csv
    )?;
    Ok(Exit::Done)
}

/// The vendors as they are set up.
pub(crate) fn descriptions(settings: &Settings) -> Result<Vec<VendorDescription>> {
    let gate = Arc::new(MemoryGate::default());
    let retriever = Retriever::new(retriever_options(settings)?, gate, Box::new(SystemClock))?;
    Ok(retriever.vendors())
}

fn row(about: &VendorDescription) -> [String; 7] {
    let vendor = about.vendor;
    let key = match (about.key, about.key_is_set) {
        (KeyNeed::None, _) => "none needed",
        (KeyNeed::Optional, false) => "optional, not set",
        (KeyNeed::Required, false) => "needed, NOT SET",
        (_, true) => "set",
    };
    let limits: Vec<String> = about.limits.iter().map(ToString::to_string).collect();
    let tells: Vec<&str> = vendor
        .tells()
        .iter()
        .map(|kind| match kind {
            ActionKind::Dividend => "dividends",
            ActionKind::Split => "splits",
            ActionKind::CapitalGain => "capital gains",
        })
        .collect();
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    [
        vendor.name().to_owned(),
        key.to_owned(),
        or_none(limits.join(", ")),
        vendor.price_basis().name().replace('_', " "),
        vendor.dividend_basis().name().replace('_', " "),
        or_none(tells.join(", ")),
        about.base_url.clone(),
    ]
}
