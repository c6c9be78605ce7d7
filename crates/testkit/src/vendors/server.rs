//! The server: its listeners, its connections, and the record of what it was asked.

use std::io::{self, BufReader};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cream_models::{Symbol, Vendor};
use rustls::ServerConfig;

use super::faults::{Fault, Plan, Target, Times};
use super::http::{Request, Wire};
use super::record::{Record, Rendered, Seen};
use super::reply::{After, Reply};
use super::routes::{self, vendor_of};
use super::world::World;
use super::{Instrument, YahooDoor, tls};

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// At [`VendorServer::base_url`].
    Plain,
    /// At [`VendorServer::tls_base_url`], from a client that took the certificate.
    Tls,
    /// At [`VendorServer::elsewhere_base_url`], which only a redirect leads to.
    Elsewhere,
}

/// A running server. It stops when dropped, whatever its clients do.
#[derive(Debug)]
pub struct VendorServer {
    shared: Arc<Shared>,
    listeners: Vec<(SocketAddr, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    elsewhere_url: String,
    is_stopping: Mutex<bool>,
    stopped: Condvar,
    connections: Mutex<Vec<(u64, Arc<TcpStream>)>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next_id: AtomicU64,
    tls: Arc<ServerConfig>,
}

#[derive(Debug)]
struct State {
    world: World,
    plan: Plan,
    compress: bool,
    record: Record,
    rendered: Rendered,
    /// How often the world has changed.
    changes: u64,
}

impl State {
    /// The world, about to change.
    fn change(&mut self) -> &mut World {
        self.rendered.clear();
        self.changes += 1;
        &mut self.world
    }
}

impl VendorServer {
    /// Starts a server on free ports of 127.0.0.1. It serves nothing yet.
    ///
    /// # Panics
    ///
    /// Where the machine has no port to give.
    #[must_use]
    pub fn start() -> Self {
        let bind = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let address = listener.local_addr().unwrap();
            (listener, address)
        };
        let doors = [Door::Plain, Door::Tls, Door::Elsewhere].map(|door| (door, bind()));
        let [(_, (_, plain)), _, (_, (_, elsewhere))] = &doors;
        let world = World {
            instruments: Arc::default(),
            free_plans: Vec::new(),
            page_size: usize::MAX,
            yahoo_door: YahooDoor::Open,
            crumbs_expired: 0,
            has_agreed: Arc::default(),
            base_url: format!("http://{plain}"),
            is_mistaken: false,
        };
        let state = State {
            world,
            plan: Plan::default(),
            compress: true,
            record: Record::default(),
            rendered: Rendered::default(),
            changes: 0,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            elsewhere_url: format!("http://localhost:{}", elsewhere.port()),
            is_stopping: Mutex::new(false),
            stopped: Condvar::new(),
            connections: Mutex::default(),
            threads: Mutex::default(),
            next_id: AtomicU64::new(0),
            tls: tls::untrusted(),
        });
        let listeners = doors.map(|(door, (listener, address))| {
            let shared = Arc::clone(&shared);
            (address, thread::spawn(move || shared.accept(&listener, door)))
        });
        Self { shared, listeners: listeners.into() }
    }

    /// Where the vendors are: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.shared.state().world.base_url.clone()
    }

    /// The same behind TLS with a certificate that no one signed: `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn tls_base_url(&self) -> String {
        format!("https://{}", self.listeners[1].0)
    }

    /// Where [`Fault::RedirectElsewhere`] leads: `http://localhost:PORT`.
    #[must_use]
    pub fn elsewhere_base_url(&self) -> String {
        self.shared.elsewhere_url.clone()
    }

    /// Serves an instrument from now on, in place of one of the same canonical symbol.
    pub fn serve(&self, instrument: Instrument) {
        Arc::make_mut(&mut self.shared.state().change().instruments).insert(instrument);
    }

    /// Knows an instrument no longer.
    ///
    /// # Panics
    ///
    /// Where the symbol is none.
    pub fn withdraw(&self, symbol: &str) {
        let symbol = Symbol::parse(symbol).unwrap();
        Arc::make_mut(&mut self.shared.state().change().instruments).remove(&symbol);
    }

    /// Misbehaves towards a vendor's requests, after the faults that it was told of before.
    pub fn misbehave(&self, vendor: Vendor, fault: Fault, times: Times) {
        self.shared.state().plan.add(Target::Vendor(vendor), fault, times);
    }

    /// Misbehaves towards requests for paths that begin so, such as `/v3/reference/splits` or
    /// `/v1/test/getcrumb`.
    pub fn misbehave_at(&self, path: &str, fault: Fault, times: Times) {
        self.shared.state().plan.add(Target::Path(path.to_owned()), fault, times);
    }

    /// Behaves towards a vendor's requests again.
    pub fn behave(&self, vendor: Vendor) {
        self.shared.state().plan.forget(Some(&Target::Vendor(vendor)));
    }

    /// Forgets every fault.
    pub fn behave_at_all(&self) {
        self.shared.state().plan.forget(None);
    }

    /// Compresses answers as clients allow, which is the default, or not at all.
    pub fn compress(&self, compress: bool) {
        self.shared.state().compress = compress;
    }

    /// Puts at most so many rows into an answer of a vendor that pages.
    pub fn page_size(&self, rows: usize) {
        self.shared.state().change().page_size = rows;
    }

    /// Takes the vendor's key for one of its free plan, or of a paid one, which is the default.
    /// Alpha Vantage refuses full and adjusted answers to it, Massive what is older than two years,
    /// and EODHD sends the last year with a warning.
    pub fn free_plan(&self, vendor: Vendor, is_free: bool) {
        let mut state = self.shared.state();
        let plans = &mut state.change().free_plans;
        plans.retain(|known| *known != vendor);
        plans.extend(is_free.then_some(vendor));
    }

    /// Sets what Yahoo wants to see first.
    pub fn yahoo_door(&self, door: YahooDoor) {
        self.shared.state().change().yahoo_door = door;
    }

    /// Makes the cookies and crumbs that were given out invalid.
    pub fn expire_crumbs(&self) {
        self.shared.state().change().crumbs_expired += 1;
    }

    /// What was asked so far, in order; where it was more than is kept, the newest of it.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        // Copied without the lock, which every answer needs.
        let seen = self.shared.state().record.all();
        seen.iter().map(|seen| Seen::clone(seen)).collect()
    }

    /// What was asked of a vendor so far, in order.
    #[must_use]
    pub fn requests_of(&self, vendor: Vendor) -> Vec<Seen> {
        let seen = self.shared.state().record.all();
        let of_vendor = seen.iter().filter(|seen| seen.vendor == Some(vendor));
        of_vendor.map(|seen| Seen::clone(seen)).collect()
    }

    /// How many requests there were so far, kept on record or not.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared.state().record.total()
    }

    /// Keeps so many requests on record from now on; 200,000 until it is said.
    pub fn keep_requests(&self, kept: usize) {
        self.shared.state().record.keep(kept);
    }

    /// Forgets what was asked so far.
    pub fn forget_requests(&self) {
        self.shared.state().record.clear();
    }
}

