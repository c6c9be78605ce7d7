//! A client that speaks bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use cream_metrics::{Limits, MetricsServer, RunningServer};

/// What the server says where nothing else is set.
pub(crate) const TEXT: &str = "# EOF\n";

/// Long beyond anything that is waited for: a client that waits in vain fails its test.
const HANGS: Duration = Duration::from_secs(60);
/// Longer still: where a server waits for its own limit, the test hangs or fails.
const NEVER: Duration = Duration::from_secs(600);

/// A server on a free port of loopback.
pub(crate) fn serve(
    limits: Limits,
    render: impl Fn() -> String + Send + Sync + 'static,
) -> RunningServer {
    MetricsServer::bind("127.0.0.1:0").unwrap().with_limits(limits).run(render).unwrap()
}

/// The same with the text.
pub(crate) fn plain(limits: Limits) -> RunningServer {
    serve(limits, || TEXT.to_owned())
}

/// No time of these limits is met by a test that goes well.
pub(crate) fn patient() -> Limits {
    Limits { head: NEVER, write: NEVER, linger: NEVER, grace: NEVER, ..Limits::default() }
}

pub(crate) fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(HANGS)).unwrap();
    stream.set_write_timeout(Some(HANGS)).unwrap();
    stream
}

/// An answer, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Everything up to the server's end of the connection; `None` where it said nothing.
    pub(crate) fn read(mut stream: &TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        // A reset after an answer is an error too, so that what came is not looked at.
        stream.read_to_end(&mut bytes).unwrap();
        if bytes.is_empty() {
            return None;
        }
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap();
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        Some(Self {
            status: status.split_once(' ').unwrap().0.parse().unwrap(),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_owned(),
        })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter().filter(|(known, _)| known == name);
        let value = fields.next().map(|(_, value)| value.as_str());
        assert!(fields.next().is_none(), "{name} is there twice");
        value
    }
}

/// Sends bytes and reads the answer. The client keeps its side open: the server is to see the end by
/// itself.
pub(crate) fn send(server: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    Answer::read(&stream)
}

/// The same, and the client says that no more is to come.
pub(crate) fn send_all(server: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    Answer::read(&stream)
}

/// A request without a body.
pub(crate) fn ask(server: SocketAddr, method: &str, path: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nAccept: */*\r\n\r\n");
    send(server, request.as_bytes()).expect("an answer")
}

/// The metrics are served.
pub(crate) fn assert_serves(server: SocketAddr) {
    let answer = ask(server, "GET", "/metrics");
    assert_eq!((answer.status, answer.body.as_str()), (200, TEXT));
}
