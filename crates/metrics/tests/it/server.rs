//! The server over real sockets: what it answers, and what it takes from clients of all kinds.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use cream_metrics::{CONTENT_TYPE, Limits, MetricsError, MetricsServer, RunningServer};
use proptest::prelude::*;

use crate::client::{
    Answer, TEXT, ask, assert_serves, connect, patient, plain, send, send_all, serve,
};

#[test]
fn the_metrics_are_served() {
    let server = plain(patient());
    let answer = ask(server.address(), "GET", "/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, TEXT);
    assert_eq!(answer.field("Content-Type"), Some(CONTENT_TYPE));
    assert_eq!(answer.field("Content-Length"), Some("6"));
    assert_eq!(answer.field("Connection"), Some("close"));

    let head = ask(server.address(), "HEAD", "/metrics?x=1");
    assert_eq!(head, Answer { body: String::new(), ..answer.clone() });
    let old = send(server.address(), b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(old, answer);
}

#[test]
fn what_else_is_asked_is_answered_with_what_is_wrong() {
    let server = plain(patient());
    let live = ask(server.address(), "GET", "/health/live");
    assert_eq!((live.status, live.body.as_str()), (200, "ok"));
    assert_eq!(ask(server.address(), "HEAD", "/health/live").body, "");

    for path in [
        "/",
        "/metrics/",
        "/Metrics",
        "/health",
        "//metrics",
        "/metrics/../metrics",
        "*",
        "/%6detrics",
    ] {
        assert_eq!(ask(server.address(), "GET", path).status, 404, "{path}");
    }
    let head = ask(server.address(), "HEAD", "/");
    assert_eq!((head.status, head.body.as_str()), (404, ""));
    for method in ["POST", "DELETE", "OPTIONS", "get", "TRACE"] {
        for path in ["/metrics", "/health/live"] {
            let answer = ask(server.address(), method, path);
            assert_eq!(
                (answer.status, answer.field("Allow")),
                (405, Some("GET, HEAD")),
                "{method}"
            );
        }
    }
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01"[..],
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"GET /metrics\r\n\r\n",
    ] {
        assert_eq!(send(server.address(), bytes).unwrap().status, 400);
    }
}

#[test]
fn every_answer_is_guarded() {
    let server = plain(Limits { connections: 1, ..patient() });
    let mut answers: Vec<Answer> = ["/metrics", "/health/live", "/none"]
        .iter()
        .flat_map(|path| ["GET", "POST"].map(|method| ask(server.address(), method, path)))
        .collect();
    answers.push(send(server.address(), b"?\r\n\r\n").unwrap());
    let _hanging = hold_the_place(&server);
    answers.push(send(server.address(), b"").unwrap());
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 405, 200, 405, 404, 404, 400, 503]);
    for answer in answers {
        assert_eq!(answer.field("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.field("Cache-Control"), Some("no-store"));
        assert_eq!(answer.field("Connection"), Some("close"));
        assert_eq!(answer.field("Content-Length"), Some(answer.body.len().to_string().as_str()));
    }
}

/// Connects until it is served: a place is free again some moments after its client has the answer.
fn hold_the_place(server: &RunningServer) -> TcpStream {
    loop {
        let mut stream = connect(server.address());
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        // Whoever is turned away is told so at once.
        if stream.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            return stream;
        }
    }
}

#[test]
fn a_head_is_limited_and_the_client_reads_why() {
    let server = plain(patient());
    let endless =
        [b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: ".to_vec(), vec![b'a'; 200_000]].concat();
    let long =
        [b"GET /".to_vec(), vec![b'a'; 9000], b" HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()].concat();
    let many = [&b"GET /metrics HTTP/1.1\r\nHost: a\r\n"[..], &b"A: b\r\n".repeat(100)].concat();
    for bytes in [endless, long, many] {
        assert_eq!(send(server.address(), &bytes).unwrap().status, 431);
    }
    let fits = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(8000));
    assert_eq!(send(server.address(), fits.as_bytes()).unwrap().status, 200);
}

#[test]
fn a_connection_is_one_request_whatever_follows() {
    let server = plain(patient());
    let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
    for behind in [request.repeat(3), vec![0xff; 200_000]] {
        let answer = send(server.address(), &[&request[..], &behind].concat()).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, TEXT));
    }
}

#[test]
fn clients_that_leave_are_no_error() {
    let server = plain(patient());
    for bytes in [
        &b""[..],
        b"G",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        for _ in 0..40 {
            let mut stream = connect(server.address());
            // The server may have turned it away already.
            let _ = stream.write_all(bytes);
            drop(stream);
        }
    }
    // They are gone at some point, and none left anything open.
    while ask_lenient(&server) != Some(200) {}
    // Who says only half and that it was all is told.
    assert_eq!(send_all(server.address(), b"GET /metrics HTTP/1.1\r\n").unwrap().status, 400);
    assert_eq!(send_all(server.address(), b""), None);
}

