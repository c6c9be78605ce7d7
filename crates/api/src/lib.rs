//! The HTTP API: what the database holds, for clients that speak HTTP.
//!
//! [`serve`] binds an address and answers until it is told to stop. The routes are listed by
//! `GET /` and described in `docs/api.md`; each failure is an RFC 9457 problem document with one
//! of the [`ErrorCode`]s.
//!
//! ```no_run
//! use cream_api::{ApiSettings, serve};
//! use cream_store::{Store, StoreOptions};
//!
//! let store = Store::open(&"sqlite:cream.db".parse()?, &StoreOptions::default())?;
//! let settings = ApiSettings::new("127.0.0.1:8080".parse()?);
//! serve(store, settings, |address| println!("listening on http://{address}"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A request passes, from the outside in: `observe` (request id, access log, errors into problem
//! documents, security headers), compression, the route table in `routes`, extractors that read
//! path and query strictly (`params`, `negotiate`), a handler of a few lines, and a service
//! function that runs on a thread for blocking work with the store. What is too long for one
//! piece is written by a thread of its own (`streams`) into a `pipe`. Handlers and services of a
//! resource stand in one module: `stocks`, `history`, `actions`, `responses`, `tracking`,
//! `retries`, `tasks`, `accounts`, `health`. What handlers say of themselves, `openapi` makes one
//! document of.

mod access;
mod accounts;
mod actions;
mod adjusted;
mod answer;
mod body;
mod cache;
mod chart;
mod client;
mod cursor;
mod facts;
mod formats;
mod health;
mod history;
mod json;
mod limits;
mod metrics;
mod negotiate;
mod observe;
mod openapi;
mod pages;
mod params;
mod periods;
mod pipe;
mod problem;
mod responses;
mod retries;
mod routes;
mod server;
mod settings;
mod state;
mod stocks;
mod streams;
mod tasks;
mod tracking;

pub use problem::ErrorCode;
pub use server::{ServeError, Server, StopHandle, serve};
pub use settings::{ApiSettings, LoginLimits};
