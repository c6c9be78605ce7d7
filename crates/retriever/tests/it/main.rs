//! The retriever against a server that answers, and misbehaves, as the vendors do.

mod faults;
mod limits;
mod network;
mod pulls;
mod secrets;
mod setup;
mod yahoo;
