//! One exchange over HTTP: bounded in time and size, and never with anybody but the vendor.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ureq::tls::TlsConfig;
use ureq::{Agent, Proxy, Timeout};
use url::Url;

use crate::address::is_loopback;
use crate::error::Failure;
use crate::options::{Base, OptionsError, RetrieverOptions, host_of};

/// So many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// So much is read of an answer that is none: its words are at the start.
const MAX_REFUSAL: u64 = 64 << 10;
/// No header that is kept is longer, in bytes: an archived pull has short lines.
const MAX_HEADER: usize = 4096;

/// Cookies by name.
pub(crate) type Jar = BTreeMap<String, String>;

/// What is sent.
pub(crate) struct Call<'a> {
    /// The address, with its secrets.
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// A form to be posted.
    pub(crate) form: Option<&'a str>,
    /// Whose hosts may be asked.
    pub(crate) base: &'a Base,
    /// Addresses that a redirect is not followed to, but told of.
    pub(crate) halt: fn(&Url) -> bool,
}

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Those that are kept, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Where a redirect leads that was not followed.
    pub(crate) location: Option<Url>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Whether a header is kept. Cookies and whatever else might be a secret are not.
fn is_kept(name: &str) -> bool {
    matches!(
        name,
        "content-type" | "date" | "etag" | "last-modified" | "retry-after" | "cache-control"
    ) || name.starts_with("x-ratelimit-")
}

#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    /// For this machine, which no proxy is asked for.
    direct: Agent,
    max_body: u64,
    request_timeout: Duration,
}

impl Client {
    pub(crate) fn new(options: &RetrieverOptions) -> Result<Self, OptionsError> {
        let proxy = if options.proxy_from_environment { proxy()? } else { None };
        let agent = |proxy| {
            Agent::config_builder()
                .proxy(proxy)
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(options.user_agent.as_str())
                .timeout_resolve(Some(options.connect_timeout))
                .timeout_connect(Some(options.connect_timeout))
                .timeout_per_read(Some(options.read_timeout))
                .timeout_per_write(Some(options.read_timeout))
                .tls_config(TlsConfig::default())
                .build()
                .new_agent()
        };
        let RetrieverOptions { max_body, request_timeout, .. } = *options;
        Ok(Self { direct: agent(None), agent: agent(proxy), max_body, request_timeout })
    }

