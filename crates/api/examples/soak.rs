//! Asks a server for known answers, at a steady pace over many connections, and counts by the second
//! what comes back.
//!
//! `soak ADDRESS CONNECTIONS RATE SECONDS FOLDER`: RATE is requests a second over all connections; 0
//! is as many as can be. In FOLDER lie the file `paths`, a path a line, and for each of them a file
//! named by the line's number, from 0, with the bytes that are to be answered.
//!
//! Prints a line when it begins, and at the end a JSON object for each second: answers that were right, wrong (200 with other bytes), and
//! refused (another status), connections that broke, requests whose time had passed before their
//! connection was free, and the slowest answer. A wrong answer is also told to standard error.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a small program for people at a terminal"
)]

use std::io::{self, BufRead, BufReader, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: soak ADDRESS CONNECTIONS RATE SECONDS FOLDER";
/// Longer than the server lets anybody wait.
const PATIENCE: Duration = Duration::from_secs(60);

struct Known {
    /// As it is sent.
    request: Vec<u8>,
    path: String,
    body: Vec<u8>,
}

#[derive(Clone, Default)]
struct Second {
    right: u64,
    wrong: u64,
    refused: u64,
    broken: u64,
    missed: u64,
    slowest: Duration,
}

impl Second {
    fn add(&mut self, other: &Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.refused += other.refused;
        self.broken += other.broken;
        self.missed += other.missed;
        self.slowest = self.slowest.max(other.slowest);
    }
}

struct Plan {
    address: SocketAddr,
    known: Vec<Known>,
    start: Instant,
    time: Duration,
    /// Between two requests of a connection; zero where there is no pause.
    interval: Duration,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, connections, rate, seconds, folder] = arguments.as_slice() else {
        return Err(Error::other(USAGE));
    };
    let number = |text: &String| text.parse::<u32>().map_err(|_| Error::other(USAGE));
    let (connections, rate, seconds) = (number(connections)?, number(rate)?, number(seconds)?);
    let address = address.parse().map_err(|_| Error::other(USAGE))?;
    let pause = Duration::from_secs(1).checked_div(rate).unwrap_or_default();
    let plan = Plan {
        address,
        known: known(Path::new(folder), address)?,
        start: Instant::now(),
        time: Duration::from_secs(seconds.into()),
        interval: pause * connections,
    };
    println!("begun");
    let mut all = Vec::new();
    thread::scope(|scope| {
        let plan = &plan;
        let threads: Vec<_> = (0..connections)
            .map(|number| scope.spawn(move || plan.connection(number, pause * number)))
            .collect();
        for thread in threads {
            let Ok(seconds) = thread.join() else {
                return Err(Error::other("a thread panicked"));
            };
            all.resize(all.len().max(seconds.len()), Second::default());
            for (sum, second) in all.iter_mut().zip(&seconds) {
                sum.add(second);
            }
        }
        Ok(())
    })?;
    for (at, second) in all.iter().enumerate() {
        let Second { right, wrong, refused, broken, missed, slowest } = second;
        println!(
            "{{\"second\":{at},\"right\":{right},\"wrong\":{wrong},\"refused\":{refused},\
             \"broken\":{broken},\"missed\":{missed},\"slowest_ms\":{}}}",
            slowest.as_millis()
        );
    }
    Ok(())
}

fn known(folder: &Path, address: SocketAddr) -> io::Result<Vec<Known>> {
    let paths = std::fs::read_to_string(folder.join("paths"))?;
    let known = paths.lines().enumerate().map(|(number, path)| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
        let body = std::fs::read(folder.join(number.to_string()))?;
        Ok(Known { request, path: path.to_owned(), body })
    });
    let known = known.collect::<io::Result<Vec<_>>>()?;
    if known.is_empty() { Err(Error::other("there are no paths")) } else { Ok(known) }
}

impl Plan {
    /// What one connection meets, second by second.
    fn connection(&self, number: u32, offset: Duration) -> Vec<Second> {
        let mut seconds = Vec::new();
        let mut stream = None;
        let (mut due, mut random) = (offset, u64::from(number) + 1);
        loop {
            let mut missed = 0;
            if self.interval > Duration::ZERO {
                thread::sleep(due.saturating_sub(self.start.elapsed()));
                due += self.interval;
                while due < self.start.elapsed() {
                    due += self.interval;
                    missed += 1;
                }
            }
            let begun = self.start.elapsed();
            if begun >= self.time {
                return seconds;
            }
            let mut found = Second { missed, ..Second::default() };
            self.ask(&mut stream, &mut random, &mut found);
            let ended = self.start.elapsed();
            found.slowest = ended.saturating_sub(begun);
            let at = usize::try_from(ended.as_secs()).unwrap_or(usize::MAX);
            seconds.resize(seconds.len().max(at.saturating_add(1)), Second::default());
            if let Some(second) = seconds.get_mut(at) {
                second.add(&found);
            }
        }
    }

    fn ask(&self, stream: &mut Option<BufReader<TcpStream>>, random: &mut u64, found: &mut Second) {
        // xorshift64: what is drawn need only be spread.
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        let count = u64::try_from(self.known.len()).unwrap_or(u64::MAX);
        let drawn = usize::try_from(*random % count).unwrap_or(0);
        let Some(known) = self.known.get(drawn) else { return };
        match self.exchange(stream, known) {
            Ok((200, body)) if body == known.body => found.right += 1,
            Ok((200, body)) => {
                found.wrong += 1;
                eprintln!("wrong: {}: {}", known.path, String::from_utf8_lossy(&body));
            }
            Ok(_) => found.refused += 1,
            Err(_) => {
                *stream = None;
                found.broken += 1;
                // Not as fast as a refused connection is.
                thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// One request and its answer: the status and the body.
    fn exchange(
        &self,
        stream: &mut Option<BufReader<TcpStream>>,
        known: &Known,
    ) -> io::Result<(u16, Vec<u8>)> {
        let stream = match stream {
            Some(stream) => stream,
            None => {
                let new = TcpStream::connect(self.address)?;
                new.set_nodelay(true)?;
                new.set_read_timeout(Some(PATIENCE))?;
                stream.insert(BufReader::new(new))
            }
        };
        stream.get_ref().write_all(&known.request)?;
        let malformed = || Error::other("the head of the answer");
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
        let (status, mut len) = (status.ok_or_else(malformed)?, None);
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                len = value.trim().parse::<usize>().ok();
            }
        }
        let mut body = vec![0; len.ok_or_else(malformed)?];
        stream.read_exact(&mut body)?;
        Ok((status, body))
    }
}
