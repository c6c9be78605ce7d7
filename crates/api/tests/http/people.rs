//! People and their tokens, as the command line adds them, and requests in their name.

use cream_api::{ApiSettings, LoginLimits};
use cream_auth::{
    HashParams, Password, PasswordHash, PasswordHasher, Role, Scopes, Token, TokenDigest, TokenKind,
};
use cream_models::{Clock as _, SystemClock, Timestamp};
use cream_store::{NewToken, NewUser, Store, StoreError, StoreOptions, TokenId, UserAdded, UserId};
use serde_json::{Value, json};

use crate::support::{Answer, Api, answer, fill};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const HOUR: i64 = 3_600_000_000;

/// A server over a filled database, with settings of its own.
pub(crate) fn serve(change: impl FnOnce(ApiSettings) -> ApiSettings) -> Api {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.migrate_up().unwrap();
    fill(&store);
    // A crowded machine is no slow client.
    Api::serve(folder, store, |settings| {
        change(settings.with_request_timeout(std::time::Duration::from_secs(60)))
    })
}

/// The database in a folder.
pub(crate) fn open(folder: &std::path::Path) -> Store {
    let url = format!("sqlite:{}", folder.join("cream.db").display());
    Store::open(&url.parse().unwrap(), &StoreOptions::default()).unwrap()
}

/// Limits that no test reaches by accident.
pub(crate) const MANY: LoginLimits = LoginLimits {
    of_account: 1_000_000,
    from_address: 1_000_000,
    window: std::time::Duration::from_secs(900),
};

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn after(micros: i64) -> Timestamp {
    Timestamp::from_micros(now().micros() + micros)
}

pub(crate) fn hash_with(params: HashParams, password: &str) -> PasswordHash {
    let password = Password::new(password.to_owned()).unwrap();
    PasswordHasher::new(params).unwrap().hash(&password).unwrap()
}

/// Somebody new; with [`PASSWORD`] where `password` is given so.
pub(crate) fn add_user(store: &Store, name: &str, role: Role, password: Option<&str>) -> UserId {
    let password = password.map(|password| hash_with(HashParams::WEAK, password));
    let new = NewUser { name: name.parse().unwrap(), role, password, now: now() };
    match store.write(|writer| writer.add_user(&new)).unwrap() {
        UserAdded::New(id) => id,
        UserAdded::NameTaken => panic!("{name} is taken"),
    }
}

/// A token given out an hour ago, and its number.
pub(crate) fn add_token(
    store: &Store,
    user: UserId,
    kind: TokenKind,
    scopes: Scopes,
    expires_at: Timestamp,
) -> (TokenId, String) {
    let token = Token::generate(kind).unwrap();
    let new = NewToken {
        user,
        kind,
        name: "of a test".to_owned(),
        digest: token.digest(),
        scopes,
        created_at: after(-HOUR),
        expires_at,
    };
    let id = store.write_relaxed(|writer| writer.add_token(&new)).unwrap();
    (id, token.expose().to_owned())
}

pub(crate) fn digest(token: &str) -> TokenDigest {
    Token::parse(token).unwrap().digest()
}

pub(crate) fn revoke(store: &Store, id: TokenId) {
    let revoked = store.write_relaxed(|writer| writer.revoke_token(id, None, now()));
    assert!(revoked.unwrap());
}

pub(crate) fn change(store: &Store, id: UserId, change: cream_store::UserChange) {
    let changed: Result<_, StoreError> =
        store.write(|writer| writer.change_user(id, &change, now()));
    assert!(matches!(changed.unwrap(), cream_store::UserChanged::Done(_)));
}

impl Api {
    /// A request with a body of JSON, and a token where one is given.
    pub(crate) fn ask_json(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Answer {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        self.send_body(method, path, &headers, body.to_string().as_bytes())
    }

    /// A request with a body of any kind.
    pub(crate) fn send_body(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.host(),
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let bytes = [request.as_bytes(), b"\r\n", body].concat();
        answer(&self.send_raw(&bytes))
    }

    pub(crate) fn get_as(&self, token: &str, path: &str) -> Answer {
        self.get_with(path, &[("authorization", &format!("Bearer {token}"))])
    }

    pub(crate) fn log_in(&self, name: &str, password: &str) -> Answer {
        let body = json!({"name": name, "password": password});
        self.ask_json("POST", "/auth/login", None, &body)
    }

    /// The token of a login with [`PASSWORD`].
    pub(crate) fn session(&self, name: &str) -> String {
        let answer = self.log_in(name, PASSWORD);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["token"].as_str().unwrap().to_owned()
    }
}
