//! The pipeline on a real database and real files: what a crash leaves, who holds what, what is
//! the response's fault and what the machine's, and that order decides nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on stops"
)]

mod aside;
mod batch;
mod claimed;
mod crash;
mod faults;
mod guard;
mod held;
mod hostile;
mod import;
mod killed;
mod lease;
mod order;
mod place;
mod provenance;
mod retry;
mod support;
mod vendor;
