//! The worker's command line.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use cream_config::Settings;
use cream_models::{Date, Symbol, Vendor};
use cream_operator::{Display, Exit, Fetch, Migrate, Operator, Run, cancel_on_signals, span};
use cream_processor::Cancel;

/// Fills a database with end-of-day prices from market-data vendors.
///
/// Every response is kept as a file: raw_responses/ holds what waits, parsed_responses/ what was
/// loaded, deadletter_responses/ what could not be, with the reason in the database. Nothing is
/// ever deleted.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Settings come from the environment and from a file .env in the working folder:
  DATABASE_URL      where the database is (default sqlite:cream.db)
  STOCK_DATA_*      folders, limits and retries; docs/configuration.md lists them all
  RUST_LOG          how much is logged to standard error (error, warn, info, debug)

Exit codes:
  0    all was done
  1    it could not be done; the message says why
  2    the command line is wrong
  3    all was tried; some responses are dead letters, were refused, or wait for the next run
  130  a signal ended it early; the next run goes on where it stopped

Examples:
  worker fetch AAPL MSFT
  worker fetch --vendor tiingo --from 2020-01-01 BRK-B
  worker import ~/Downloads/TSLA_2025-06-16.html
  worker import responses/
  DATABASE_URL=sqlite:copy.db worker rebuild";

#[derive(Subcommand)]
enum Command {
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
    /// Print the SHA-256 over all bars and corporate actions that are served.
    ///
    /// Two databases with the same digest serve the same data.
    Digest,
    /// Fill an empty database from the archive alone.
    Rebuild,
    /// Show what the database and the archive hold, and the dead letters with their reasons.
    Status,
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
enum MigrateArgument {
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

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = check(&arguments.command) {
        error.exit();
    }
    cream_operator::exit_code(execute(arguments))
}

/// What the options cannot be together.
fn check(command: &Command) -> Result<(), clap::Error> {
    let Command::Fetch { symbols, vendor, from, to, vendor_symbol, .. } = command else {
        return Ok(());
    };
    let wrong = |kind, text: String| Err(Arguments::command().error(kind, text));
    if vendor_symbol.is_some() && symbols.len() > 1 {
        let text = format!("--as spells one symbol, but {} are given", symbols.len());
        return wrong(ErrorKind::TooManyValues, text);
    }
    if let (Some(from), Some(to)) = (from, to)
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

fn execute(arguments: Arguments) -> Result<Exit> {
    cream_config::load_dotenv()?;
    let settings = Settings::from_env()?;
    let display = Display::default();
    cream_config::init_logging_to(
        settings.log_format,
        &settings.log_filter,
        Some(display.log_writer()),
    )?;
    let cancel = Cancel::default();
    cancel_on_signals(&cancel)?;
    run(arguments.command, &settings, &cancel, &display)
}

fn run(command: Command, settings: &Settings, cancel: &Cancel, display: &Display) -> Result<Exit> {
    let out: &mut dyn Write = &mut stdout();
    let exit = match command {
        Command::Fetch { symbols, vendor, from, to, full, vendor_symbol, dry_run } => {
            let span = span(from, to, full);
            let fetch = Fetch { symbols, vendor, vendor_symbol, span, dry_run };
            Operator::open(settings)?.fetch(&fetch, Run { cancel, display, out })
        }
        Command::Vendors => cream_operator::vendors(settings, out),
        Command::Import { paths } => {
            Operator::open(settings)?.import(&paths, Run { cancel, display, out })
        }
        Command::Process => Operator::open(settings)?.process(Run { cancel, display, out }),
        Command::Digest => Operator::open(settings)?.digest(out),
        Command::Rebuild => Operator::open(settings)?.rebuild(Run { cancel, display, out }),
        Command::Status => Operator::open_as_is(settings)?.status(out),
        Command::Migrate { what } => Operator::open_as_is(settings)?.migrate(what.into(), out),
    }?;
    out.flush().context("cannot write to standard output")?;
    Ok(exit)
}
