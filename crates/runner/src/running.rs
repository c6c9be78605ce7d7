//! A worker that runs in the background, and its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use cream_metrics::{MetricsServer, RunningServer};
use cream_processor::{Cancel, chain};
use cream_tasks::{Scheduler, Stop};

use crate::error::StartError;
use crate::heart::Heart;
use crate::tasks::Troubles;
use crate::worker::Worker;
use crate::{journal, tasks};

/// A worker in the background. Dropped, it is stopped.
pub struct Running {
    worker: Arc<Worker>,
    cancel: Cancel,
    /// Ends the tasks.
    stop: Stop,
    name: String,
    /// Told when all tasks have ended.
    ended: Receiver<()>,
    /// Goes on while what is in hand is finished.
    heart: Option<Heart>,
    metrics: Option<RunningServer>,
    is_stopped: bool,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// What was in hand is finished.
    Finished,
    /// The time was over, and so many claims were given back; what was in hand may still be at work
    /// until the process ends, and is done again by whoever takes it over.
    GivenBack(u64),
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Running {
    pub(crate) fn start(worker: Arc<Worker>, cancel: &Cancel) -> Result<Self, StartError> {
        let metrics = match worker.options.metrics_listen {
            Some(address) => Some(serve_metrics(&worker, address)?),
            None => None,
        };
        let name = worker.presence.enlist(worker.store(), worker.clock.now())?;
        let (cancel, stop) = (cancel.clone(), Stop::new());
        let journal = journal(&worker);
        let tasks = tasks::tasks(&worker, &name, &cancel, &Arc::new(Troubles::default()))?;
        let scheduler =
            Scheduler::new(tasks, Arc::clone(&worker.clock), Arc::clone(&journal) as _)?;

        let heart = Some(Heart::start(&worker, &journal, &cancel)?);
        let (tell, ended) = channel();
        let run = {
            let stop = stop.clone();
            move || {
                if let Err(error) = scheduler.run(&stop) {
                    log::error!(error = chain(&error).as_str(); "the worker's tasks do not run");
                }
                if tell.send(()).is_err() {
                    log::debug!("the tasks have ended after the time for it was over");
                }
            }
        };
        // Not waited for: what it waits for itself may take longer than a stop may.
        drop(spawn("scheduler", run)?);
        log::info!(
            worker = name.as_str(), host = worker.options.host.as_str(),
            vendors = worker.askable.len(); "the worker runs"
        );
        Ok(Self { worker, cancel, stop, name, ended, heart, metrics, is_stopped: false })
    }

    /// The name that other workers and `worker status` know it by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where metrics are served, with the true port.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(RunningServer::address)
    }

    /// What the worker tells Prometheus, for another server in the process to tell beside its own:
    /// see [`cream_metrics::render`]. A call may take as long as a look at the queues.
    #[must_use]
    pub fn metrics(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let worker = Arc::clone(&self.worker);
        Arc::new(move || worker.observer.families(&worker))
    }

    /// Waits until somebody asks it to stop, or until it ended by itself, which it does not unless
    /// the system gives no threads.
    pub fn wait(&self) {
        while !self.cancel.is_cancelled() {
            match self.ended.recv_timeout(SLICE) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Claims nothing more, finishes what is in hand within the time that the options give, and
    /// gives the rest back.
    pub fn stop(mut self) -> Ended {
        self.end()
    }

    fn end(&mut self) -> Ended {
        self.is_stopped = true;
        self.cancel.cancel();
        self.stop.stop();
        let limit = self.worker.options.shutdown;
        if let Some(heart) = &self.heart {
            heart.beat();
        }
        let is_done = !matches!(self.ended.recv_timeout(limit), Err(RecvTimeoutError::Timeout));
        if let Some(heart) = self.heart.take() {
            heart.stop(FAREWELL);
        }
        let released = self.say_farewell(is_done);
        let ended = if is_done {
            Ended::Finished
        } else {
            log::warn!(given_back = released; "what was in hand is not finished in time");
            Ended::GivenBack(released)
        };
        self.metrics = None;
        log::info!(worker = self.name.as_str(), finished = is_done; "the worker has stopped");
        ended
    }

    /// Gives back what is in hand still, and tells the others that this worker is no more. Where
    /// the database is away, it is not waited for: the leases end by themselves. Returns how many
    /// claims were given back.
    fn say_farewell(&self, is_done: bool) -> u64 {
        let (tell, told) = channel();
        let worker = Arc::clone(&self.worker);
        let farewell = move || {
            let released = if is_done { Ok(0) } else { worker.leases().release_all() };
            let released = released.unwrap_or_else(|error| {
                log::warn!(error = chain(&error).as_str(); "claims are not given back, others take them over when they end");
                0
            });
            if let Err(error) = worker.presence.end(worker.store(), worker.clock.now()) {
                log::warn!(error = chain(&error).as_str(); "nobody is told that this worker ended");
            }
            if tell.send(released).is_err() {
                log::debug!("the database has answered after the time for it was over");
            }
        };
        if let Err(error) = spawn("farewell", farewell) {
            log::warn!(error = chain(&error).as_str(); "nobody is told that this worker ended");
        }
        told.recv_timeout(FAREWELL).unwrap_or_else(|error| {
            if error == RecvTimeoutError::Timeout {
                log::warn!("the database does not answer: what this worker had is taken over when its leases end");
            }
            0
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_stopped {
            self.end();
        }
    }
}

/// How long, at each step of the end, a database is waited for that does not answer.
const FAREWELL: Duration = Duration::from_secs(4);

/// How often it is looked whether somebody wants it to stop.
const SLICE: Duration = Duration::from_millis(100);

pub(crate) fn spawn(
    what: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    std::thread::Builder::new()
        .name(what.to_owned())
        .spawn(work)
        .map_err(|error| StartError::Thread(what, error))
}

fn serve_metrics(worker: &Arc<Worker>, address: SocketAddr) -> Result<RunningServer, StartError> {
    let worker = Arc::clone(worker);
    Ok(MetricsServer::bind(address)?.run(move || worker.observer.render(&worker))?)
}