#[test]
fn a_head_has_so_much_time_in_all_however_slowly_it_comes() {
    let server = plain(Limits { head: Duration::from_millis(400), ..patient() });
    let slow = connect(server.address());
    let answer = thread::scope(|scope| {
        let reader = scope.spawn(|| Answer::read(&slow));
        // One byte after the other, each long before a time for one byte would be over.
        let endless =
            b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Filler: ".iter().chain([b'a'].iter().cycle());
        for byte in endless {
            if reader.is_finished() || (&slow).write_all(&[*byte]).is_err() {
                break;
            }
            // Others are served meanwhile.
            assert_serves(server.address());
            thread::sleep(Duration::from_millis(10));
        }
        reader.join().unwrap()
    });
    assert_eq!(answer.unwrap().status, 408);
    // So it is with a client that says nothing.
    assert_eq!(send(server.address(), b"").unwrap().status, 408);
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    const LARGE: usize = 64 << 20;
    let limits = Limits { write: Duration::from_millis(300), connections: 1, ..patient() };
    let server = serve(limits, || "x".repeat(LARGE));
    let mut deaf = connect(server.address());
    deaf.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    // Its place is free again at some point, though it neither reads nor leaves.
    while ask_lenient(&server) != Some(200) {}
    let mut got = 0;
    let mut chunk = vec![0; 1 << 20];
    // It ends, as the end of the stream or as a reset, and is not whole.
    while let Ok(count) = deaf.read(&mut chunk) {
        if count == 0 {
            break;
        }
        got += count;
    }
    assert!(got < LARGE, "{got}");
}

#[test]
fn a_client_that_does_not_close_is_given_up() {
    let server = plain(Limits { linger: Duration::from_millis(200), connections: 1, ..patient() });
    let mut staying = connect(server.address());
    staying.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&staying).unwrap().status, 200);
    while ask_lenient(&server) != Some(200) {}
}

#[test]
fn who_comes_when_all_places_are_taken_is_turned_away() {
    let server = plain(Limits { connections: 2, ..patient() });
    let hanging = [connect(server.address()), connect(server.address())];
    let turned_away = [connect(server.address()), connect(server.address())];
    for stream in &turned_away {
        let answer = Answer::read(stream).unwrap();
        assert_eq!((answer.status, answer.field("Retry-After")), (503, Some("1")));
    }
    // There is a bound to those as well.
    let mut beyond = connect(server.address());
    let mut nothing = Vec::new();
    match beyond.read_to_end(&mut nothing) {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    drop((hanging, turned_away));
    while ask_lenient(&server) != Some(200) {}
}

#[test]
fn parallel_clients_are_served() {
    for (connections, allowed) in [(20, &[200][..]), (16, &[200, 503])] {
        let server = plain(Limits { connections, ..patient() });
        let barrier = Barrier::new(20);
        thread::scope(|scope| {
            let client = || {
                barrier.wait();
                ask(server.address(), "GET", "/metrics")
            };
            let clients: Vec<_> = (0..20).map(|_| scope.spawn(client)).collect();
            for client in clients {
                let answer = client.join().unwrap();
                assert!(allowed.contains(&answer.status), "{answer:?}");
                assert_eq!(answer.body == TEXT, answer.status == 200);
            }
        });
    }
}

#[test]
fn a_text_that_takes_its_time_stops_no_other() {
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(Some(wait));
    let server = serve(patient(), move || {
        // The first waits to be told, the others do not.
        if let Some(wait) = wait.lock().unwrap().take() {
            let _ = wait.recv();
        }
        TEXT.to_owned()
    });
    let mut first = connect(server.address());
    first.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    thread::scope(|scope| {
        // Whichever of the two comes first waits.
        let second = scope.spawn(|| ask(server.address(), "GET", "/metrics").status);
        assert_eq!(ask(server.address(), "GET", "/health/live").status, 200);
        go.send(()).unwrap();
        assert_eq!(second.join().unwrap(), 200);
    });
    assert_eq!(Answer::read(&first).unwrap().status, 200);
}

#[test]
fn a_text_that_fails_is_an_error_of_that_request() {
    let calls = AtomicUsize::new(0);
    let server = serve(patient(), move || match calls.fetch_add(1, Ordering::Relaxed) {
        0 => panic!("the first fails"),
        1 => String::new(),
        _ => TEXT.to_owned(),
    });
    for _ in 0..2 {
        let answer = ask(server.address(), "GET", "/metrics");
        assert_eq!((answer.status, answer.body.contains("first")), (500, false));
    }
    assert_serves(server.address());
}

#[test]
fn an_address_that_cannot_be_taken_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for (address, part) in [
        (taken.as_str(), taken.as_str()),
        ("127.0.0.1", "`127.0.0.1`: "),
        ("127.0.0.1:99999", "invalid port value"),
        ("192.0.2.1:0", "`192.0.2.1:0`"),
        ("a\nb", "`a\\nb`"),
        (&"x".repeat(5000), "xxx…`"),
    ] {
        let error = MetricsServer::bind(address).unwrap_err();
        assert!(matches!(error, MetricsError::Bind { .. }));
        let text = error.to_string();
        assert!(
            text.contains(part) && text.contains("127.0.0.1:9100") && text.len() < 400,
            "{text}"
        );
    }
}

/// The status, where an answer came: the server may be closing the connection.
fn ask_lenient(server: &RunningServer) -> Option<u16> {
    let mut stream = connect(server.address());
    let mut answer = [0; 12];
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").ok()?;
    stream.read_exact(&mut answer).ok()?;
    std::str::from_utf8(answer.get(9..)?).ok()?.parse().ok()
}

static SERVER: LazyLock<RunningServer> = LazyLock::new(|| plain(patient()));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_answered_or_not_and_the_server_goes_on(
        start in prop::sample::select(vec!["", "GET /metrics HTTP/1.1\r\n", "GET ", "\r\n"]),
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        cut in 0..3000_usize,
    ) {
        let bytes = [start.as_bytes(), &bytes].concat();
        let mut stream = connect(SERVER.address());
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        stream.write_all(first).unwrap();
        stream.write_all(second).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = Answer::read(&stream);
        prop_assert_eq!(answer.is_none(), bytes.is_empty());
        if let Some(answer) = answer {
            prop_assert!([200, 400, 404, 405, 431].contains(&answer.status), "{answer:?}");
        }
        assert_serves(SERVER.address());
    }
}
