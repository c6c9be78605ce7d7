//! Problems of settings.

use std::fmt;

use crate::Allowed;

/// One setting that is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The value is not one of those allowed.
    #[error("{name} is {value:?}: allowed is {allowed}{hint}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value, shortened.
        value: String,
        /// What is allowed.
        allowed: Allowed,
        /// What is wrong in particular; may be empty.
        hint: String,
    },
    /// The variable is set to nothing.
    #[error("{name} is empty: allowed is {allowed}; unset it for the default, {default}")]
    Empty {
        /// The variable.
        name: &'static str,
        /// What is allowed.
        allowed: Allowed,
        /// What holds where it is unset.
        default: &'static str,
    },
    /// The value is not Unicode text.
    #[error("{name} is not Unicode text: allowed is {allowed}")]
    NotUnicode {
        /// The variable.
        name: &'static str,
        /// What is allowed.
        allowed: Allowed,
    },
    /// A variable that looks like one of ours but is none. Its value is not shown: it may be a key.
    #[error("{shown} is not a setting{hint}", shown = name.escape_debug(), hint = suggestion(*.nearest))]
    Unknown {
        /// The variable.
        name: String,
        /// The setting that was probably meant.
        nearest: Option<&'static str>,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || ": see docs/configuration.md for those there are".to_owned(),
        |nearest| format!(": did you mean {nearest}?"),
    )
}

/// Every setting that is not usable; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(crate) fn check(problems: Vec<ConfigError>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }

    /// The problems, in the order of the documentation, unknown names last.
    #[must_use]
    pub fn problems(&self) -> &[ConfigError] {
        &self.0
    }

    /// Whether this variable is not usable, or may be what an unknown name was meant to be.
    #[must_use]
    pub fn concern(&self, variable: &str) -> bool {
        self.0.iter().any(|problem| match problem {
            ConfigError::Invalid { name, .. }
            | ConfigError::Empty { name, .. }
            | ConfigError::NotUnicode { name, .. } => *name == variable,
            ConfigError::Unknown { nearest, .. } => *nearest == Some(variable),
        })
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "a setting is not usable:")?,
            count => write!(f, "{count} settings are not usable:")?,
        }
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}

/// A text short enough for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const LIMIT: usize = 80;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    text.chars().take(LIMIT).chain(std::iter::once('…')).collect()
}
