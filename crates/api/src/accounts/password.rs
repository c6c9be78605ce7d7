//! Passwords: a bounded number of hashes at once, and the change of one's own.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use cream_auth::{HashError, HashParams, Password, PasswordHash, PasswordHasher, Verdict};
use cream_store::AuditKind;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::access::{CalledBy, Caller};
use crate::accounts::audit::Happened;
use crate::body::Json;
use crate::openapi::words;
use crate::params::Params;
use crate::problem::{ApiError, ErrorCode, FieldError};
use crate::state::State;

/// Hashes at once: each takes 19 MiB and a processor for some 40 ms.
const AT_ONCE: usize = 4;

/// What hashes and checks passwords, a few at a time.
pub(crate) struct Passwords {
    hasher: Arc<PasswordHasher>,
    turns: Arc<Semaphore>,
}

/// One of the few who may have a password looked at now. Whoever counts failures holds it from the
/// count until a new failure is recorded: else many at once would all be counted before the first.
#[derive(Clone)]
pub(crate) struct Turn(
    #[expect(dead_code, reason = "held, not looked at")] Arc<OwnedSemaphorePermit>,
);

impl Passwords {
    /// Takes the time of one hash.
    pub(crate) fn new(params: HashParams) -> Result<Self, HashError> {
        let hasher = Arc::new(PasswordHasher::new(params)?);
        Ok(Self { hasher, turns: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    ///
    /// `unavailable` where it takes too long.
    pub(crate) async fn turn(&self, state: &State) -> Result<Turn, ApiError> {
        let limit: Duration = state.settings.queue_timeout;
        let turn = tokio::time::timeout(limit, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| ApiError::overloaded(limit))?
            .map_err(ApiError::internal)?;
        Ok(Turn(Arc::new(turn)))
    }

    /// Hashes a password that somebody chose.
    pub(crate) async fn hash(
        &self,
        turn: &Turn,
        password: Password,
    ) -> Result<PasswordHash, ApiError> {
        self.work(turn, move |hasher| hasher.hash(&password)).await
    }

    /// Checks a password against a hash, or against none where there is no such user, in the same
    /// time. Gives the password back, for a new hash.
    pub(crate) async fn verify(
        &self,
        turn: &Turn,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<(Verdict, Password), ApiError> {
        self.work(turn, move |hasher| {
            let verdict = match &hash {
                Some(hash) => hasher.verify(&password, hash)?,
                None => hasher.verify_unknown(&password)?,
            };
            Ok((verdict, password))
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        turn: &Turn,
        work: impl FnOnce(&PasswordHasher) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, ApiError> {
        // The work goes on where whoever asked for it is gone, and so does the turn.
        let (hasher, turn) = (Arc::clone(&self.hasher), turn.clone());
        let done = web::block(move || {
            let done = work(&hasher);
            drop(turn);
            done
        });
        done.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }
}

/// A password that somebody chooses for `user`.
///
/// # Errors
///
/// `invalid_body`, with the reason and never the password.
pub(crate) fn chosen(text: Zeroizing<String>, user: &str) -> Result<Password, ApiError> {
    Password::chosen(text.to_string(), user).map_err(|error| {
        ApiError::fields(vec![FieldError::new("password", None, error.to_string())])
    })
}

/// The body of `POST /auth/password`.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"current": "correct horse battery", "new": "a staple and no horse"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The present one.
    #[schema(value_type = String, format = Password, write_only)]
    current: Zeroizing<String>,
    /// The one from now on.
    #[schema(value_type = words::NewPassword)]
    new: Zeroizing<String>,
}

/// `POST /auth/password`
#[utoipa::path(
    post,
    path = "/auth/password",
    operation_id = "changePassword",
    tag = "accounts",
    request_body = PasswordChange,
    responses((status = 204, description = "The password is changed, and all other sessions have ended")),
)]
pub(crate) async fn change_password(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    params: Params,
    Json(change): Json<PasswordChange>,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let new = chosen(change.new, caller.name.as_str())?;
    let given =
        Password::new(change.current.to_string()).map_err(|_| ApiError::wrong_password())?;
    let name = caller.name.clone();
    let found =
        state.blocking(move |store| Ok(store.read(|reader| reader.user_named(&name))?)).await?;
    let hash = found.and_then(|(_, hash)| hash);
    let happened = Happened::by(&request, &caller);
    let turn = state.passwords.turn(&state).await?;
    // A stolen session shall not be good for guessing the password at leisure.
    happened.check_failures(&state, caller.name.as_str()).await?;
    let (verdict, _) = state.passwords.verify(&turn, given, hash).await?;
    if !verdict.is_right {
        happened
            .login_failed(&state, caller.name.as_str(), "the present password of a change")
            .await?;
        return Err(ApiError::wrong_password());
    }
    let hash = state.passwords.hash(&turn, new).await?;
    drop(turn);
    let (now, Caller { user, name, token, .. }) = (state.now(), Caller::clone(&caller));
    state
        .blocking(move |store| {
            store.write(|writer| {
                writer.set_password(user, &hash, Some(token), now)?;
                happened.record(writer, AuditKind::PasswordChanged, name.as_str(), None, now)
            })?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

impl ApiError {
    fn wrong_password() -> Self {
        let error = FieldError::new("current", None, "it is not the present password");
        Self::fields(vec![error]).with_code(ErrorCode::WrongPassword)
    }
}
