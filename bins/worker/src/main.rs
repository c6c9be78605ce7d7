//! The worker's command line.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};
use cream_config::Settings;
use cream_operator::{Display, Exit, Migrate, Operator, Run, cancel_on_signals};
use cream_processor::Cancel;

/// Fills a database with end-of-day prices from vendors' responses.
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
  worker import ~/Downloads/TSLA_2025-06-16.html
  worker import responses/
  DATABASE_URL=sqlite:copy.db worker rebuild";

#[derive(Subcommand)]
enum Command {
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
    cream_operator::exit_code(execute(Arguments::parse()))
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
