//! The API server's command line.

mod accounts;
mod serve;

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use cream_config::{ConfigErrors, Settings};
use cream_demo::Demo;
use cream_operator::{Exit, is_one_file};

use serve::{api_settings, look, serve};

/// Serves end-of-day prices over HTTP from the database that the worker fills.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

const AFTER_HELP: &str = "\
Settings come from the environment and from a file .env in the working folder:
  DATABASE_URL      where the database is (default sqlite:cream.db)
  API_LISTEN        address and port to listen on (default 127.0.0.1:8080)
  RUST_LOG          how much is logged to standard error (error, warn, info, debug)
docs/configuration.md lists them all, docs/api.md describes the routes.

Exit codes: 0 stopped by a signal, 1 it could not be done (the message says why), 2 the command
line is wrong, 130 a second signal ended it at once. The line `listening on http://ADDRESS:PORT` tells that it answers.

Examples:
  api-server demo
  api-server serve --listen 127.0.0.1:0
  api-server serve --without-worker
  api-server user add ann --role admin
  api-server token create ann --name notebook --scopes read,track";

#[derive(Subcommand)]
enum Command {
    /// Serve the database that DATABASE_URL names (the default command).
    Serve(Serve),
    /// Load sample responses into a fresh database in a temporary folder, and serve it.
    Demo(Serve),
    /// Add, list, disable people; set their roles and passwords.
    #[command(subcommand)]
    User(accounts::User),
    /// Make, list and revoke tokens for programs.
    #[command(subcommand)]
    Token(accounts::Token),
}

#[derive(Args)]
struct Serve {
    /// Address and port to listen on, instead of API_LISTEN; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Run a worker in this process, as `worker run` does. The default where the database is an
    /// SQLite file.
    #[arg(long, conflicts_with = "without_worker")]
    with_worker: bool,
    /// Leave pulling and loading to others. The default on PostgreSQL.
    #[arg(long)]
    without_worker: bool,
}

impl Serve {
    /// Whether a worker is run on the database of these settings.
    fn has_worker(&self, settings: &Settings) -> bool {
        self.with_worker || (!self.without_worker && is_one_file(settings))
    }
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
    let (settings, unusable) = Settings::from_env_in_part();
    cream_config::init_logging_to(settings.log_format, &settings.log_filter, None)?;
    match (arguments.command.unwrap_or(Command::Serve(arguments.serve)), unusable) {
        (Command::Serve(options), unusable) => serve_own(&settings, unusable.as_ref(), &options),
        (_, Some(unusable)) => Err(unusable.into()),
        (Command::Demo(options), None) => demonstrate(&settings, &options),
        (Command::User(command), None) => accounts::user(&settings, command),
        (Command::Token(command), None) => accounts::token(&settings, command),
    }
}

/// Serves the database of the settings.
fn serve_own(
    settings: &Settings,
    unusable: Option<&ConfigErrors>,
    options: &Serve,
) -> Result<Exit> {
    let has_worker = options.has_worker(settings);
    let operator = look(settings, unusable, options.listen, has_worker)?;
    serve(&operator, api_settings(settings, options.listen), has_worker, |address| {
        let mut out = stdout();
        writeln!(out, "listening on http://{address}")
            .and_then(|()| out.flush())
            .context("cannot write to standard output")
    })
}

/// Serves samples.
fn demonstrate(settings: &Settings, options: &Serve) -> Result<Exit> {
    let demo = Demo::prepare(options.listen.unwrap_or(settings.api_listen), &mut stdout())?;
    let (api, has_worker) =
        (api_settings(demo.settings(), None), options.has_worker(demo.settings()));
    serve(demo.operator(), api, has_worker, |address| demo.greet(address, &mut stdout()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    fn read(line: &str) -> Result<Serve, clap::Error> {
        let arguments = Arguments::try_parse_from(line.split_whitespace())?;
        Ok(match arguments.command {
            Some(Command::Serve(options) | Command::Demo(options)) => options,
            _ => arguments.serve,
        })
    }

    #[test]
    fn a_worker_is_run_on_a_file_unless_the_line_says_otherwise() {
        let settings =
            |url: &str| Settings::from_vars([("DATABASE_URL".to_owned(), url.to_owned())]).unwrap();
        let (file, server) = (settings("sqlite:cream.db"), settings("postgres://h/db"));
        for command in ["", "serve", "demo"] {
            for (option, of_file, of_server) in [
                ("", true, false),
                ("--with-worker", true, true),
                ("--without-worker", false, false),
            ] {
                let options = read(&format!("api-server {command} {option}")).unwrap();
                let has = (options.has_worker(&file), options.has_worker(&server));
                assert_eq!(has, (of_file, of_server), "{command} {option}");
            }
        }
        assert!(read("api-server serve --with-worker --without-worker").is_err());
        assert!(!read("api-server").unwrap().has_worker(&settings("what://")));
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
