//! What goes over the wire in answer to a request, well-behaved or not.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

use cream_models::{Timestamp, Vendor};
use flate2::Compression;
use flate2::bufread::GzEncoder;

use super::faults::Fault;
use super::http::{Answer, HTML, JSON, Request, TEXT, Wire};
use super::routes::{self, LOOP, format_of};
use super::world::{Saying, World};
use crate::failures;

/// Into what a gzip bomb unfolds, in bytes.
const BOMB: u64 = 96 << 20;

/// In how many pieces a slow body comes.
const PIECES: u32 = 40;

/// A piece of an endless body, in bytes, and the pause after it: 64 MiB are sent in half a second,
/// and a client that never stops keeps no processor busy.
const ENDLESS_PIECE: usize = 256 << 10;
const ENDLESS_PAUSE: Duration = Duration::from_millis(2);

/// Of the last answer on a connection.
pub(crate) const CLOSE: (&str, &str) = ("connection", "close");

/// How an answer is sent.
pub(crate) struct Reply {
    wire: Wire,
    manner: Manner,
}

enum Manner {
    Whole,
    /// Begun late.
    Late(Duration),
    /// The body in small pieces over a time.
    Trickling(Duration),
    /// Announced as so long a body, of which so much is sent.
    Misframed {
        announced: usize,
        sent: usize,
    },
    Endless,
    Reset,
}

/// How a connection goes on after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Open,
    Closed,
    /// To be torn down with a reset.
    Reset,
}

impl Reply {
    /// The reply of a vendor in its right mind, from its answer to whoever has nothing yet.
    pub(crate) fn right(whole: &Wire, request: &Request) -> Self {
        Self { wire: whole.clone().to(request), manner: Manner::Whole }
    }

    /// The reply of a misbehaving vendor.
    pub(crate) fn faulty(
        fault: Fault,
        vendor: Option<Vendor>,
        world: &World,
        elsewhere: &str,
        request: &Request,
        compress: bool,
    ) -> Self {
        // What only leads up to Yahoo's answers speaks as they do.
        let format = vendor.and_then(format_of).unwrap_or(&super::yahoo::Chart);
        let says = |saying| format.says(saying, request);
        let right = || routes::answer(world, request);
        let mut answer = match fault {
            Fault::RateLimited => says(Saying::TooFast).with_status(429),
            Fault::RateLimitedSeconds(seconds) => {
                says(Saying::TooFast).with_status(429).with("retry-after", seconds.to_string())
            }
            Fault::RateLimitedDate(at) => {
                says(Saying::TooFast).with_status(429).with("retry-after", http_date(at))
            }
            Fault::InternalError => Answer::other(500, TEXT, "own trouble"),
            Fault::BadGateway => {
                Answer::other(502, HTML, "<html><body><h1>502 Bad Gateway</h1></body></html>")
            }
            Fault::Unavailable => Answer::other(503, HTML, failures::will_be_right_back()),
            Fault::NotFound => says(Saying::UnknownSymbol).with_status(404),
            Fault::Unauthorized => says(Saying::BadKey).with_status(401),
            Fault::UnknownSymbol => says(Saying::UnknownSymbol),
            Fault::BadKey => says(Saying::BadKey),
            Fault::QuotaSpent => says(Saying::QuotaSpent),
            Fault::NoData => says(Saying::NoData),
            Fault::ConsentPage => Answer::other(200, HTML, failures::consent_page()),
            Fault::RedirectLoop => {
                Answer::redirect(format!("{LOOP}{}/there", vendor.map_or("yahoo", Vendor::name)))
            }
            Fault::RedirectElsewhere => {
                Answer::redirect(format!("{elsewhere}{}", request.path_and_query))
            }
            Fault::Empty => Answer::other(200, JSON, ""),
            Fault::Garbage => Answer::other(200, JSON, "own words: neither prices nor excuses\n"),
            Fault::HalfJson => halved(right()),
            Fault::GzipBomb => {
                let wire = Answer::other(200, JSON, bomb()).with("content-encoding", "gzip");
                return Self { wire: wire.encoded(request, false), manner: Manner::Whole };
            }
            Fault::WrongSymbol => {
                routes::answer(&World { is_mistaken: true, ..world.clone() }, request)
            }
            Fault::SlowHeaders(_)
            | Fault::SlowBody(_)
            | Fault::CutShort
            | Fault::WrongLength
            | Fault::EndlessBody
            | Fault::Reset => right(),
        };
        if matches!(fault, Fault::CutShort | Fault::WrongLength | Fault::EndlessBody) {
            // A mere 304 has no body to spoil.
            answer.healthy = false;
        }
        let wire = answer.encoded(request, compress && fault != Fault::EndlessBody);
        let (all, half) = (wire.body.len(), wire.body.len() / 2);
        let manner = match fault {
            Fault::SlowHeaders(time) => Manner::Late(time),
            Fault::SlowBody(time) => Manner::Trickling(time),
            Fault::CutShort => Manner::Misframed { announced: all, sent: half },
            Fault::WrongLength => Manner::Misframed { announced: half, sent: all },
            Fault::EndlessBody => Manner::Endless,
            Fault::Reset => Manner::Reset,
            _ => Manner::Whole,
        };
        Self { wire, manner }
    }

