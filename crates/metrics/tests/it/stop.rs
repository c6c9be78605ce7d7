//! The end of a server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cream_metrics::{Limits, MetricsServer};

use crate::client::{Answer, TEXT, assert_serves, connect, patient, plain, serve};

#[test]
fn a_server_stops_while_clients_hang() {
    let server = plain(Limits { connections: 3, ..patient() });
    let address = server.address();
    let silent = connect(address);
    let mut half = connect(address);
    half.write_all(b"GET /metrics HTTP/1.1\r\nHost").unwrap();
    let mut answered = connect(address);
    answered.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&answered).unwrap().body, TEXT);
    // It would wait ten minutes for each of them.
    server.stop();
    assert!(TcpStream::connect(address).is_err());
    for mut stream in [silent, half, answered] {
        // Closed, with or without an answer.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    // The port is free.
    drop(MetricsServer::bind(address).unwrap());
}

#[test]
fn a_server_stops_when_it_is_dropped() {
    let server = plain(patient());
    let address = server.address();
    assert_serves(address);
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_server_that_nobody_asked_stops() {
    plain(patient()).stop();
    drop(MetricsServer::bind("127.0.0.1:0").unwrap());
}

#[test]
fn a_request_that_has_come_is_answered_before_the_end() {
    let (begun, is_begun) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = serve(patient(), move || {
        begun.send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
        TEXT.to_owned()
    });
    let address = server.address();
    // First, so that it is let in by the time that the other is heard.
    let mut silent = connect(address);
    let mut stream = connect(address);
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    is_begun.recv().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| server.stop());
        // It has begun to stop when whoever has not asked is seen as gone.
        let seen = silent.read(&mut [0]);
        // Before anything fails: the end waits for it.
        go.send(()).unwrap();
        assert_eq!(seen.unwrap(), 0);
        assert_eq!(Answer::read(&stream).unwrap().body, TEXT);
    });
}

#[test]
fn a_text_that_is_never_done_holds_up_no_end() {
    let (begun, is_begun) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = serve(Limits { grace: Duration::from_millis(50), ..patient() }, move || {
        begun.send(()).unwrap();
        let _ = wait.lock().unwrap().recv();
        TEXT.to_owned()
    });
    let mut stream = connect(server.address());
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    is_begun.recv().unwrap();
    server.stop();
    let _ = stream.read_to_end(&mut Vec::new());
    drop(go);
}
