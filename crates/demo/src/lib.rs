//! The demonstration: sample responses loaded into a fresh database in a temporary folder, and
//! served.
//!
//! The samples are part of the binary, so that the demonstration needs nothing but itself.
//!
//! ```
//! assert!(cream_demo::SAMPLES.iter().any(|(name, _)| name.starts_with("GOOG_")));
//! ```

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use cream_api::ApiSettings;
use cream_config::{Secret, Settings};
use cream_operator::{Display, Exit, Operator, Run};
use cream_processor::Cancel;

/// The sample responses: file name and content.
pub const SAMPLES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/samples.rs"));

/// Loads the samples into a fresh database in a temporary folder, then serves it until a signal
/// ends it. `api` tells from the folders' settings how to serve.
///
/// # Errors
///
/// Where the temporary folder, the database or the address cannot be used.
pub fn run(
    listen: SocketAddr,
    api: impl FnOnce(&Settings) -> ApiSettings,
    out: &mut (dyn Write + Send),
) -> Result<Exit> {
    let folder = tempfile::Builder::new()
        .prefix("cream-demo-")
        .tempdir()
        .context("cannot create a temporary folder for the demonstration")?;
    let settings = settings(folder.path(), listen);
    let operator = Operator::open(&settings)?;

    let inbox = folder.path().join("samples");
    std::fs::create_dir(&inbox)?;
    for (name, bytes) in SAMPLES {
        std::fs::write(inbox.join(name), bytes)
            .with_context(|| format!("cannot write the sample {name}"))?;
    }
    writeln!(out, "Loading {} sample responses; one of them is broken on purpose.", SAMPLES.len())?;
    let run = Run { cancel: &Cancel::default(), display: &Display::default(), out: &mut *out };
    operator.import(&[inbox], run)?;
    writeln!(out)?;

    let store = operator.store().clone();
    let api = api(&settings);
    let mut greeted = Ok(());
    cream_api::serve(store, api, |address| greeted = greet(address, folder.path(), out))?;
    greeted?;
    Ok(Exit::Done)
}

fn settings(folder: &Path, listen: SocketAddr) -> Settings {
    Settings {
        database_url: Secret::new(format!("sqlite:{}", folder.join("cream.db").display())),
        raw_responses_dir: folder.join("raw_responses"),
        parsed_responses_dir: folder.join("parsed_responses"),
        deadletter_responses_dir: folder.join("deadletter_responses"),
        api_listen: listen,
        ..Settings::default()
    }
}

fn greet(address: SocketAddr, folder: &Path, out: &mut dyn Write) -> Result<()> {
    let url = format!("http://{address}");
    writeln!(out, "listening on {url}")?;
    writeln!(
        out,
        "
Try:
  curl '{url}/stock-data'
  curl '{url}/stock-data/GOOG'
  curl '{url}/stock-data/GOOG/history?start=2013-02-01&order=desc'
  curl '{url}/stock-data/GOOG/history?format=csv' > goog.csv
  curl '{url}/stock-data/%5ECRM'
  curl '{url}/stock-data/CREAM1/actions'
  curl '{url}/health/ready'

The database is {}; it goes when the server stops. Ctrl-C stops it.",
        folder.join("cream.db").display()
    )?;
    Ok(out.flush()?)
}