impl Drop for VendorServer {
    fn drop(&mut self) {
        *self.shared.is_stopping.lock().unwrap() = true;
        self.shared.stopped.notify_all();
        for (address, listener) in self.listeners.drain(..) {
            // Wakes it. Where that fails it is not waiting.
            drop(TcpStream::connect(address));
            drop(listener.join());
        }
        // No connection is added any more.
        for (_, stream) in lock(&self.shared.connections).iter() {
            // Fails where the client has gone.
            drop(stream.shutdown(Shutdown::Both));
        }
        let threads = std::mem::take(&mut *lock(&self.shared.threads));
        for thread in threads {
            if thread.join().is_err() && !thread::panicking() {
                panic!("a connection of the vendor server panicked");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn is_stopping(&self) -> bool {
        *lock(&self.is_stopping)
    }

    /// Waits, unless the server is to stop.
    fn pause(&self, time: Duration) -> io::Result<()> {
        let (is_stopping, _) = self
            .stopped
            .wait_timeout_while(lock(&self.is_stopping), time, |is_stopping| !*is_stopping)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *is_stopping { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener, door: Door) {
        loop {
            let accepted = listener.accept();
            if self.is_stopping() {
                return;
            }
            // A client that left at once is no concern of the next one.
            let Ok((stream, _)) = accepted else { continue };
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            let stream = Arc::new(stream);
            lock(&self.connections).push((id, Arc::clone(&stream)));
            let shared = Arc::clone(self);
            let thread = thread::spawn(move || shared.converse(id, stream, door));
            let mut threads = lock(&self.threads);
            threads.retain(|thread| !thread.is_finished());
            threads.push(thread);
        }
    }

    /// Answers until one side has enough. An error is the client's going.
    fn converse(&self, id: u64, stream: Arc<TcpStream>, door: Door) {
        let after = if door == Door::Tls {
            let answer = |request| self.reply(request, door).into_wire();
            tls::serve(&stream, Arc::clone(&self.tls), answer).map(|()| After::Closed)
        } else {
            self.answer_all(&stream, door)
        };
        lock(&self.connections).retain(|(known, _)| *known != id);
        if matches!(after, Ok(After::Reset)) {
            // With no time to linger, closing sends a reset.
            rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO)).unwrap();
        } else {
            drop(stream.shutdown(Shutdown::Write));
        }
    }

    fn answer_all(&self, stream: &TcpStream, door: Door) -> io::Result<After> {
        // Small answers go out at once.
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(request) = Request::read(&mut reader)? {
            let reply = self.reply(request, door);
            let after = reply.send(stream, &|time| self.pause(time))?;
            if after != After::Open {
                return Ok(after);
            }
        }
        Ok(After::Closed)
    }

    /// The reply to a request, which goes into the record.
    fn reply(&self, request: Request, door: Door) -> Reply {
        let vendor = vendor_of(request.path());
        let (world, fault, compress, changes) = {
            let mut state = self.state();
            let fault = match door {
                Door::Plain => state.plan.next(vendor, request.path()),
                Door::Tls | Door::Elsewhere => None,
            };
            (state.world.clone(), fault, state.compress, state.changes)
        };
        let reply = match fault {
            Some(fault) => {
                Reply::faulty(fault, vendor, &world, &self.elsewhere_url, &request, compress)
            }
            None => Reply::right(&self.whole(&world, changes, &request, compress), &request),
        };
        let status = reply.status();
        self.state().record.push(Seen { request, door, vendor, fault, status });
        reply
    }

    /// The right answer to whoever has nothing yet, rendered once as long as the world stays.
    fn whole(&self, world: &World, changes: u64, request: &Request, compress: bool) -> Arc<Wire> {
        let key = Rendered::key(request, compress);
        let known = {
            let state = self.state();
            (state.changes == changes).then(|| state.rendered.get(&key)).flatten()
        };
        known.unwrap_or_else(|| {
            let wire = Arc::new(routes::answer(world, request).whole(request, compress));
            let mut state = self.state();
            if wire.is_healthy() && request.body.is_empty() && state.changes == changes {
                state.rendered.put(key, &wire);
            }
            wire
        })
    }
}
