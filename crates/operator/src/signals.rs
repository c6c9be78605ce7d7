//! Stopping on request.

use anyhow::{Context, Result};
use cream_processor::Cancel;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// Lets SIGINT (Ctrl-C) and SIGTERM ask `cancel` to stop. A second signal ends the process at
/// once; the next run mends what that leaves.
///
/// # Errors
///
/// Where the operating system refuses the handlers.
pub fn cancel_on_signals(cancel: &Cancel) -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: at the first signal the flag is not set yet, at the second it is.
        flag::register_conditional_shutdown(signal, INTERRUPTED, cancel.flag())
            .and_then(|_| flag::register(signal, cancel.flag()))
            .context("cannot set the signal handlers")?;
    }
    Ok(())
}

/// Does this at the first SIGINT or SIGTERM, on a thread of its own, besides what others do then.
///
/// # Errors
///
/// Where the operating system refuses the handlers, or a thread.
pub fn on_first_signal(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot set the signal handlers")?;
    let wait = move || {
        if signals.forever().next().is_some() {
            work();
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).context("the system gives no thread for signals")?;
    Ok(())
}

/// The exit code of [`crate::Exit::Interrupted`].
const INTERRUPTED: i32 = 130;