    /// The status that is sent; `None` where nothing is.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self.manner {
            Manner::Reset => None,
            _ => Some(self.wire.status),
        }
    }

    /// What is sent where the connection is not the server's to mistreat.
    pub(crate) fn into_wire(self) -> Wire {
        self.wire
    }

    /// Sends it. `pause` waits for a time, and fails where the server is to stop.
    pub(crate) fn send(
        &self,
        mut stream: &TcpStream,
        pause: &dyn Fn(Duration) -> io::Result<()>,
    ) -> io::Result<After> {
        let wire = &self.wire;
        match self.manner {
            Manner::Whole => {
                stream.write_all(&framed(wire, &[]))?;
                return Ok(After::Open);
            }
            Manner::Late(time) => {
                pause(time)?;
                stream.write_all(&framed(wire, &[CLOSE]))?;
            }
            Manner::Trickling(time) => {
                let length = wire.body.len().to_string();
                stream.write_all(&wire.head(&[("content-length", &length), CLOSE]))?;
                for piece in wire.body.chunks(wire.body.len().div_ceil(PIECES as usize).max(1)) {
                    pause(time / PIECES)?;
                    stream.write_all(piece)?;
                }
            }
            Manner::Misframed { announced, sent } => {
                let length = announced.to_string();
                stream.write_all(&wire.head(&[("content-length", &length), CLOSE]))?;
                stream.write_all(&wire.body[..sent])?;
            }
            Manner::Endless => {
                stream.write_all(&wire.head(&[("transfer-encoding", "chunked"), CLOSE]))?;
                chunk(stream, &wire.body)?;
                let piece = vec![b' '; ENDLESS_PIECE];
                loop {
                    chunk(stream, &piece)?;
                    pause(ENDLESS_PAUSE)?;
                }
            }
            Manner::Reset => return Ok(After::Reset),
        }
        Ok(After::Closed)
    }
}

/// Head and body of a whole answer, with further headers.
pub(crate) fn framed(wire: &Wire, headers: &[(&str, &str)]) -> Vec<u8> {
    let length = wire.body.len().to_string();
    let mut framing = headers.to_vec();
    // A 304 has no body and so no length of one.
    if wire.status != 304 {
        framing.push(("content-length", length.as_str()));
    }
    let mut out = wire.head(&framing);
    out.extend_from_slice(&wire.body);
    out
}

fn chunk(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(()); // An empty chunk is the last one.
    }
    write!(stream, "{:x}\r\n", bytes.len())?;
    stream.write_all(bytes)?;
    stream.write_all(b"\r\n")
}

/// The first half of the body. Where it would end between two lines, one byte more is missing.
fn halved(mut answer: Answer) -> Answer {
    let mut half = answer.body.len() / 2;
    while half > 0 && [half - 1, half].iter().any(|at| b"\r\n".contains(&answer.body[*at])) {
        half -= 1;
    }
    answer.body.truncate(half);
    answer.healthy = false;
    answer
}

fn http_date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.seconds()).unwrap();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn bomb() -> Vec<u8> {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let made = || {
        let zeros = BufReader::new(io::repeat(0).take(BOMB));
        let mut bytes = Vec::new();
        GzEncoder::new(zeros, Compression::default()).read_to_end(&mut bytes).unwrap();
        bytes
    };
    BYTES.get_or_init(made).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        let at = "2025-06-03T08:05:09Z".parse().unwrap();
        assert_eq!(http_date(at), "Tue, 03 Jun 2025 08:05:09 GMT");
    }

    #[test]
    fn half_a_body_ends_within_a_line() {
        let half = halved(Answer::healthy(TEXT, "abc\r\ndef\r\n"));
        assert_eq!(half.body, b"ab");
        assert!(halved(Answer::healthy(TEXT, "\n")).body.is_empty());
    }
}
