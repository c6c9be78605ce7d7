//! The worker's command line.

mod arguments;

use std::fs::File;
use std::io::{BufReader, Write, stdin, stdout};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use cream_config::{ConfigErrors, Settings};
use cream_models::Symbol;
use cream_operator::{
    DeadLetters, Display, Exit, Fetch, Letters, Needs, Operator, Run, Track, Untrack,
    cancel_on_signals, read_symbols, span,
};
use cream_processor::Cancel;

use arguments::{Arguments, Command, SymbolOrList};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = arguments::check(&arguments.command) {
        error.exit();
    }
    cream_operator::exit_code(execute(arguments))
}

fn execute(arguments: Arguments) -> Result<Exit> {
    cream_config::load_dotenv()?;
    let (settings, unusable) = Settings::from_env_in_part();
    // What runs on its own tells what else is wrong.
    let unusable = match (unusable, &arguments.command) {
        (Some(unusable), Command::Run { .. }) => Some(unusable),
        (Some(unusable), _) => return Err(unusable.into()),
        (None, _) => None,
    };
    let display = Display::default();
    cream_config::init_logging_to(
        settings.log_format,
        &settings.log_filter,
        Some(display.log_writer()),
    )?;
    let cancel = Cancel::default();
    cancel_on_signals(&cancel)?;
    run(arguments.command, &settings, unusable.as_ref(), &cancel, &display)
}

/// A worker on its own.
fn work(
    once: bool,
    metrics: Option<SocketAddr>,
    settings: &Settings,
    unusable: Option<&ConfigErrors>,
    cancel: &Cancel,
) -> Result<Exit> {
    let metrics = metrics.or(settings.metrics_listen).filter(|_| !once);
    let needs = Needs { worker: true, metrics, ..Needs::default() };
    let operator = Operator::start(settings, unusable, needs)?;
    if once {
        operator.run_once(cancel, &mut stdout())
    } else {
        operator.run(metrics, cancel, &mut stdout())
    }
}

fn run(
    command: Command,
    settings: &Settings,
    unusable: Option<&ConfigErrors>,
    cancel: &Cancel,
    display: &Display,
) -> Result<Exit> {
    let out: &mut dyn Write = &mut stdout();
    let exit = match command {
        Command::Run { once, metrics } => work(once, metrics, settings, unusable, cancel),
        Command::Track { symbols, from_file, vendor, vendor_symbol } => {
            let symbols = listed(symbols, from_file.as_deref())?;
            let track = Track { symbols, vendor, vendor_symbol };
            Operator::open(settings)?.track(&track, cancel, out)
        }
        Command::Untrack { symbols, from_file, vendor } => {
            let symbols = listed(symbols, from_file.as_deref())?;
            Operator::open(settings)?.untrack(&Untrack { symbols, vendor }, cancel, out)
        }
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
        Command::Deadletters { json, limit } => {
            Operator::open(settings)?.dead_letters(DeadLetters { limit, is_json: json }, out)
        }
        Command::Retry { letters, all, accept } => {
            let letters = if all { Letters::All } else { Letters::Named(letters) };
            Operator::open(settings)?.retry(&letters, accept, Run { cancel, display, out })
        }
        Command::Digest => Operator::open(settings)?.digest(out),
        Command::Rebuild => Operator::open(settings)?.rebuild(Run { cancel, display, out }),
        Command::Status { json } => Operator::open_as_is(settings)?.status(json, out),
        Command::Migrate { what } => Operator::open_as_is(settings)?.migrate(what.into(), out),
    }?;
    out.flush().context("cannot write to standard output")?;
    Ok(exit)
}

/// The symbols that are given, with those of the lists that are named.
fn listed(given: Vec<SymbolOrList>, file: Option<&Path>) -> Result<Vec<Symbol>> {
    let mut symbols = Vec::new();
    for given in given {
        match given {
            SymbolOrList::Symbol(symbol) => symbols.push(symbol),
            SymbolOrList::Input => symbols.extend(read_symbols(stdin().lock(), "standard input")?),
        }
    }
    if let Some(path) = file {
        let place = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {place}"))?;
        symbols.extend(read_symbols(BufReader::new(file), &place)?);
    }
    Ok(symbols)
}
