//! The demonstration: sample responses loaded into a fresh database in a temporary folder, to be
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
use cream_config::{Secret, Settings};
use cream_operator::{Cancel, Display, Operator, Run};
use tempfile::TempDir;

/// The sample responses: file name and content.
pub const SAMPLES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/samples.rs"));

/// Samples in a fresh database in a temporary folder, which goes when this value does.
pub struct Demo {
    settings: Settings,
    operator: Operator,
    folder: TempDir,
}

impl Demo {
    /// Loads the samples, to be served at this address.
    ///
    /// # Errors
    ///
    /// Where the temporary folder or the database cannot be used.
    pub fn prepare(listen: SocketAddr, out: &mut dyn Write) -> Result<Self> {
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
        writeln!(
            out,
            "Loading {} sample responses; one of them is broken on purpose.",
            SAMPLES.len()
        )?;
        let run = Run { cancel: &Cancel::default(), display: &Display::default(), out: &mut *out };
        operator.import(&[inbox], run)?;
        writeln!(out)?;
        Ok(Self { settings, operator, folder })
    }

    /// How it is set up. Nothing of it comes from the environment, and nothing is tracked.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What serves it.
    #[must_use]
    pub const fn operator(&self) -> &Operator {
        &self.operator
    }

    /// Says where it is served and what to try.
    ///
    /// # Errors
    ///
    /// Where the output fails.
    pub fn greet(&self, address: SocketAddr, out: &mut dyn Write) -> Result<()> {
        greet(address, self.folder.path(), out)
    }
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
