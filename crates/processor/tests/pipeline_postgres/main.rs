//! The same tests as in `tests/pipeline`, on PostgreSQL, but for those of SQLite's one lock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on stops"
)]

#[path = "../pipeline/aside.rs"]
mod aside;
#[path = "../pipeline/batch.rs"]
mod batch;
#[path = "../pipeline/claimed.rs"]
mod claimed;
#[path = "../pipeline/crash.rs"]
mod crash;
#[path = "../pipeline/guard.rs"]
mod guard;
#[path = "../pipeline/held.rs"]
mod held;
#[path = "../pipeline/hostile.rs"]
mod hostile;
#[path = "../pipeline/import.rs"]
mod import;
#[path = "../pipeline/killed.rs"]
mod killed;
#[path = "../pipeline/lease.rs"]
mod lease;
#[path = "../pipeline/order.rs"]
mod order;
#[path = "../pipeline/place.rs"]
mod place;
#[path = "../pipeline/provenance.rs"]
mod provenance;
#[path = "../pipeline/retry.rs"]
mod retry;
#[path = "../pipeline/support.rs"]
mod support;
#[path = "../pipeline/vendor.rs"]
mod vendor;
