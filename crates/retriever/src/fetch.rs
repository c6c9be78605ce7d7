//! One fetch: request after request, until all answers are there and hold what was asked for.

use std::cell::Cell;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use cream_models::{Bar, Date, DateRange, PriceHistory, Timestamp};
use cream_parser::ParseOptions;
use cream_parser::pull::{Answer, Pull};
use cream_retry::{Policy, Retry, Verdict};
use log::{debug, warn};
use url::Url;

use crate::address::{KeyPlace, Request, encoded, shown, with_secret};
use crate::ask::{Ask, Fetched, FetchedPull, Validators};
use crate::client::{Call, Jar, Reply};
use crate::error::Failure;
use crate::gate::until;
use crate::judge;
use crate::key::Scrubber;
use crate::options::host_of;
use crate::retriever::{MAX_REQUESTS, Prepared, Retriever};
use crate::turn::Turn;
use crate::vendors::{Asked, Got, Key, Need, Question, Session, is_consent};

/// The bound of the waits between attempts never grows beyond this.
const LONGEST_DELAY: std::time::Duration = std::time::Duration::from_secs(60);

pub(crate) struct Fetch<'a> {
    pub(crate) retriever: &'a Retriever,
    pub(crate) vendor: &'a Prepared,
    ask: &'a Ask,
    question: Question,
    pub(crate) wanted: &'a dyn Fn() -> bool,
    /// The question and the answers so far.
    pull: Pull,
    asked: Vec<Asked>,
    /// Whether the session was renewed for this fetch.
    is_renewed: bool,
    /// Whether a request of the pull was granted.
    pub(crate) is_begun: Cell<bool>,
    /// What the pull is known by, as it is logged.
    pull_id: Option<String>,
}

/// What an attempt brought.
enum Told {
    Answer(Box<PriceHistory>),
    NotModified,
}

/// A failure, and when the vendor wants to be asked again.
struct Failed {
    failure: Failure,
    wish: Option<std::time::Duration>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, wish: None }
    }
}

impl<'a> Fetch<'a> {
    pub(crate) fn new(
        retriever: &'a Retriever,
        vendor: &'a Prepared,
        ask: &'a Ask,
        question: Question,
        wanted: &'a dyn Fn() -> bool,
    ) -> Self {
        let is_cut = vendor.source.is_cut(&question);
        let pull = Pull {
            vendor: ask.vendor,
            symbol: ask.symbol.clone(),
            vendor_symbol: question.symbol.clone(),
            from: ask.from.filter(|_| !is_cut),
            to: ask.to,
            actions: vendor.source.asks_actions(&question),
            fetched_at: retriever.clock.now(),
            answers: Vec::new(),
        };
        let asked = Vec::new();
        let is_begun = Cell::new(ask.is_continued);
        let pull_id = ask.pull_id.map(|id| id.to_string());
        let is_renewed = false;
        Self {
            retriever,
            vendor,
            ask,
            question,
            wanted,
            pull,
            asked,
            is_renewed,
            is_begun,
            pull_id,
        }
    }

    pub(crate) fn symbol(&self) -> &str {
        self.ask.symbol.as_str()
    }

    pub(crate) fn pull_id(&self) -> Option<&str> {
        self.pull_id.as_deref()
    }

    pub(crate) fn run(mut self) -> Result<Fetched, Failure> {
        let mut excuse = None;
        let mut history = None;
        while let Some(request) = self.vendor.source.next(&self.question, &self.asked) {
            if self.asked.len() >= MAX_REQUESTS {
                let reason = format!("it has more than {MAX_REQUESTS} parts");
                return Err(Failure::Cut { reason });
            }
            let result = match self.request(&request) {
                Ok(Told::NotModified) => return Ok(Fetched::Unchanged),
                Ok(Told::Answer(read)) => {
                    history = Some(*read);
                    let body = self.pull.answers.last().map_or(&[][..], |answer| &answer.body);
                    Got::Answer { next_page: self.vendor.source.next_page(body) }
                }
                Err(failure) => {
                    let got = match &failure {
                        Failure::UnknownSymbol { .. } => Got::Unknown,
                        Failure::NotInPlan { .. } => Got::NotInPlan,
                        _ => return Err(failure),
                    };
                    if !request.is_essential {
                        let error = failure.to_string();
                        let (vendor, symbol) = (self.ask.vendor.name(), self.symbol());
                        warn!(
                            vendor, symbol, pull_id = self.pull_id(), error = error.as_str();
                            "prices without all corporate actions"
                        );
                    }
                    excuse = Some(failure);
                    got
                }
            };
            self.asked.push(Asked { request, result });
        }
        let is_answered = |asked: &&Asked| matches!(asked.result, Got::Answer { .. });
        let last = self.asked.iter().rfind(|asked| asked.request.is_essential);
        let (Some(_), Some(history)) = (last.filter(is_answered), history) else {
            return Err(excuse.unwrap_or(Failure::NoData { asked: self.range() }));
        };
        self.finish(history)
    }

