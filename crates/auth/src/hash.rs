//! Password hashes as text.

use std::fmt;

use base64ct::{Base64Unpadded, Encoding};

use crate::params::{HashParams, ParamsError};

/// The salt of a new hash, in bytes.
pub(crate) const SALT_LEN: usize = 16;
/// The output of a new hash, in bytes.
pub(crate) const OUTPUT_LEN: usize = 32;

/// What can be read, in bytes: what argon2 demands of a salt, and a hash that is worth comparing.
const SALT_LENS: std::ops::RangeInclusive<usize> = 8..=48;
const OUTPUT_LENS: std::ops::RangeInclusive<usize> = 16..=64;
/// The longest text there can be within these bounds has fewer characters.
const MAX_TEXT: usize = 256;

const ALGORITHM: &str = "argon2id";
/// 1.3, in hexadecimal 13.
const VERSION: &str = "v=19";

/// A password's hash, checked: argon2id of version 1.3 with parameters in bounds. As text it is a
/// [PHC string](https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md), such as
/// other programs read too: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
///
/// `Debug` hides salt and hash.
///
/// ```
/// use cream_auth::{HashParams, PasswordHash};
///
/// let stored = "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw\
///               $ktxdZwGWI4aL3geSdeUi9LfoIT00FO2Fy8KsikERcog";
/// let hash = PasswordHash::parse(stored)?;
/// assert_eq!(hash.params(), HashParams::WEAK);
/// assert_eq!(hash.as_str(), stored);
/// assert_eq!(format!("{hash:?}"), "PasswordHash(argon2id m=64,t=1,p=1, hidden)");
///
/// let absurd = stored.replace("m=64", "m=4194304");
/// assert_eq!(
///     PasswordHash::parse(&absurd).unwrap_err().to_string(),
///     "the stored password hash asks for argon2id with a memory of 4194304 KiB: \
///      8 to 262144 KiB are expected",
/// );
/// # Ok::<(), cream_auth::StoredHashError>(())
/// ```
#[derive(Clone)]
pub struct PasswordHash {
    text: String,
    params: HashParams,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// Why a text is not a password hash that can be checked. The text is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredHashError {
    /// Not of the form.
    #[error(
        "the stored password hash is not of the form $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH"
    )]
    Form,
    /// Another algorithm, or another version of it.
    #[error("the stored password hash is of another kind: argon2id of version 19 is expected")]
    Algorithm,
    /// Parameters out of bounds: it would take too much memory or time, or is not defined.
    #[error("the stored password hash asks for {0}")]
    Params(#[from] ParamsError),
    /// A salt or a hash too short or too long, or not in base64.
    #[error(
        "the {part} of the stored password hash is not {least} to {most} bytes in base64 without \
         padding"
    )]
    Part {
        /// `salt` or `hash`.
        part: &'static str,
        /// The fewest bytes.
        least: usize,
        /// The most bytes.
        most: usize,
    },
}

impl PasswordHash {
    /// Reads a hash that was stored. Takes no more time or memory than its text is long, whatever
    /// the text asks for.
    ///
    /// # Errors
    ///
    /// Where it is not of the form, of another algorithm or version, or where its parameters, its
    /// salt or its hash are out of bounds.
    pub fn parse(text: &str) -> Result<Self, StoredHashError> {
        if text.len() > MAX_TEXT {
            return Err(StoredHashError::Form);
        }
        let rest = text.strip_prefix('$').ok_or(StoredHashError::Form)?;
        let mut parts = rest.split('$');
        let mut part = || parts.next().ok_or(StoredHashError::Form);
        if part()? != ALGORITHM || part()? != VERSION {
            return Err(StoredHashError::Algorithm);
        }
        let params = parse_params(part()?)?;
        let salt = decode("salt", part()?, SALT_LENS)?;
        let output = decode("hash", part()?, OUTPUT_LENS)?;
        if parts.next().is_some() {
            return Err(StoredHashError::Form);
        }
        Ok(Self { text: text.to_owned(), params, salt, output })
    }

    /// Of a hash just made.
    pub(crate) fn of(params: HashParams, salt: &[u8], output: &[u8]) -> Self {
        let encode = Base64Unpadded::encode_string;
        let text = format!("${ALGORITHM}${VERSION}${params}${}${}", encode(salt), encode(output));
        Self { text, params, salt: salt.to_vec(), output: output.to_vec() }
    }

    /// The text to store. Not for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parameters that it was made with.
    #[must_use]
    pub fn params(&self) -> HashParams {
        self.params
    }

    pub(crate) fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }
}

/// `m=KIB,t=PASSES,p=LANES`, in this order, as everybody writes them.
fn parse_params(text: &str) -> Result<HashParams, StoredHashError> {
    let mut numbers = text.split(',');
    let mut number = |name: &str| {
        numbers
            .next()
            .and_then(|part| part.strip_prefix(name)?.strip_prefix('='))
            .and_then(decimal)
            .ok_or(StoredHashError::Form)
    };
    let (kib, passes, lanes) = (number("m")?, number("t")?, number("p")?);
    if numbers.next().is_some() {
        return Err(StoredHashError::Form);
    }
    Ok(HashParams::stored(kib, passes, lanes)?)
}

/// A number as the form has it: digits alone, with no zero in front.
fn decimal(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = is_plain && (text == "0" || !text.starts_with('0'));
    if is_canonical { text.parse().ok() } else { None }
}

fn decode(
    part: &'static str,
    text: &str,
    lens: std::ops::RangeInclusive<usize>,
) -> Result<Vec<u8>, StoredHashError> {
    Base64Unpadded::decode_vec(text)
        .ok()
        .filter(|bytes| lens.contains(&bytes.len()))
        .ok_or(StoredHashError::Part { part, least: *lens.start(), most: *lens.end() })
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({ALGORITHM} {}, hidden)", self.params)
    }
}
