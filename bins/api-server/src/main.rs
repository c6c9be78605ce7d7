//! The API server's command line.

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use cream_api::ApiSettings;
use cream_config::Settings;
use cream_operator::{Exit, Operator};

/// Serves end-of-day prices over HTTP from the database that the worker fills.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Listen,
}

const AFTER_HELP: &str = "\
Settings come from the environment and from a file .env in the working folder:
  DATABASE_URL      where the database is (default sqlite:cream.db)
  API_LISTEN        address and port to listen on (default 127.0.0.1:8080)
  RUST_LOG          how much is logged to standard error (error, warn, info, debug)
docs/configuration.md lists them all, docs/api.md describes the routes.

Exit codes: 0 stopped by a signal, 1 it could not be done (the message says why), 2 the command
line is wrong. The line `listening on http://ADDRESS:PORT` tells that it answers.

Examples:
  api-server demo
  api-server serve --listen 127.0.0.1:0";

#[derive(Subcommand)]
enum Command {
    /// Serve the database that DATABASE_URL names (the default command).
    Serve(Listen),
    /// Load sample responses into a fresh database in a temporary folder, and serve it.
    Demo(Listen),
}

#[derive(Args)]
struct Listen {
    /// Address and port to listen on, instead of API_LISTEN; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| {
        "expected an IP address and a port, such as 127.0.0.1:8080 or [::1]:0; names such as \
         localhost are not looked up"
    })
}

fn main() -> ExitCode {
    cream_operator::exit_code(execute(Arguments::parse()))
}

fn execute(arguments: Arguments) -> Result<Exit> {
    cream_config::load_dotenv()?;
    let settings = Settings::from_env()?;
    cream_config::init_logging_to(settings.log_format, &settings.log_filter, None)?;
    match arguments.command.unwrap_or(Command::Serve(arguments.serve)) {
        Command::Serve(options) => serve(&settings, options.listen),
        Command::Demo(options) => {
            let listen = options.listen.unwrap_or(settings.api_listen);
            cream_demo::run(listen, |settings| api_settings(settings, None), &mut stdout())
        }
    }
}

fn serve(settings: &Settings, listen: Option<SocketAddr>) -> Result<Exit> {
    let operator = Operator::open(settings)?;
    let mut announced = Ok(());
    cream_api::serve(operator.store().clone(), api_settings(settings, listen), |address| {
        let mut out = stdout();
        announced = writeln!(out, "listening on http://{address}").and_then(|()| out.flush());
    })?;
    announced.context("cannot write to standard output")?;
    Ok(Exit::Done)
}

fn api_settings(settings: &Settings, listen: Option<SocketAddr>) -> ApiSettings {
    let api = ApiSettings::new(listen.unwrap_or(settings.api_listen))
        .with_blocking_threads(usize::try_from(settings.max_connections).unwrap_or(usize::MAX));
    [
        ("raw responses", &settings.raw_responses_dir),
        ("parsed responses", &settings.parsed_responses_dir),
        ("dead letters", &settings.deadletter_responses_dir),
    ]
    .into_iter()
    .fold(api, |api, (name, path)| api.with_folder(name, path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_address_that_is_none_is_refused_with_an_example() {
        assert!(Arguments::try_parse_from(["api-server", "--listen", "[::1]:0"]).is_ok());
        for bad in ["localhost:8080", ":8080", "8080", "127.0.0.1", "127.0.0.1:99999", ""] {
            let given = Arguments::try_parse_from(["api-server", "demo", "--listen", bad]);
            let message = given.map(|_| ()).unwrap_err().to_string();
            assert!(message.contains("such as 127.0.0.1:8080"), "{message}");
        }
    }
}