    /// Reads all answers together, and checks that they hold what was asked for.
    fn finish(mut self, read: PriceHistory) -> Result<Fetched, Failure> {
        // A single answer was read just so.
        let is_read = self.vendor.source.about().is_single;
        let history = if is_read { read } else { self.read(self.pull.actions)? };
        if !self.holds(&history.bars) {
            return Err(Failure::NoData { asked: self.range() });
        }
        let validators = self.validators();
        Ok(Fetched::Pull(Box::new(FetchedPull { pull: self.pull, history, validators })))
    }

    /// Whether there is a bar of the dates asked for.
    fn holds(&self, bars: &[Bar]) -> bool {
        let first = self.ask.from.unwrap_or(Date::MIN);
        bars.iter().any(|bar| (first..=self.ask.to).contains(&bar.date()))
    }

    fn range(&self) -> Option<DateRange> {
        DateRange::new(self.ask.from?, self.ask.to).ok()
    }

    fn validators(&self) -> Option<Validators> {
        let [answer] = self.pull.answers.as_slice() else { return None };
        let [asked] = self.asked.as_slice() else { return None };
        let about = self.vendor.source.about();
        let header = |name: &str| {
            let found = answer.headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let (etag, last_modified) = (header("etag"), header("last-modified"));
        let is_useful = about.is_single && (etag.is_some() || last_modified.is_some());
        let url = self.address(&asked.request).ok().filter(|_| is_useful)?;
        Some(Validators { url: self.vendor.scrubber.text(url.as_str()), etag, last_modified })
    }

    /// What the answers say so far, with what was asked of corporate actions.
    fn read(&mut self, actions: bool) -> Result<PriceHistory, Failure> {
        let asked = std::mem::replace(&mut self.pull.actions, actions);
        let options = ParseOptions::default().with_vendor(self.ask.vendor);
        let read = cream_parser::parse_with(&self.pull.to_bytes(0), &options);
        self.pull.actions = asked;
        let spelling = &self.question.symbol;
        read.map_err(|error| judge::of_answer(error, spelling, self.range(), &self.pull))
    }

    /// One request, tried again where a failure may pass.
    fn request(&mut self, request: &Request) -> Result<Told, Failure> {
        let options = &self.retriever.options;
        let (wanted, vendor) = (self.wanted, self.ask.vendor);
        let policy = Policy {
            first: options.retry_delay,
            longest: LONGEST_DELAY,
            total: std::time::Duration::MAX,
            retries: Some(options.max_retries),
        };
        let (retriever, counted) = (self.retriever, &self.vendor.retries);
        let (symbol, pull_id) = (self.ask.symbol.as_str(), self.pull_id.clone());
        let judge = |failure: &Failure, retry: Retry| {
            if !failure.is_passing() {
                return Verdict::GiveUp;
            }
            // Whoever else asks this vendor may have learned that it wants to be left alone.
            let Ok(standing) = retriever.gate.standing(vendor) else { return Verdict::GiveUp };
            let now = retriever.clock.now();
            let rest = standing.blocked_until.map(|blocked| until(now, blocked));
            let rest = rest.unwrap_or_default();
            if rest > options.max_wait {
                return Verdict::GiveUp;
            }
            let (attempt, max_retries) = (retry.attempt, options.max_retries);
            let delay_ms = u64::try_from(retry.delay.max(rest).as_millis()).unwrap_or(u64::MAX);
            let (vendor, error) = (vendor.name(), failure.to_string());
            warn!(
                vendor, symbol, pull_id = pull_id.as_deref(), attempt, max_retries, delay_ms,
                error = error.as_str();
                "asking again"
            );
            counted.fetch_add(1, Ordering::Relaxed);
            Verdict::RetryAfter(rest)
        };
        let told = policy.run_while(wanted, || self.attempt(request), judge);
        told.map_err(|failure| {
            let is_unwanted = failure.is_passing() && !wanted();
            if is_unwanted { Failure::Cancelled } else { failure }
        })
    }

    /// Asks once, with a new session where that is what it wants, and tells the gate how it went.
    fn attempt(&mut self, request: &Request) -> Result<Told, Failure> {
        let url = self.address(request)?;
        let turn = Turn::take(self)?;
        let generation = self.session().generation;
        let mut result = self.send(&url);
        let may_be_cured = self.vendor.source.session() != Need::Nothing && !self.is_renewed;
        if may_be_cured && result.as_ref().err().is_some_and(|failed| is_refusal(&failed.failure)) {
            self.is_renewed = true;
            result = match self.renew(generation, &turn) {
                Ok(()) => {
                    turn.count_more(self).map_err(Failed::from).and_then(|()| self.send(&url))
                }
                Err(failure) => Err(failure.into()),
            };
        }
        match result {
            Ok(told) => turn.answered(self).map(|()| told),
            Err(Failed { failure, wish }) => Err(turn.failed(self, failure, wish)?),
        }
    }

    fn send(&mut self, url: &Url) -> Result<Told, Failed> {
        let (mut jar, crumb, scrubber) = {
            let session = self.session();
            let mut scrubber = self.vendor.scrubber.clone();
            scrubber.extend(&session.scrubber);
            let is_used = self.vendor.source.session() != Need::Nothing;
            let jar = if is_used { session.cookies.clone() } else { Jar::default() };
            (jar, session.crumb.clone(), scrubber)
        };
        let crumb = crumb.filter(|_| self.vendor.source.session() == Need::CookieAndCrumb);
        let about = self.vendor.source.about();
        let mut headers: Vec<_> =
            about.headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let address = url.to_string();
        let (mut full, mut secrets) = (address.clone(), Vec::new());
        match (about.key.place(), &self.vendor.key) {
            (Some(KeyPlace::Query(name)), Some(key)) => {
                full = with_secret(&full, name, &encoded(key.expose()));
                secrets.push(name);
            }
            (Some(KeyPlace::Authorization(word)), Some(key)) => {
                headers.push(("authorization", format!("{word} {}", key.expose())));
            }
            _ => {}
        }
        if let Some(crumb) = &crumb {
            full = with_secret(&full, "crumb", &encoded(crumb));
            secrets.push("crumb");
        }
        let conditions = self.conditions(&address);
        let is_conditional = !conditions.is_empty();
        headers.extend(conditions);
        let shown = scrubber.text(&shown(&address, &secrets));
        let (vendor, symbol) = (self.ask.vendor.name(), self.ask.symbol.as_str());
        debug!(vendor, symbol, pull_id = self.pull_id(), url = shown.as_str(); "asking");
        let full = Url::parse(&full)
            .map_err(|_| Failure::Redirected { to: "an address that is none".to_owned() })?;
        let base = &self.vendor.base;
        let halt = if self.vendor.source.session() == Need::Nothing {
            |_: &Url| false
        } else {
            is_consent
        };
        let call = Call { url: full, headers, form: None, base, halt };
        let reply = self.retriever.client.exchange(&call, &mut jar)?;
        let at = self.retriever.clock.now();
        let status = reply.status;
        let bytes = reply.body.len();
        debug!(vendor, symbol, pull_id = self.pull_id(), status, bytes; "answered");
        // At once, or at a time that is past by our clock, is no wish to be left alone.
        let wish = reply.header("retry-after").and_then(|text| crate::words::retry_after(text, at));
        let wish = wish.filter(|wish| !wish.is_zero());
        let told = self.judged(reply, (shown, at), is_conditional, &scrubber);
        told.map_err(|failure| match (failure, about.key) {
            // Where none was sent, none was refused.
            (Failure::KeyRefused { .. }, Key::Optional(_, at)) if self.vendor.key.is_none() => {
                Failure::KeyMissing { at }
            }
            (failure, _) => failure,
        })
        .map_err(|failure| Failed { failure, wish })
    }

    /// What an answer means.
    fn judged(
        &mut self,
        reply: Reply,
        (url, at): (String, Timestamp),
        is_conditional: bool,
        scrubber: &Scrubber,
    ) -> Result<Told, Failure> {
        if let Some(location) = &reply.location {
            let to = host_of(location).chars().take(120).collect();
            return Err(if is_consent(location) {
                Failure::Consent
            } else {
                Failure::Redirected { to }
            });
        }
        let body = scrubber.bytes(reply.body);
        if let Some(failure) = self.vendor.source.judge(reply.status, &body) {
            return Err(match failure {
                Failure::NoData { .. } => Failure::NoData { asked: self.range() },
                other => other,
            });
        }
        match reply.status {
            304 if is_conditional => return Ok(Told::NotModified),
            200..=299 => {}
            status => {
                return Err(judge::of_status(
                    status,
                    &body,
                    self.vendor,
                    &self.question.symbol,
                    self.range(),
                ));
            }
        }
        if reply.status == 206 {
            return Err(Failure::Cut { reason: "it is a part that was not asked for".to_owned() });
        }
        if body.trim_ascii().is_empty() {
            return Err(Failure::Cut { reason: "it is empty".to_owned() });
        }
        let clean = |(name, value): (String, String)| (name, scrubber.text(&value));
        let headers = reply.headers.into_iter().map(clean).collect();
        self.pull.answers.push(Answer { url, at, status: reply.status, headers, body });
        let told = self.readable();
        if told.is_err() {
            self.pull.answers.pop();
        }
        told.map(|history| Told::Answer(Box::new(history)))
    }

    /// What the answers say, where they are not too long.
    fn readable(&mut self) -> Result<PriceHistory, Failure> {
        let limit = self.retriever.options.max_body;
        let lengths = self.pull.answers.iter().map(|answer| answer.body.len());
        let length = lengths.fold(0_usize, usize::saturating_add);
        if u64::try_from(length).unwrap_or(u64::MAX) > limit {
            return Err(Failure::TooLarge { limit });
        }
        // Before the last answer there cannot be all actions.
        self.read(self.pull.actions && self.vendor.source.about().is_single)
    }

    /// The headers of a conditional request, where this is the address that they are of.
    fn conditions(&self, address: &str) -> Vec<(&'static str, String)> {
        let Some(validators) = &self.ask.validators else { return Vec::new() };
        if !self.vendor.source.about().is_single
            || self.vendor.scrubber.text(address) != validators.url
        {
            return Vec::new();
        }
        // A header holds no line end; whatever else it is, it came from the vendor.
        let is_plain = |text: &&String| text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        let of = |name, value: &Option<String>| {
            value.as_ref().filter(is_plain).map(|value| (name, value.clone()))
        };
        let etag = of("if-none-match", &validators.etag);
        etag.into_iter().chain(of("if-modified-since", &validators.last_modified)).collect()
    }

    /// The address of a request, without secrets.
    fn address(&self, request: &Request) -> Result<Url, Failure> {
        let base = &self.vendor.base;
        let elsewhere = |to: &str| Failure::Redirected { to: to.chars().take(120).collect() };
        if request.target.starts_with('/') {
            let url = format!("{}{}", base.url, request.target);
            return Url::parse(&url).map_err(|_| elsewhere("an address that is none"));
        }
        // One that the vendor gave, for the next page.
        let url = Url::parse(&request.target).map_err(|_| elsewhere("an address that is none"))?;
        if base.owns(&url) {
            return Ok(url);
        }
        let host = host_of(&url);
        if base.is_overridden && self.vendor.source.about().hosts.contains(&host.as_str()) {
            let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
            let url = format!("{}{}{query}", base.url, url.path());
            return Url::parse(&url).map_err(|_| elsewhere("an address that is none"));
        }
        Err(elsewhere(&host))
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        // It is whole at any time.
        self.vendor.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets a new cookie and crumb, unless somebody else did since.
    fn renew(&self, generation: u64, turn: &Turn) -> Result<(), Failure> {
        let mut session = self.session();
        if session.generation != generation {
            return Ok(());
        }
        let vendor = self.ask.vendor.name();
        debug!(vendor, pull_id = self.pull_id(); "getting a cookie and a crumb");
        let base = &self.vendor.base;
        session.renew(&mut |step, jar| {
            turn.count_more(self)?;
            let url = if base.is_overridden {
                format!("{}{}", base.url, step.target)
            } else {
                format!("https://{}{}", step.host, step.target)
            };
            let url = Url::parse(&url).map_err(|_| Failure::Consent)?;
            let headers = vec![("accept", "text/html, text/plain, */*;q=0.8".to_owned())];
            let call = Call { url, headers, form: step.form, base, halt: |_| false };
            let reply = self.retriever.client.exchange(&call, jar)?;
            match reply.status {
                429 => Err(Failure::RateLimited { until: self.retriever.clock.now() }),
                status @ 500.. => {
                    let words = "on the way to a cookie".to_owned();
                    Err(Failure::ServerError { status, words })
                }
                _ => Ok(reply),
            }
        })
    }
}

/// Whether a cookie and a crumb may cure it.
fn is_refusal(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Consent | Failure::KeyRefused { .. } | Failure::Refused { status: 401, .. }
    )
}
