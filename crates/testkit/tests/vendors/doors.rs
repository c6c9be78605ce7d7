//! Yahoo's cookies, crumbs and consent, and TLS that no one should trust.

use std::io::{Read as _, Write as _};

use cream_models::Vendor;
use cream_testkit::vendors::{Door, VendorServer, YahooDoor};

use crate::client::{get_with, open, path_of, read};
use crate::server;

/// The cookie of an answer, as a header of the next request.
fn cookie_of(server: &VendorServer, path: &str, headers: &str) -> Option<String> {
    let got = get_with(server, path, headers);
    let cookie = got.header("set-cookie")?.split(';').next()?;
    Some(format!("Cookie: {cookie}\r\n"))
}

fn chart(server: &VendorServer, cookie: &str, crumb: &str) -> (u16, String) {
    let path = path_of(Vendor::YahooChart, None);
    let crumb = crumb.replace('&', "%26").replace('/', "%2F");
    let got = get_with(server, &format!("{path}&crumb={crumb}"), cookie);
    (got.status, got.text().to_owned())
}

#[test]
fn a_crumb_goes_with_its_cookie() {
    let server = server();
    server.yahoo_door(YahooDoor::Crumb);
    assert_eq!(get_with(&server, "/v1/test/getcrumb", "").status, 401);
    let (status, text) = chart(&server, "", "");
    assert!(status == 401 && text.contains("Invalid Crumb"));
    let cookie = cookie_of(&server, "/", "").unwrap();
    let crumb = get_with(&server, "/v1/test/getcrumb", &cookie);
    assert_eq!(crumb.status, 200);
    assert_eq!(chart(&server, &cookie, crumb.text()).0, 200);
    assert_eq!(chart(&server, "", crumb.text()).0, 401);
    assert_eq!(chart(&server, &cookie, "wrong").0, 401);
    assert_eq!(get_with(&server, &path_of(Vendor::YahooPage, None), "").status, 200);
    server.expire_crumbs();
    assert_eq!(chart(&server, &cookie, crumb.text()).0, 401);
    let cookie = cookie_of(&server, "/", "").unwrap();
    let crumb = get_with(&server, "/v1/test/getcrumb", &cookie);
    assert_eq!(chart(&server, &cookie, crumb.text()).0, 200);
}

#[test]
fn consent_opens_the_door() {
    let server = server();
    server.yahoo_door(YahooDoor::Consent);
    let (status, text) = chart(&server, "", "");
    assert!(status == 200 && text.contains("consent-form"));
    let page = get_with(&server, &path_of(Vendor::YahooPage, None), "");
    assert!(page.status == 200 && page.text().contains("consent-form"));
    assert_eq!(cookie_of(&server, "/", ""), None);
    let form = get_with(&server, "/consent", "");
    let value = |name: &str| {
        let field = form.text().split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        field.split('"').next().unwrap().to_owned()
    };
    let action = form.text().split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let action = action.strip_prefix(&server.base_url()).expect("a form that comes back here");
    let session = value("sessionId");
    let copy = format!("/copyConsent?sessionId={session}");
    assert_eq!(cookie_of(&server, &copy, ""), None);

    let body = format!("csrfToken={}&sessionId={session}&agree=agree", value("csrfToken"));
    let headers = format!("Content-Length: {}\r\n", body.len());
    let mut stream = open(&server, "POST", action, &headers);
    stream.write_all(body.as_bytes()).unwrap();
    let got = read(&mut stream).unwrap();
    assert_eq!(got.status, 302);
    assert_eq!(got.header("location"), Some(format!("{}{copy}", server.base_url()).as_str()));

    let cookie = cookie_of(&server, &copy, "").unwrap();
    let crumb = get_with(&server, "/v1/test/getcrumb", &cookie);
    assert_eq!(chart(&server, &cookie, crumb.text()).0, 200);
}

#[test]
fn a_client_that_verifies_refuses_the_certificate() {
    let server = server();
    let address = server.tls_base_url().strip_prefix("https://").unwrap().to_owned();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = "127.0.0.1".try_into().unwrap();
    let connection = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
    let stream = std::net::TcpStream::connect(address).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, stream);
    let error = stream.write_all(b"GET / HTTP/1.1\r\n\r\n").and_then(|()| stream.read(&mut [0; 9]));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
    assert!(server.requests().iter().all(|seen| seen.door != Door::Tls));
}
