//! Requests by people who have tokens.

use std::io::{Read as _, Write as _};

use cream_auth::{Role, Scopes, Token, TokenKind};
use cream_store::{NewToken, NewUser, Store, StoreError, UserAdded};

use crate::support::{Answer, Api, answer, at};

/// A token of somebody new, with these scopes.
pub(crate) fn token(store: &Store, name: &str, role: Role, scopes: Scopes) -> String {
    let token = Token::generate(TokenKind::Api).unwrap();
    let (created_at, expires_at) = (at("2025-01-01T00:00:00Z"), at("9999-01-01T00:00:00Z"));
    let added = store.write(|writer| -> Result<(), StoreError> {
        let name = name.parse().unwrap();
        let new = NewUser { name, role, password: None, now: created_at };
        let UserAdded::New(user) = writer.add_user(&new)? else { panic!("the name is taken") };
        let name = "test".to_owned();
        let (kind, digest) = (TokenKind::Api, token.digest());
        writer.add_token(&NewToken { user, kind, name, digest, scopes, created_at, expires_at })?;
        Ok(())
    });
    added.unwrap();
    token.expose().to_owned()
}

/// A request with a token and with a body of JSON, where there are any.
pub(crate) fn call(api: &Api, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let (bearer, length) = (format!("Bearer {token}"), body.len().to_string());
    let mut headers = Vec::new();
    if !token.is_empty() {
        headers.push(("authorization", bearer.as_str()));
    }
    if !body.is_empty() {
        headers.extend([("content-type", "application/json"), ("content-length", &length)]);
    }
    let mut stream = api.ask(method, path, &headers);
    stream.write_all(body.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    answer(&bytes)
}
