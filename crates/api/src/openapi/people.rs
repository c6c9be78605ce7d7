//! The shapes of answers about people and tokens. For the document alone, as those of `answers`.

#![expect(dead_code, reason = "nobody makes or reads such values: answers are written by hand")]

use utoipa::ToSchema;

use super::words::{Cursor, Instant, RoleName, ScopeName, TokenKindName, TokenText, UserName};

/// What a login gives.
#[derive(ToSchema)]
pub(crate) struct LoggedIn {
    token: TokenText,
    /// `Bearer`.
    #[schema(pattern = "^Bearer$")]
    token_type: String,
    /// Until when it is good.
    expires_at: Instant,
    /// What it is good for.
    scopes: Vec<ScopeName>,
    user: Person,
}

/// Somebody.
#[derive(ToSchema)]
pub(crate) struct Person {
    /// Stable.
    id: i64,
    name: UserName,
    role: RoleName,
}

/// Whose a token is, and what it is good for.
#[derive(ToSchema)]
pub(crate) struct Me {
    user: Person,
    token: OwnToken,
}

/// The token that came with the request.
#[derive(ToSchema)]
pub(crate) struct OwnToken {
    id: i64,
    kind: TokenKindName,
    /// What its owner calls it.
    name: String,
    /// What it is good for, by what it was given and what its owner may.
    scopes: Vec<ScopeName>,
    expires_at: Instant,
}

/// A token that was made. Its text is never shown again.
#[derive(ToSchema)]
pub(crate) struct CreatedToken {
    id: i64,
    token: TokenText,
    name: String,
    scopes: Vec<ScopeName>,
    created_at: Instant,
    expires_at: Instant,
}

/// One's valid tokens.
#[derive(ToSchema)]
pub(crate) struct Tokens {
    /// How many.
    #[schema(minimum = 0)]
    count: i64,
    tokens: Vec<ListedToken>,
    /// Null: there are no pages.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A token, without its text.
#[derive(ToSchema)]
pub(crate) struct ListedToken {
    id: i64,
    kind: TokenKindName,
    /// What its owner calls it.
    name: String,
    scopes: Vec<ScopeName>,
    created_at: Instant,
    expires_at: Instant,
    /// Null where it never was; told to the minute or so.
    #[schema(required)]
    last_used_at: Option<Instant>,
}

/// A page of people.
#[derive(ToSchema)]
pub(crate) struct Users {
    /// How many are in this page.
    #[schema(minimum = 0)]
    count: i64,
    /// In order of the name.
    users: Vec<User>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// Somebody, as admins see them.
#[derive(ToSchema)]
pub(crate) struct User {
    id: i64,
    name: UserName,
    role: RoleName,
    /// Whether they are let in.
    is_active: bool,
    /// Whether they can log in.
    has_password: bool,
    created_at: Instant,
    changed_at: Instant,
    /// Null where they never did.
    #[schema(required)]
    last_login_at: Option<Instant>,
}

/// A page of what happened.
#[derive(ToSchema)]
pub(crate) struct Events {
    /// How many are in this page.
    #[schema(minimum = 0)]
    count: i64,
    /// The newest first.
    events: Vec<Event>,
    /// The cursor of the next page; null on the last one.
    #[schema(required)]
    next: Option<Cursor>,
    /// Why there is none, where there is none.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// What happened.
#[derive(ToSchema)]
pub(crate) struct Event {
    id: i64,
    at: Instant,
    /// One of the kinds that can be asked for, or one of a newer server.
    kind: String,
    /// The name of the account that it happened to.
    #[schema(required)]
    account: Option<String>,
    /// The name of whoever did it.
    #[schema(required)]
    actor: Option<String>,
    /// From where; of IPv6, the network.
    #[schema(required)]
    address: Option<String>,
    /// Of the request, as the log tells it.
    #[schema(required)]
    request_id: Option<String>,
    /// More about it.
    #[schema(required)]
    detail: Option<String>,
}
