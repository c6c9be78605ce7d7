//! Answers that are odd as HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use cream_models::Vendor;
use cream_retriever::{Failure, Fetched, RetrievalError};

use crate::setup::{options, retriever, whole};

const CSV: &str = "Date,Open,High,Low,Close,Volume\r\n2025-06-12,10,12,9,11,100\r\n\
                   2025-06-13,11,12,10,12,90\r\n";

/// A server that sends this, after a pause, to whoever asks for anything, and closes.
fn saying(answer: Vec<u8>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), answer) = (stream, answer.clone()) else { return };
            let mut sent = Vec::new();
            let mut byte = [0];
            while !sent.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                sent.push(byte[0]);
            }
            std::thread::sleep(pause);
            // It may be gone.
            let _ = stream.write_all(&answer);
        }
    });
    format!("http://{address}")
}

fn asked(answer: impl Into<Vec<u8>>) -> Result<Fetched, RetrievalError> {
    retriever(options(&saying(answer.into(), Duration::ZERO))).fetch(&whole(Vendor::Stooq))
}

#[test]
fn a_part_is_no_answer() {
    let length = CSV.len();
    let error = asked(format!("HTTP/1.1 206 Own\r\ncontent-length: {length}\r\n\r\n{CSV}"));
    let error = error.unwrap_err();
    assert!(matches!(error.failure, Failure::Cut { .. }), "{error}");
}

#[test]
fn a_header_that_no_archive_holds_is_left_out() {
    let etag = "x".repeat(20_000);
    let length = CSV.len();
    let answer =
        format!("HTTP/1.1 200 Own\r\netag: \"{etag}\"\r\ncontent-length: {length}\r\n\r\n{CSV}");
    let Fetched::Pull(pull) = asked(answer).unwrap() else { panic!("no pull") };
    assert_eq!(pull.history.bars.len(), 2);
    assert_eq!(pull.validators, None);
}

#[test]
fn redirects_have_no_time_of_their_own() {
    let answer = "HTTP/1.1 302 Own\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n";
    let mut options = options(&saying(answer.into(), Duration::from_millis(400)));
    options.request_timeout = Duration::from_millis(900);
    let error = retriever(options).fetch(&whole(Vendor::Stooq)).unwrap_err();
    assert!(matches!(error.failure, Failure::TimedOut { .. }), "{error}");
}
