//! One connection: a request, its answer, and the end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use log::{debug, warn};

use super::answer::{Answer, Status};
use super::head::{self, Head, MAX_HEAD};
use super::places::{Place, Places};
use super::{Limits, Render};

/// So much that a client sends behind its request is taken from it before the connection is closed.
const MAX_BEHIND: usize = 256 * 1024;

/// Serves a client on a thread of its own, or closes the connection where there is no place.
pub(super) fn begin(stream: TcpStream, limits: Limits, render: &Arc<Render>, places: &Arc<Places>) {
    let Some(place) = places.take(stream) else {
        debug!("a client of the metrics was closed out: too many connections");
        return;
    };
    let render = Arc::clone(render);
    let thread = thread::Builder::new().name("metrics-client".to_owned());
    // Where there is no thread for it, the place is free again and the connection closed.
    if let Err(error) = thread.spawn(move || serve(&place, limits, &*render)) {
        warn!(error = error.to_string().as_str(); "a client of the metrics cannot be served");
    }
}

fn serve(place: &Place, limits: Limits, render: &Render) {
    if let Err(error) = converse(place, limits, render) {
        debug!(error = error.to_string().as_str(); "a client of the metrics left or was too slow");
    }
}

fn converse(place: &Place, limits: Limits, render: &Render) -> io::Result<()> {
    let stream = &*place.stream;
    // Some systems hand the listener's mode on.
    stream.set_nonblocking(false)?;
    let answer = if place.is_served {
        match read_head(stream, Deadline::after(limits.head))? {
            Head::Whole(request) => Answer::to(&request, render),
            Head::Refused(status) => status.into(),
            Head::Partial => return Ok(()),
        }
    } else {
        Status::Busy.into()
    };
    write(stream, &answer.to_bytes(), Deadline::after(limits.write))?;
    stream.shutdown(Shutdown::Write)?;
    finish(stream, Deadline::after(limits.linger))
}

/// Reads until the head is whole or refused; [`Head::Partial`] where the client left without a word.
fn read_head(mut stream: &TcpStream, deadline: Deadline) -> io::Result<Head> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let read = match deadline.read(&mut stream, &mut chunk) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                return Ok(Head::Refused(Status::Timeout));
            }
            read => read?,
        };
        head.extend_from_slice(chunk.get(..read).unwrap_or_default());
        match head::parse(&head) {
            Head::Partial if read == 0 && head.is_empty() => return Ok(Head::Partial),
            Head::Partial if read == 0 => return Ok(Head::Refused(Status::BadRequest)),
            // Never reached: a longer head is refused. It bounds the memory by itself.
            Head::Partial if head.len() > MAX_HEAD => return Ok(Head::Refused(Status::TooLarge)),
            Head::Partial => {}
            done => return Ok(done),
        }
    }
}

fn write(mut stream: &TcpStream, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(deadline.left()?))?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            // The time is looked at again.
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes what the client still sends until it closes. If it were left unread, the system would reset
/// the connection, and the answer might be lost on its way.
fn finish(mut stream: &TcpStream, deadline: Deadline) -> io::Result<()> {
    let mut chunk = [0; 4096];
    let mut behind = 0_usize;
    while behind < MAX_BEHIND {
        match deadline.read(&mut stream, &mut chunk)? {
            0 => break,
            read => behind = behind.saturating_add(read),
        }
    }
    Ok(())
}

/// Time for a step as a whole, however many reads or writes it takes.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    start: Instant,
    length: Duration,
}

impl Deadline {
    fn after(length: Duration) -> Self {
        Self { start: Instant::now(), length }
    }

    /// What is left of it, never 0.
    fn left(self) -> io::Result<Duration> {
        let left = self.length.saturating_sub(self.start.elapsed());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    fn read(self, stream: &mut &TcpStream, chunk: &mut [u8]) -> io::Result<usize> {
        loop {
            stream.set_read_timeout(Some(self.left()?))?;
            match stream.read(chunk) {
                // The time is looked at again.
                Err(error) if is_passing(&error) => {}
                result => return result,
            }
        }
    }
}

/// A timeout of the socket, which is no less than what was left, or a signal.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