    /// Sends a request and reads the answer, through redirects within the vendor's hosts. The jar
    /// gives the cookies and takes new ones.
    pub(crate) fn exchange(&self, call: &Call<'_>, jar: &mut Jar) -> Result<Reply, Failure> {
        let mut url = call.url.clone();
        let mut form = call.form;
        let start = Instant::now();
        for _ in 0..=MAX_REDIRECTS {
            if !call.base.owns(&url) {
                return Err(Failure::Redirected { to: excerpt(&host_of(&url)) });
            }
            let left = self.request_timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Failure::TimedOut { doing: "the whole request" });
            }
            let reply = self.once(&url, call, (form, left), jar)?;
            let Some(next) = &reply.location else { return Ok(reply) };
            if (call.halt)(next) {
                return Ok(reply);
            }
            if url.scheme() == "https" && next.scheme() != "https" {
                let to = format!("{} without TLS", excerpt(&host_of(next)));
                return Err(Failure::Redirected { to });
            }
            url.clone_from(next);
            form = None;
        }
        let to = format!("{} again and again", excerpt(&host_of(&url)));
        Err(Failure::Redirected { to })
    }

    fn once(
        &self,
        url: &Url,
        call: &Call<'_>,
        (form, left): (Option<&str>, Duration),
        jar: &mut Jar,
    ) -> Result<Reply, Failure> {
        let agent = if is_loopback(url) { &self.direct } else { &self.agent };
        let cookies: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = (!cookies.is_empty()).then(|| cookies.join("; "));
        let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers = headers.chain(cookies.as_deref().map(|cookies| ("cookie", cookies)));
        let sent = match form {
            None => {
                let get = agent.get(url.as_str());
                let get = get.config().timeout_global(Some(left)).build();
                headers.fold(get, |get, (name, value)| get.header(name, value)).call()
            }
            Some(form) => {
                let post = agent.post(url.as_str());
                let post = post.config().timeout_global(Some(left)).build();
                let post = headers.fold(post, |post, (name, value)| post.header(name, value));
                post.content_type("application/x-www-form-urlencoded").send(form)
            }
        };
        let response = sent.map_err(|error| failure(error, url, self.max_body))?;
        let status = response.status().as_u16();
        let mut reply = Reply { status, ..Reply::default() };
        for (name, value) in response.headers() {
            let Ok(value) = value.to_str() else { continue };
            match name.as_str() {
                "set-cookie" => keep_cookie(jar, value),
                "location" if matches!(status, 301 | 302 | 303 | 307 | 308) => {
                    let to = url.join(value).map_err(|_| Failure::Redirected {
                        to: "an address that is none".to_owned(),
                    })?;
                    reply.location = Some(to);
                }
                name if is_kept(name) && value.len() <= MAX_HEADER => {
                    reply.headers.push((name.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
        let is_answer = (200..300).contains(&status);
        let limit = if is_answer { self.max_body } else { MAX_REFUSAL };
        let mut reader = response.into_body().into_with_config().limit(limit).reader();
        match read(&mut reader, &mut reply.body) {
            Ok(()) => {}
            Err(error) if is_answer => {
                let error = match failure(ureq::Error::from(error), url, limit) {
                    Failure::Unreachable { reason } | Failure::Tls { reason } => {
                        Failure::Cut { reason }
                    }
                    other => other,
                };
                return Err(error);
            }
            // What came of a refusal is enough.
            Err(_) => {}
        }
        Ok(reply)
    }
}

/// Reads to the end, keeping what came before an error.
fn read(reader: &mut impl std::io::Read, body: &mut Vec<u8>) -> std::io::Result<()> {
    reader.read_to_end(body).map(drop)
}

/// The proxy of the environment.
fn proxy() -> Result<Option<Proxy>, OptionsError> {
    // In the order in which they are looked at.
    const NAMES: [&str; 6] =
        ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(first) = NAMES.into_iter().find(is_set) else { return Ok(None) };
    // Asking directly where a proxy was meant would tell the network who asks for what.
    let is_usable = std::env::var(first).is_ok_and(|value| Proxy::new(&value).is_ok());
    Proxy::try_from_env().filter(|_| is_usable).map(Some).ok_or(OptionsError::Proxy(first))
}

fn keep_cookie(jar: &mut Jar, header: &str) {
    // As many and as long ones as a vendor needs.
    const MAX_COOKIES: usize = 50;
    let pair = header.split(';').next().unwrap_or_default();
    let Some((name, value)) = pair.split_once('=') else { return };
    let (name, value) = (name.trim(), value.trim());
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && b != b';');
    if name.is_empty() || pair.len() > 4096 || !is_plain(name) || !is_plain(value) {
        return;
    }
    if value.is_empty() {
        jar.remove(name);
    } else if jar.len() < MAX_COOKIES || jar.contains_key(name) {
        jar.insert(name.to_owned(), value.to_owned());
    }
}

/// What an error of the client means. Its own text may hold an address, and is not told.
fn failure(error: ureq::Error, url: &Url, limit: u64) -> Failure {
    use std::io::ErrorKind;
    match error {
        ureq::Error::Timeout(phase) => Failure::TimedOut {
            doing: match phase {
                Timeout::Resolve => "looking up the name",
                Timeout::Connect => "connecting",
                Timeout::SendRequest | Timeout::SendBody | Timeout::PerWrite => "sending",
                Timeout::PerRead | Timeout::RecvResponse | Timeout::RecvBody => "waiting for data",
                _ => "the whole request",
            },
        },
        ureq::Error::HostNotFound => {
            Failure::Unreachable { reason: format!("there is no host {}", host_of(url)) }
        }
        ureq::Error::BodyExceedsLimit(_) => Failure::TooLarge { limit },
        ureq::Error::Decompress(coding, _) => {
            Failure::Cut { reason: format!("its {coding} compression is broken") }
        }
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
            Failure::Cut { reason: "it is not HTTP".to_owned() }
        }
        ureq::Error::LargeResponseHeader(..) => {
            Failure::Cut { reason: "its head is too long".to_owned() }
        }
        ureq::Error::ConnectProxyFailed(_) => {
            Failure::Unreachable { reason: "the proxy does not connect".to_owned() }
        }
        ureq::Error::Rustls(error) => Failure::Tls { reason: excerpt(&error.to_string()) },
        ureq::Error::Tls(reason) => Failure::Tls { reason: reason.to_owned() },
        ureq::Error::Io(error) => match error.kind() {
            // TLS tells so while it shakes hands.
            ErrorKind::InvalidData if url.scheme() == "https" => {
                Failure::Tls { reason: excerpt(&error.to_string()) }
            }
            ErrorKind::UnexpectedEof => {
                Failure::Cut { reason: "the connection was closed in the middle".to_owned() }
            }
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                Failure::Unreachable { reason: "the connection was reset".to_owned() }
            }
            ErrorKind::ConnectionRefused => {
                Failure::Unreachable { reason: "the connection was refused".to_owned() }
            }
            ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                Failure::TimedOut { doing: "waiting for data" }
            }
            _ => Failure::Unreachable { reason: excerpt(&error.to_string()) },
        },
        _ => Failure::Unreachable { reason: "the connection failed".to_owned() },
    }
}

fn excerpt(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(120).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_kept_by_name_and_bounded() {
        let mut jar = Jar::default();
        keep_cookie(&mut jar, "A3=d=own&S=AQ; Max-Age=31557600; Path=/; HttpOnly");
        keep_cookie(&mut jar, "B=1");
        keep_cookie(&mut jar, "B=; Max-Age=0");
        for bad in ["", "x", "=1", "c=a b", "c=\u{1}", &format!("c={}", "x".repeat(5000))] {
            keep_cookie(&mut jar, bad);
        }
        assert_eq!(
            jar.into_iter().collect::<Vec<_>>(),
            [("A3".to_owned(), "d=own&S=AQ".to_owned())]
        );
        let mut jar = Jar::default();
        (0..100).for_each(|n| keep_cookie(&mut jar, &format!("c{n}=1")));
        assert_eq!(jar.len(), 50);
    }
}
