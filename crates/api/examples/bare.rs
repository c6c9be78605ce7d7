//! The least that actix-web can do: one route without middleware, which answers bytes that it holds.
//!
//! `bare FILE`: the answer's body. It listens on a free port of loopback, with as many workers as the
//! API has, and prints the address. What the API's own answers are measured beside.

#![allow(clippy::print_stdout, reason = "a small program for people at a terminal")]

use std::net::TcpListener;

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};

async fn answer(body: web::Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(Bytes::clone(&body))
}

fn main() -> std::io::Result<()> {
    let file =
        std::env::args_os().nth(1).ok_or_else(|| std::io::Error::other("usage: bare FILE"))?;
    let body = web::Data::new(Bytes::from(std::fs::read(file)?));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on http://{}", listener.local_addr()?);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::clone(&body)).route("/{anything}*", web::get().to(answer))
    });
    actix_web::rt::System::new().block_on(server.workers(workers).listen(listener)?.run())
}
