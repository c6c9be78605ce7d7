//! Passwords.

use std::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A password, as it was typed: nothing is trimmed, folded or normalised.
///
/// 1 to 1024 bytes. Hidden from `Debug`, wiped when dropped.
///
/// ```
/// use cream_auth::{Password, PasswordError};
///
/// let given = Password::new("correct horse battery".to_owned())?;
/// assert_eq!(format!("{given:?}"), "Password(hidden)");
/// assert_eq!(Password::chosen("horse".to_owned(), "ann").err(), Some(PasswordError::TooShort));
/// # Ok::<(), PasswordError>(())
/// ```
pub struct Password(Zeroizing<String>);

/// Why a text is not taken as a password. The text is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Nothing was given.
    #[error("the password is empty: 1 to {max} bytes are expected", max = Password::MAX_BYTES)]
    Empty,
    /// More than [`Password::MAX_BYTES`].
    #[error("the password is too long: at most {max} bytes are expected", max = Password::MAX_BYTES)]
    TooLong,
    /// A new one of fewer than [`Password::MIN_CHARACTERS`].
    #[error(
        "the password is too short: at least {min} characters are expected of a new one",
        min = Password::MIN_CHARACTERS
    )]
    TooShort,
    /// A new one that is the user's name.
    #[error("the password is the user's name: something else is expected of a new one")]
    IsUserName,
}

impl Password {
    /// The most bytes that a password may have.
    pub const MAX_BYTES: usize = 1024;
    /// The fewest characters (Unicode scalar values) that a new password may have.
    pub const MIN_CHARACTERS: usize = 12;

    /// A password that somebody gives to log in. The rules for new ones are not applied: those it
    /// is held against may be older than the rules.
    ///
    /// The text is taken, not borrowed, so that it is wiped, also where it is refused.
    ///
    /// # Errors
    ///
    /// Where it is empty or longer than [`Password::MAX_BYTES`].
    pub fn new(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        match text.len() {
            0 => Err(PasswordError::Empty),
            1..=Self::MAX_BYTES => Ok(Self(text)),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// A new password that somebody chooses, for the user of this name.
    ///
    /// # Errors
    ///
    /// As [`Password::new`], and where it is shorter than [`Password::MIN_CHARACTERS`] or is the
    /// user's name, in whatever case and with whatever white space around.
    pub fn chosen(text: String, user_name: &str) -> Result<Self, PasswordError> {
        let password = Self::new(text)?;
        if is_same_name(&password.0, user_name) {
            Err(PasswordError::IsUserName)
        } else if password.0.chars().take(Self::MIN_CHARACTERS).count() < Self::MIN_CHARACTERS {
            Err(PasswordError::TooShort)
        } else {
            Ok(password)
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Compared without a copy in lower case, which would have to be wiped too.
fn is_same_name(password: &str, user_name: &str) -> bool {
    let lower = |character: char| character.to_lowercase();
    password.trim().chars().flat_map(lower).eq(user_name.trim().chars().flat_map(lower))
}

impl ZeroizeOnDrop for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str, user: &str) -> Option<PasswordError> {
        Password::chosen(text.to_owned(), user).err()
    }

    #[test]
    fn one_that_is_given_has_1_to_1024_bytes() {
        let given = |text: String| Password::new(text).err();
        assert_eq!(given(String::new()), Some(PasswordError::Empty));
        assert_eq!(given("x".to_owned()), None);
        assert_eq!(given("x".repeat(1024)), None);
        assert_eq!(given("x".repeat(1025)), Some(PasswordError::TooLong));
        assert_eq!(given("ü".repeat(512)), None);
        assert_eq!(given("ü".repeat(513)), Some(PasswordError::TooLong), "bytes, not characters");
    }

    #[test]
    fn one_that_is_chosen_has_12_characters() {
        assert_eq!(chosen("", "ann"), Some(PasswordError::Empty));
        assert_eq!(chosen("11 letters!", "ann"), Some(PasswordError::TooShort));
        assert_eq!(chosen("twelve chars", "ann"), None);
        assert_eq!(chosen("üüüüüüüüüüü", "ann"), Some(PasswordError::TooShort), "not bytes");
        assert_eq!(chosen("🐄🐄🐄🐄🐄🐄🐄🐄🐄🐄🐄🐄", "ann"), None);
        assert_eq!(chosen(&"x".repeat(1025), "ann"), Some(PasswordError::TooLong));
    }

    #[test]
    fn one_that_is_chosen_is_not_the_users_name() {
        assert_eq!(chosen("administrator", "administrator"), Some(PasswordError::IsUserName));
        assert_eq!(chosen(" ADMINISTRATOR\n", "Administrator"), Some(PasswordError::IsUserName));
        assert_eq!(chosen("JÜRGEN-MÜLLER", "jürgen-müller"), Some(PasswordError::IsUserName));
        assert_eq!(chosen("ann", "ann"), Some(PasswordError::IsUserName), "told before its length");
        assert_eq!(chosen("administrator2", "administrator"), None);
    }

    #[test]
    fn it_is_hidden() {
        let password = Password::new("plain to see".to_owned()).unwrap();
        assert_eq!(format!("{password:?} {password:#?}"), "Password(hidden) Password(hidden)");
        assert_eq!(password.as_bytes(), b"plain to see");
    }

    #[test]
    fn what_holds_the_text_is_wiped() {
        fn is_wiped<T: ZeroizeOnDrop>(_: &T) {}
        is_wiped(&Password::new("plain to see".to_owned()).unwrap().0);
    }

    #[test]
    fn errors_say_what_is_expected() {
        let texts = [
            PasswordError::Empty,
            PasswordError::TooLong,
            PasswordError::TooShort,
            PasswordError::IsUserName,
        ]
        .map(|error| error.to_string());
        assert_eq!(
            texts,
            [
                "the password is empty: 1 to 1024 bytes are expected",
                "the password is too long: at most 1024 bytes are expected",
                "the password is too short: at least 12 characters are expected of a new one",
                "the password is the user's name: something else is expected of a new one",
            ]
        );
    }
}
