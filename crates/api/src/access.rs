//! Who may ask what: each route's rule, and the one place where it is held against who asks.

use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, X_FORWARDED_FOR};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpRequest, web};
use cream_auth::{Role, Scope, Scopes, Token, TokenDigest, TokenKind};
use cream_models::Timestamp;
use cream_store::{Holder, TokenId, TokenState, UserId, UserName};

use crate::facts::Facts;
use crate::limits::Client;
use crate::problem::{ApiError, ErrorCode};
use crate::state::State;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody. A token is not looked at.
    Anyone,
    /// Anybody where reading is open, else who has a token with the scope `read`.
    Reader,
    /// Who has a token with this scope, of somebody whose role has it too.
    Scope(Scope),
    /// Who has any valid token.
    Token,
    /// Who has logged in: the token of a session, and not one made for a program.
    Session,
    /// A program on this machine, or a token with the scope `admin`.
    Metrics,
}

impl Access {
    /// What it takes, for a person.
    pub(crate) fn need(self) -> &'static str {
        match self {
            Self::Anyone => "nothing",
            Self::Reader => "nothing where reading is open, else a token with the scope read",
            Self::Scope(Scope::Read) => "a token with the scope read",
            Self::Scope(Scope::Track) => "a token with the scope track",
            Self::Scope(Scope::Admin) => "an admin's token with the scope admin",
            Self::Token => "a token",
            Self::Session => "the token of a login",
            Self::Metrics => "a connection from the same machine, or a token with the scope admin",
        }
    }
}

/// Who asks, by a token that is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) user: UserId,
    pub(crate) name: UserName,
    pub(crate) role: Role,
    pub(crate) token: TokenId,
    pub(crate) kind: TokenKind,
    pub(crate) token_name: String,
    /// What the token was given and its owner's role allows.
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: Timestamp,
}

impl From<&Holder> for Caller {
    fn from(holder: &Holder) -> Self {
        let Holder { user, token } = holder;
        Self {
            user: user.id,
            name: user.name.clone(),
            role: user.role,
            token: token.id,
            kind: token.kind,
            token_name: token.name.clone(),
            scopes: holder.granted(),
            expires_at: token.expires_at,
        }
    }
}

/// For handlers that need to know who asks; the route's rule has seen to it that somebody does.
pub(crate) struct CalledBy(pub(crate) Rc<Caller>);

impl FromRequest for CalledBy {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = Facts::of(request).and_then(|facts| facts.caller.borrow().clone());
        ready(caller.map(Self).ok_or_else(|| ApiError::unauthenticated("this needs a token")))
    }
}

/// The layer around each route: notes which row of the table it is, if any, and lets pass whom its
/// rule admits.
pub(crate) async fn gate(
    row: Option<usize>,
    access: Access,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(error) = admit(row, access, &request).await {
        return Ok(request.error_response(error).map_into_boxed_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

async fn admit(
    row: Option<usize>,
    access: Access,
    request: &ServiceRequest,
) -> Result<(), ApiError> {
    let (Some(state), Some(facts)) =
        (request.app_data::<web::Data<State>>(), Facts::of_service(request))
    else {
        return Err(ApiError::internal("the route stands outside of the layer around all"));
    };
    facts.route.set(row);
    let address = Client::at(facts.client);
    let given = match access {
        Access::Anyone => None,
        _ => match bearer(request.headers()) {
            Ok(given) => given,
            Err(error) => {
                // Whoever tries tokens has no more of these than of other requests.
                state.count(&facts, address)?;
                return Err(error);
            }
        },
    };
    let caller = match given {
        None => {
            state.count(&facts, address)?;
            None
        }
        Some(token) => {
            let digest = token.digest();
            // So that trying tokens costs the database no more than asking without one.
            let is_known = state.known_tokens.is_known(&digest);
            if !is_known {
                state.count(&facts, address)?;
            }
            let caller = match identify(state, digest).await {
                Ok(caller) => caller,
                Err(error) => {
                    // Nor is one that was good once a way to ask for nothing.
                    if is_known {
                        state.count(&facts, address)?;
                    }
                    return Err(error);
                }
            };
            state.count(&facts, Client::Token(caller.token))?;
            Some(Rc::new(caller))
        }
    };
    facts.caller.replace(caller.clone());
    judge(access, caller.as_deref(), state.settings.open_reading, || {
        // Through a proxy on this machine everybody seems to be here, also where nobody said that
        // it is one.
        request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
            && !request.headers().contains_key(X_FORWARDED_FOR)
    })
}

/// The rule itself.
fn judge(
    access: Access,
    caller: Option<&Caller>,
    reading_is_open: bool,
    is_here: impl FnOnce() -> bool,
) -> Result<(), ApiError> {
    let needed = match access {
        Access::Anyone => return Ok(()),
        // Also to a token without the scope: whoever has none could read as well.
        Access::Reader if reading_is_open => return Ok(()),
        Access::Metrics if caller.is_none() && is_here() => return Ok(()),
        Access::Reader => Some(Scope::Read),
        Access::Metrics => Some(Scope::Admin),
        Access::Scope(scope) => Some(scope),
        Access::Token | Access::Session => None,
    };
    let Some(caller) = caller else {
        return Err(ApiError::unauthenticated(format!("this takes {}", access.need())));
    };
    match needed {
        Some(scope) if !caller.scopes.contains(scope) => {
            Err(ApiError::forbidden(scope, caller.role.allows(scope)))
        }
        None if access == Access::Session && caller.kind != TokenKind::Session => {
            let detail = "this takes the token of a login (POST /auth/login), and not one made for \
                          a program";
            Err(ApiError::new(ErrorCode::Forbidden, detail))
        }
        _ => Ok(()),
    }
}

/// The token that the request brings; `None` where it brings nothing.
fn bearer(headers: &HeaderMap) -> Result<Option<Token>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |detail: String| ApiError::invalid_token(detail);
    if values.next().is_some() {
        return Err(wrong("there is more than one Authorization header".to_owned()));
    }
    let text = value.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => {
            let detail = "the Authorization header is not of the form `Bearer TOKEN`";
            return Err(wrong(detail.to_owned()));
        }
    };
    Token::parse(token).map(Some).map_err(|error| wrong(error.to_string()))
}

/// Whose token it is, if it is valid now.
async fn identify(state: &web::Data<State>, digest: TokenDigest) -> Result<Caller, ApiError> {
    let asked = digest;
    // The database itself: a replica may not know yet that a token was revoked.
    let held = state.blocking(move |store| Ok(store.read(|reader| reader.holder(&asked))?)).await?;
    let now = state.now();
    let refuse = |why: &str| Err(ApiError::invalid_token(why));
    let Some(holder) = held else {
        return refuse("nobody has this token; it may have been revoked long ago");
    };
    match holder.state(now) {
        TokenState::Valid => {}
        TokenState::Expired => return refuse("the token has expired"),
        TokenState::Revoked => return refuse("the token was revoked, or its session ended"),
        TokenState::Disabled => return refuse("the account of this token is disabled"),
    }
    state.known_tokens.know(&digest);
    state.note_use(&holder, now);
    Ok(Caller::from(&holder))
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anyone => "anyone",
            Self::Reader => "reader",
            Self::Scope(scope) => scope.name(),
            Self::Token => "token",
            Self::Session => "session",
            Self::Metrics => "metrics",
        })
    }
}
