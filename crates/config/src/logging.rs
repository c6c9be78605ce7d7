//! Setting up the log.

use std::fmt;
use std::io::{IsTerminal as _, Write};

use cream_auth::redact;
use cream_models::{Clock as _, SystemClock};

use crate::line;
use crate::nearest::nearest;
use crate::variable::RUST_LOG;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogFormat {
    /// Text where standard error is a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// Lines for people: [`line::text`].
    Text,
    /// One JSON object a line, for machines: [`line::json`].
    Json,
}

impl LogFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Text, Self::Json];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// The format of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is logged, in the notation of `env_logger`: a level, or a list such as
/// `info,cream_store=debug`, and after a `/` a regular expression that the message must match.
///
/// ```
/// use cream_config::LogFilter;
/// assert_eq!(LogFilter::default().as_str(), "info");
/// let error = LogFilter::parse("debgu").unwrap_err();
/// assert!(error.to_string().contains("did you mean debug?"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogFilter(String);

impl LogFilter {
    /// Reads a filter. An empty one is the default, `info`.
    ///
    /// # Errors
    ///
    /// Where the notation is broken, or a name is so near to a level's that it must be a slip:
    /// taken for a module's it would log everything of that, and nothing else.
    pub fn parse(text: &str) -> Result<Self, LoggingError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let bad = |reason| LoggingError::Filter { filter: crate::error::excerpt(text), reason };
        env_filter::Builder::new()
            .try_parse(text)
            .map_err(|error| bad(one_line(&error.to_string())))?;
        let modules = text.split_once('/').map_or(text, |(modules, _)| modules);
        for word in modules.split(',').map(str::trim) {
            if let Some(level) = meant_level(word) {
                return Err(bad(format!(
                    "{word:?} is no level: did you mean {level}? (A module of that name is \
                     written {word}=trace)"
                )));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The parser's message: of a regular expression's, which draws a picture over several lines, the
/// last one.
fn one_line(message: &str) -> String {
    let message = match message.trim_end().rsplit_once('\n') {
        Some((_, last)) => {
            format!("invalid regular expression, {}", last.strip_prefix("error: ").unwrap_or(last))
        }
        None => message.rsplit_once("logger filter: ").map_or(message, |(_, text)| text).to_owned(),
    };
    message.replace(char::is_control, "\u{fffd}")
}

impl Default for LogFilter {
    fn default() -> Self {
        Self(RUST_LOG.default.to_owned())
    }
}

/// The level that a word was probably meant to be, where it is none.
fn meant_level(word: &str) -> Option<&'static str> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let word = word.to_lowercase();
    match word.as_str() {
        "warning" => return Some("warn"),
        "err" | "fatal" | "critical" => return Some("error"),
        "none" => return Some("off"),
        "all" | "verbose" => return Some("trace"),
        _ => {}
    }
    let is_level = LEVELS.contains(&word.as_str()) || word.parse::<log::LevelFilter>().is_ok();
    if is_level || word.contains(['=', ':', '_']) || word.len() < 3 {
        return None;
    }
    nearest(&word, LEVELS)
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoggingError {
    /// The filter is not usable.
    #[error("RUST_LOG is {filter:?}: {reason}; allowed is {allowed}", allowed = RUST_LOG.allowed)]
    Filter {
        /// The filter, shortened.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `RUST_LOG` is not Unicode.
    #[error("RUST_LOG is not Unicode text: allowed is {allowed}", allowed = RUST_LOG.allowed)]
    NotUnicode,
    /// The log was set up before; that holds on.
    #[error("the log is set up already")]
    AlreadySet(#[source] log::SetLoggerError),
}

impl LoggingError {
    /// What is wrong with a filter, without the filter.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Filter { reason, .. } => reason,
            Self::NotUnicode | Self::AlreadySet(_) => "",
        }
    }
}

/// Sets up the log for the whole process, to standard error, filtered by `RUST_LOG` (`info` where
/// that is unset or empty).
///
/// # Errors
///
/// Where `RUST_LOG` is not usable, or the log is set up already.
pub fn init_logging(format: LogFormat) -> Result<(), LoggingError> {
    let filter = match std::env::var(RUST_LOG.name) {
        Ok(text) => LogFilter::parse(&text)?,
        Err(std::env::VarError::NotPresent) => LogFilter::default(),
        Err(std::env::VarError::NotUnicode(_)) => return Err(LoggingError::NotUnicode),
    };
    init_logging_to(format, &filter, None)
}

/// Sets up the log for the whole process with a filter and a writer of its own, for example one
/// that steps around a progress bar; `None` is standard error. Each line comes in one write.
/// [`LogFormat::Auto`] looks at standard error all the same.
///
/// # Errors
///
/// Where the log is set up already.
pub fn init_logging_to(
    format: LogFormat,
    filter: &LogFilter,
    writer: Option<Box<dyn Write + Send>>,
) -> Result<(), LoggingError> {
    let render = match format {
        LogFormat::Json => line::json,
        LogFormat::Text => line::text,
        LogFormat::Auto if std::io::stderr().is_terminal() => line::text,
        LogFormat::Auto => line::json,
    };
    let target = writer.map_or(env_logger::Target::Stderr, env_logger::Target::Pipe);
    let logger = env_logger::Builder::new()
        .parse_filters(filter.as_str())
        // As it is: a line holds no escape sequence that would have to be looked for.
        .write_style(env_logger::WriteStyle::Always)
        .target(target)
        .format(move |out, record| {
            let mut line = render(SystemClock.now(), record);
            line.push('\n');
            // Whatever a message quotes, no token of ours is told.
            out.write_all(redact(&line).as_bytes())
        })
        .build();
    let level = logger.filter();
    log::set_boxed_logger(Box::new(Discreet(logger))).map_err(LoggingError::AlreadySet)?;
    log::set_max_level(level);
    Ok(())
}

/// A log without the HTTP client's own lines, whoever asks for them: they show requests as they are
/// sent, API keys and all.
struct Discreet<L>(L);

impl<L: log::Log> log::Log for Discreet<L> {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        !metadata.target().starts_with("ureq") && self.0.enabled(metadata)
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_read_back_and_are_those_of_the_table() {
        for format in LogFormat::ALL {
            assert_eq!(LogFormat::from_name(format.name()), Some(format));
        }
        assert_eq!(LogFormat::from_name("JSON"), None);
        let names = LogFormat::ALL.map(LogFormat::name).join(", ");
        assert_eq!(crate::variable::LOG_FORMAT.allowed.to_string(), names);
        assert_eq!(crate::variable::LOG_FORMAT.default, LogFormat::default().name());
    }

    #[test]
    fn the_http_client_tells_no_whole_request() {
        let logger = env_logger::Builder::new().parse_filters("trace").build();
        let discreet = Discreet(logger);
        let is_told = |target, level| {
            let metadata = log::Metadata::builder().target(target).level(level).build();
            log::Log::enabled(&discreet, &metadata)
        };
        assert!(!is_told("ureq::util", log::Level::Trace));
        assert!(!is_told("ureq_proto::util", log::Level::Trace));
        assert!(!is_told("ureq::run", log::Level::Debug));
        assert!(is_told("cream_retriever::fetch", log::Level::Trace));
    }

    #[test]
    fn filters_of_every_notation_are_taken() {
        for text in [
            "info",
            "TRACE",
            "off",
            "info,cream_store=debug",
            "cream_store",
            "cream_store::sqlite=warn, actix_web=off",
            "debug/slow.*query",
            "actix_web=",
            "actix",
            "mio,h2",
        ] {
            assert_eq!(LogFilter::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(LogFilter::parse("").unwrap(), LogFilter::default());
        assert_eq!(LogFilter::parse(" ").unwrap(), LogFilter::default());
    }

    #[test]
    fn a_broken_filter_is_refused_with_its_reason() {
        for (text, reason) in [
            ("cream_store=loud", "invalid logging spec 'loud'"),
            ("a=b=c", "invalid logging spec 'a=b=c'"),
            ("info/a/b", "too many '/'s"),
            ("info/(", "invalid regular expression, unclosed group"),
            ("debgu", "\"debgu\" is no level: did you mean debug?"),
            ("warning", "did you mean warn?"),
            ("cream_store=debug,inf", "did you mean info?"),
            ("none", "did you mean off?"),
            ("a=\u{1b}[2J", "invalid logging spec '\u{fffd}[2J'"),
        ] {
            let error = LogFilter::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
            assert!(error.starts_with(&format!("RUST_LOG is {text:?}: ")), "{error}");
            assert!(error.contains("allowed is error, warn"), "{error}");
        }
    }
}
