//! What stands on the worker's command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use cream_models::{Date, Symbol, SymbolError, Vendor};
use cream_operator::Migrate;

/// Fills a database with end-of-day prices from market-data vendors.
///
/// Every response is kept as a file: raw_responses/ holds what waits, parsed_responses/ what was
/// loaded, deadletter_responses/ what could not be, with the reason in the database. Nothing is
/// ever deleted.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Settings come from the environment and from a file .env in the working folder:
  DATABASE_URL      where the database is (default sqlite:cream.db)
  STOCK_DATA_*      folders, limits and retries; docs/configuration.md lists them all
  RUST_LOG          how much is logged to standard error (error, warn, info, debug)

Exit codes:
  0    all was done; a worker that ran on its own was stopped by a signal
  1    it could not be done; the message says why
  2    the command line is wrong
  3    all was tried; some responses are dead letters, were refused, or wait for the next run
  130  a signal ended it early; the next run goes on where it stopped

Examples:
  worker track AAPL MSFT ^GSPC
  worker run --metrics 127.0.0.1:9100
  worker fetch --vendor tiingo --from 2020-01-01 BRK-B
  worker import ~/Downloads/TSLA_2025-06-16.html
  worker import responses/
  DATABASE_URL=sqlite:copy.db worker rebuild";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run on its own: pull what is tracked, load it, and mend what broke, until a signal ends it.
    ///
    /// As many workers as wanted may run on one database, on one machine or many. The first signal
    /// (Ctrl-C, SIGTERM) lets it finish what it has in hand, or give that back, within
    /// STOCK_DATA_SHUTDOWN_SECONDS; a second one ends it at once, and the next start mends that.
    Run {
        /// Do once what there is to do, tell what was done, and end.
        #[arg(long)]
        once: bool,
        /// Serve metrics for Prometheus here; port 0 takes a free one. [default:
        /// STOCK_DATA_METRICS_LISTEN]
        #[arg(long, value_name = "ADDR:PORT", value_parser = address, conflicts_with = "once")]
        metrics: Option<SocketAddr>,
    },
    /// Have symbols pulled by the workers that run on their own, from now on.
    ///
    /// Each is pulled at once, and then once a trading day, after its exchange has closed and the
    /// vendor has the final prices. What is tracked already stays as it is; what failed is tried
    /// again at once. Symbols are written as Yahoo writes them (BRK-B, BHP.AX, ^GSPC, EURUSD=X).
    Track {
        /// Symbols; - reads a list from standard input, one a line, with # comments.
        #[arg(required_unless_present = "from_file", value_name = "SYMBOL")]
        symbols: Vec<SymbolOrList>,
        /// Read symbols from a file, one a line, with # comments.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// Whom to pull them from; `worker vendors` lists them. [default: STOCK_DATA_VENDOR]
        #[arg(long)]
        vendor: Option<Vendor>,
        /// The symbol in the vendor's own spelling, such as BRK.B. With one symbol only.
        #[arg(long = "as", value_name = "SPELLING", conflicts_with = "from_file")]
        vendor_symbol: Option<String>,
    },
    /// Have symbols pulled no more. Their prices stay.
    Untrack {
        /// Symbols; - reads a list from standard input, one a line, with # comments.
        #[arg(required_unless_present = "from_file", value_name = "SYMBOL")]
        symbols: Vec<SymbolOrList>,
        /// Read symbols from a file, one a line, with # comments.
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// From this vendor only. [default: from all]
        #[arg(long)]
        vendor: Option<Vendor>,
    },
    /// Ask vendors for prices, archive what they answer, and load it.
    ///
    /// Of a symbol without bars the whole history is pulled, and else the days since the last
    /// bar, with some before it: where these do not agree with what is stored, or a split or
    /// dividend is new, the whole history is pulled again. Symbols are written as Yahoo writes
    /// them (BRK-B, BHP.AX, ^GSPC, EURUSD=X) and spelled as each vendor wants them.
    Fetch {
        /// Symbols.
        #[arg(required = true, value_name = "SYMBOL")]
        symbols: Vec<Symbol>,
        /// Whom to ask first; `worker vendors` lists them. Those of STOCK_DATA_FALLBACK_VENDORS are
        /// asked where it fails. [default: STOCK_DATA_VENDOR]
        #[arg(long)]
        vendor: Option<Vendor>,
        /// The first date, such as 2020-01-01.
        #[arg(long, value_name = "DATE")]
        from: Option<Date>,
        /// The last date.
        #[arg(long, value_name = "DATE")]
        to: Option<Date>,
        /// Pull the whole history.
        #[arg(long, conflicts_with_all = ["from", "to"])]
        full: bool,
        /// The symbol in the vendor's own spelling, such as BRK.B; it is remembered. With one
        /// symbol only.
        #[arg(long = "as", value_name = "SPELLING")]
        vendor_symbol: Option<String>,
        /// Print the requests and send none.
        #[arg(long)]
        dry_run: bool,
    },
    /// List the vendors: what each needs, how often it is asked, what its prices are, and whether
    /// a key is set.
    Vendors,
    /// Copy response files into the archive and load them.
    ///
    /// Takes files and folders (recursively). The format is found by content. A file is best
    /// named SYMBOL_YYYY-MM-DD.html or SYMBOL_YYYY-MM-DDTHHMMSSZ_VENDOR.json, which tells the
    /// symbol and when it was fetched; the symbol's unusual characters may be percent-encoded.
    /// Importing the same files again changes nothing.
    Import {
        /// Files and folders.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Load every file that waits in the folder of raw responses, once.
    Process,
    /// List the dead letters, the newest first: responses that could not be loaded, and why.
    Deadletters {
        /// Print a JSON object a line, with all that is known of each.
        #[arg(long)]
        json: bool,
        /// List at most so many.
        #[arg(long, value_name = "N", default_value_t = 50,
            value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Try dead letters again.
    Retry {
        /// File names or ids, as `worker deadletters` lists them.
        #[arg(required_unless_present = "all", value_name = "FILE|ID")]
        letters: Vec<String>,
        /// All of this archive.
        #[arg(long, conflicts_with = "letters")]
        all: bool,
        /// Load also what was refused as suspicious, since it would withdraw many bars. Only for
        /// those named.
        #[arg(long, conflicts_with = "all")]
        accept: bool,
    },
    /// Print the SHA-256 over all bars and corporate actions that are served.
    ///
    /// Two databases with the same digest serve the same data.
    Digest,
    /// Fill an empty database from the archive alone.
    Rebuild,
    /// Show what the database and the archive hold, what is tracked, how workers and vendors fare,
    /// and what failed, with reasons.
    Status {
        /// Print one JSON object; docs/operations.md describes it.
        #[arg(long)]
        json: bool,
    },
    /// Apply, revert or list the database's migrations.
    ///
    /// Other commands, but for status, apply what is pending by themselves.
    Migrate {
        /// up: apply what is pending. down: revert the newest one. status: list them.
        #[arg(value_enum)]
        what: MigrateArgument,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum MigrateArgument {
    Up,
    Down,
    Status,
}

impl From<MigrateArgument> for Migrate {
    fn from(what: MigrateArgument) -> Self {
        match what {
            MigrateArgument::Up => Self::Up,
            MigrateArgument::Down => Self::Down,
            MigrateArgument::Status => Self::Status,
        }
    }
}

/// A symbol, or the place of a list of them on standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SymbolOrList {
    Symbol(Symbol),
    Input,
}

impl FromStr for SymbolOrList {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        if text == "-" { Ok(Self::Input) } else { Symbol::parse(text).map(Self::Symbol) }
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| {
        "expected an IP address and a port, such as 127.0.0.1:9100 or [::1]:0; names such as \
         localhost are not looked up"
    })
}

/// What the options cannot be together.
pub(crate) fn check(command: &Command) -> Result<(), clap::Error> {
    let (count, vendor, vendor_symbol) = match command {
        Command::Fetch { symbols, vendor, vendor_symbol, .. } => {
            (symbols.len(), vendor, vendor_symbol)
        }
        Command::Track { symbols, vendor, vendor_symbol, .. } => {
            (symbols.len(), vendor, vendor_symbol)
        }
        Command::Untrack { vendor, .. } => (0, vendor, &None),
        _ => return Ok(()),
    };
    let wrong = |kind, text: String| Err(Arguments::command().error(kind, text));
    if vendor_symbol.is_some() && count > 1 {
        let text = format!("--as spells one symbol, but {count} are given");
        return wrong(ErrorKind::TooManyValues, text);
    }
    if let Command::Fetch { from: Some(from), to: Some(to), .. } = command
        && from > to
    {
        let text = format!("--to {to} is before --from {from}");
        return wrong(ErrorKind::ValueValidation, text);
    }
    if *vendor == Some(Vendor::Csv) {
        let asked = Vendor::ALL.iter().filter(|vendor| **vendor != Vendor::Csv);
        let names: Vec<_> = asked.map(|vendor| vendor.name()).collect();
        let text = format!(
            "--vendor csv cannot be asked, since these are files of your own: `worker import` takes \
             them; to be asked are {}",
            names.join(", ")
        );
        return wrong(ErrorKind::InvalidValue, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, clap::Error> {
        let arguments = Arguments::try_parse_from(line.split_whitespace())?;
        check(&arguments.command).map(|()| arguments.command)
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for bad in [
            "worker run --once --metrics 127.0.0.1:0",
            "worker run --metrics localhost:9100",
            "worker run AAPL",
            "worker track",
            "worker track --as BRK.B BRK-B AAPL",
            "worker track --as BRK.B --from-file list",
            "worker track --vendor csv AAPL",
            "worker track --vendor yahoo AAPL",
            "worker untrack",
            "worker untrack --vendor csv AAPL",
            "worker retry",
            "worker retry --all 7",
            "worker retry --all --accept",
            "worker deadletters --limit 0",
            "worker fetch --from 2025-01-02 --to 2025-01-01 AAPL",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        for good in [
            "worker run",
            "worker run --once",
            "worker run --metrics [::1]:0",
            "worker track -",
            "worker track AAPL - --from-file list",
            "worker track --as BRK.B BRK-B --vendor massive",
            "worker untrack --vendor tiingo AAPL",
            "worker retry 7 X_2025-06-16.html --accept",
            "worker retry --all",
            "worker deadletters --json --limit 1000000",
            "worker status --json",
        ] {
            assert!(read(good).is_ok(), "{good}: {}", read(good).err().unwrap());
        }
    }
}
