//! No key, crumb or cookie comes out anywhere but at the vendor.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Mutex, OnceLock};

use cream_models::Vendor;
use cream_retriever::Fetched;
use cream_testkit::vendors::{Fault, Times, YahooDoor, key};

use crate::setup::{ASKABLE, options, pull, retriever, server, whole};

/// Keeps every line of the log, of this crate at every level and of others but for `trace`: the
/// HTTP library shows requests there, and says so.
struct Kept(Mutex<Vec<String>>);

impl log::Log for Kept {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() < log::Level::Trace || metadata.target().starts_with("cream")
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        struct Pairs(String);
        impl<'kvs> log::kv::VisitSource<'kvs> for Pairs {
            fn visit_pair(
                &mut self,
                key: log::kv::Key<'kvs>,
                value: log::kv::Value<'kvs>,
            ) -> Result<(), log::kv::Error> {
                self.0 += &format!(" {key}={value}");
                Ok(())
            }
        }
        let mut pairs = Pairs(String::new());
        record.key_values().visit(&mut pairs).unwrap();
        self.0.lock().unwrap().push(format!("{} {}{}", record.target(), record.args(), pairs.0));
    }

    fn flush(&self) {}
}

fn log() -> &'static Kept {
    static LOG: OnceLock<&'static Kept> = OnceLock::new();
    LOG.get_or_init(|| {
        let kept: &'static Kept = Box::leak(Box::new(Kept(Mutex::default())));
        log::set_logger(kept).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        kept
    })
}

/// Everything that must not be seen: keys, what the server calls its crumbs and cookies, tokens.
fn secrets() -> Vec<String> {
    let mut secrets: Vec<String> = ASKABLE.into_iter().filter_map(key).map(str::to_owned).collect();
    secrets.extend(["Own/", "Own%2F", "own-token", "d=own-", "S=AQ"].map(str::to_owned));
    secrets
}

fn assert_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets() {
        if let Some(at) = text.find(&secret) {
            let start = text[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
            panic!("{what} shows {secret}: …{}", &text[start..at + secret.len()]);
        }
    }
}

#[test]
fn no_secret_is_seen_anywhere() {
    let log = log();
    for door in [YahooDoor::Open, YahooDoor::Crumb, YahooDoor::Consent] {
        for vendor in ASKABLE {
            let server = server();
            server.yahoo_door(door);
            let mut options = options(&server.base_url());
            options.max_retries = 1;
            assert_clean("the options", format!("{options:?}").as_bytes());
            let retriever = retriever(options);
            assert_clean("the retriever", format!("{retriever:?}").as_bytes());
            let plan = retriever.plan(&whole(vendor)).unwrap();
            assert_clean("a plan", plan.join("\n").as_bytes());
            assert_clean("a table", format!("{:?}", retriever.vendors()).as_bytes());
            let mut fetched = vec![pull(retriever.fetch(&whole(vendor)))];
            let faults = if door == YahooDoor::Open { &Fault::ALL[..] } else { &[] };
            for fault in faults {
                if matches!(
                    fault,
                    Fault::SlowHeaders(_)
                        | Fault::SlowBody(_)
                        | Fault::GzipBomb
                        | Fault::EndlessBody
                ) {
                    continue;
                }
                let server = crate::setup::server();
                server.misbehave(vendor, *fault, Times::Always);
                let mut options = crate::setup::options(&server.base_url());
                options.max_retries = 1;
                let retriever = crate::setup::retriever(options);
                match retriever.fetch(&whole(vendor)) {
                    Ok(Fetched::Pull(pull)) => fetched.push(*pull),
                    Ok(Fetched::Unchanged) => {}
                    Err(error) => {
                        let mut shown = format!("{error}\n{error:?}\n");
                        let mut cause = std::error::Error::source(&error);
                        while let Some(inner) = cause {
                            shown += &format!("{inner}\n{inner:?}\n");
                            cause = inner.source();
                        }
                        assert_clean(&format!("{fault:?} of {vendor}"), shown.as_bytes());
                        if let cream_retriever::Failure::NotUnderstood { pull, .. } = error.failure
                        {
                            assert_clean("a rejected pull", &pull.into_pull().to_bytes(1));
                        }
                    }
                }
            }
            for one in fetched {
                assert_clean("a pull", &one.pull.to_bytes(1));
                assert_clean("a history", format!("{:?}", one.history).as_bytes());
                for answer in &one.pull.answers {
                    for (name, _) in &answer.headers {
                        assert!(!name.contains("cookie") && name != "authorization", "{name}");
                    }
                }
            }
        }
    }
    let lines = log.0.lock().unwrap();
    for part in ["cream_retriever::fetch asking", "asking again", "getting a cookie", "ureq"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part} is not in the log");
    }
    for line in lines.iter() {
        assert_clean("the log", line.as_bytes());
    }
}

/// A server that repeats all it was sent, in the body and in a header.
fn parrot(status: u16, before: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut sent = Vec::new();
        while !sent.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            sent.push(byte[0]);
        }
        let sent = String::from_utf8(sent).unwrap().replace("\r\n", " ");
        let body = format!("{before}{sent}");
        let head = format!(
            "HTTP/1.1 {status} Own\r\netag: \"{}\"\r\nset-cookie: a={sent}\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            sent.replace('"', ""),
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    format!("http://{address}")
}

#[test]
fn what_a_vendor_repeats_is_blanked() {
    let mut rejected = 0;
    for vendor in [Vendor::Tiingo, Vendor::AlphaVantage, Vendor::Massive, Vendor::Eodhd] {
        for (status, before) in
            [(400, ""), (401, ""), (404, ""), (429, ""), (500, ""), (200, ""), (200, "{\"")]
        {
            let retriever = retriever(options(&parrot(status, before)));
            let error = retriever.fetch(&whole(vendor)).unwrap_err();
            assert_clean("an error", format!("{error} {error:?}").as_bytes());
            if let cream_retriever::Failure::NotUnderstood { pull, .. } = error.failure {
                let file = pull.into_pull().to_bytes(1);
                assert_clean("a rejected pull", &file);
                let text = String::from_utf8_lossy(&file);
                assert!(text.matches("***").count() >= 2, "{text}");
                assert!(!text.contains("set-cookie"), "{text}");
                rejected += 1;
            }
        }
    }
    assert!(rejected >= 4, "{rejected}");
}

#[test]
fn a_key_goes_where_the_vendor_wants_it() {
    let server = server();
    let retriever = retriever(options(&server.base_url()));
    for vendor in ASKABLE {
        pull(retriever.fetch(&whole(vendor)));
        let Some(key) = key(vendor) else { continue };
        for seen in server.requests_of(vendor) {
            let in_query = seen.path_and_query.contains(key);
            let in_header = seen.header("authorization").is_some_and(|text| text.ends_with(key));
            assert!(in_query != in_header, "{vendor}: {}", seen.path_and_query);
            let expected = matches!(vendor, Vendor::Tiingo | Vendor::Massive);
            assert_eq!(in_header, expected, "{vendor}");
        }
    }
}
