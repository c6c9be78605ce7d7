//! Who somebody is, and what they may: passwords, tokens, scopes and roles. Pure: it knows of no
//! database, no HTTP and no async runtime.
//!
//! - A [`Password`] is hashed with argon2id by a [`PasswordHasher`], and kept as a [`PasswordHash`].
//! - A [`Token`] is shown once; what is kept is its [`TokenDigest`].
//! - A [`Scope`] is what a token is good for; a [`Role`] is what a person is.
//! - [`redact`] hides the tokens in a text, for logs.
//!
//! Passwords and tokens are hidden from `Debug`, have no `Display`, are quoted by no error, cannot
//! be cloned, and are wiped from memory when they are dropped. What a caller keeps of them
//! elsewhere (the body of a request) is the caller's to wipe.
//!
//! A login, in which a user who does not exist costs the same time as a wrong password:
//!
//! ```
//! use cream_auth::{HashParams, Password, PasswordHash, PasswordHasher, Token, TokenKind};
//!
//! let hasher = PasswordHasher::new(HashParams::DEFAULT)?; // once, at start
//! let password = Password::chosen("correct horse battery".to_owned(), "ann")?;
//! let stored = hasher.hash(&password)?.as_str().to_owned(); // what the database keeps
//!
//! let find_user = |name: &str| (name == "ann").then_some(&stored);
//! let login = |name: &str, given: &str| -> Result<Option<Token>, Box<dyn std::error::Error>> {
//!     let given = Password::new(given.to_owned())?;
//!     let verdict = match find_user(name) {
//!         Some(stored) => hasher.verify(&given, &PasswordHash::parse(stored)?)?,
//!         None => hasher.verify_unknown(&given)?,
//!     };
//!     if !verdict.is_right {
//!         return Ok(None);
//!     }
//!     // Where `verdict.needs_rehash`, `hasher.hash(&given)` is kept in place of the old one.
//!     Ok(Some(Token::generate(TokenKind::Session)?))
//! };
//! assert!(login("ann", "correct horse battery")?.is_some());
//! assert!(login("ann", "Correct horse battery")?.is_none());
//! assert!(login("bob", "correct horse battery")?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod hash;
mod hasher;
mod params;
mod password;
mod random;
mod redact;
mod scope;
mod token;

pub use hash::{PasswordHash, StoredHashError};
pub use hasher::{HashError, PasswordHasher, Verdict};
pub use params::{HashParams, ParamsError};
pub use password::{Password, PasswordError};
pub use random::RandomError;
pub use redact::redact;
pub use scope::{Role, Scope, Scopes, UnknownName};
pub use token::{DigestError, Token, TokenDigest, TokenError, TokenKind};
