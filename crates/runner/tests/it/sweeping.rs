//! What is forgotten once it is long over.

use cream_auth::{Role, Scopes, Token, TokenKind};
use cream_models::{Clock as _, Timestamp};
use cream_store::{
    AuditKind, AuditQuery, NewAuditEvent, NewToken, NewUser, StoreError, TokenId, TokenQuery,
    UserAdded,
};

use crate::support::{DAY, Site, on_both};

/// What a run of the sweep says that it did.
fn swept(site: &Site) -> String {
    let once = site.once(&site.runner());
    let run = once.runs.iter().find(|run| run.task == "sweep").unwrap();
    run.message.clone().unwrap()
}

#[test]
fn tokens_and_events_are_forgotten_long_after_their_end() {
    on_both(|site| {
        let now = site.clock.now();
        let days_ago = |days: i64| now.plus_seconds(-days * DAY);
        let user = NewUser {
            name: "ann".parse().unwrap(),
            role: Role::User,
            password: None,
            now: days_ago(500),
        };
        let given = site.store.write(|writer| -> Result<Vec<TokenId>, StoreError> {
            let UserAdded::New(user) = writer.add_user(&user)? else { panic!("a free name") };
            let mut give = |kind, expires_at| {
                writer.add_token(&NewToken {
                    user,
                    kind,
                    name: String::new(),
                    digest: Token::generate(kind).unwrap().digest(),
                    scopes: Scopes::ALL,
                    created_at: days_ago(499),
                    expires_at,
                })
            };
            let expired = give(TokenKind::Session, days_ago(30).plus_seconds(-1))?;
            let kept = give(TokenKind::Api, days_ago(30))?;
            let revoked = give(TokenKind::Api, now)?;
            writer.revoke_token(revoked, None, days_ago(31))?;
            for at in [days_ago(400).plus_seconds(-1), days_ago(400)] {
                writer.record(&NewAuditEvent::new(AuditKind::Login, at))?;
            }
            Ok(vec![expired, kept, revoked])
        });
        let kept = given.unwrap()[1];
        assert_eq!(swept(&site), "2 tokens that had ended, 1 old events");
        let all = TokenQuery { user: None, kind: None, unended_at: None, after: None, limit: 9 };
        let tokens = site.store.read(|reader| reader.tokens(&all)).unwrap();
        assert_eq!(tokens.iter().map(|token| token.id).collect::<Vec<_>>(), [kept]);
        let all = AuditQuery { kind: None, account: None, before: None, limit: 9 };
        let events = site.store.read(|reader| reader.audit_events(&all)).unwrap();
        let at: Vec<Timestamp> = events.iter().map(|event| event.at).collect();
        assert_eq!(at, [days_ago(400)]);
        assert_eq!(swept(&site), "nothing to sweep");
    });
}
