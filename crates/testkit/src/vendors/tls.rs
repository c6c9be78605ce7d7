//! A certificate that no client trusts.

use std::io::{self, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::http::{Request, Wire};
use super::reply::{CLOSE, framed};

/// TLS with a certificate that the server made for itself.
pub(crate) fn untrusted() -> Arc<ServerConfig> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certified = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

/// Shows the certificate, and answers one request of a client that does not mind it.
pub(crate) fn serve(
    stream: &TcpStream,
    config: Arc<ServerConfig>,
    answer: impl FnOnce(Request) -> Wire,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    if let Some(request) = Request::read(&mut stream)? {
        let wire = answer(request);
        let stream = stream.get_mut();
        stream.write_all(&framed(&wire, &[CLOSE]))?;
        stream.conn.send_close_notify();
        stream.flush()?;
    }
    Ok(())
}
