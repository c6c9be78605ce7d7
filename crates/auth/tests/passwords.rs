//! Passwords against hashes that another implementation made, and the rules around them.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use cream_auth::{
    HashParams, ParamsError, Password, PasswordHash, PasswordHasher, StoredHashError, Verdict,
};
use proptest::prelude::*;
use zeroize::ZeroizeOnDrop;

/// Made with the reference implementation in C: password, PHC string. The first one is of its own
/// tests (`phc-winner-argon2`, `src/test.c`).
const KNOWN: [(&str, &str); 4] = [
    (
        "password",
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    ),
    (
        "correct horse battery staple",
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg\
         $gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0",
    ),
    (
        "Grüße, 🐄 und mehr",
        "$argon2id$v=19$m=12288,t=3,p=2$ZmVkY2JhOTg3NjU0MzIxMA\
         $acqtMM/bWRzcL9uZkTSd+iDcCtCxB6M6qiASO6XQobI",
    ),
    ("correct horse battery staple", WEAK),
];
const WEAK: &str = "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw\
                    $ktxdZwGWI4aL3geSdeUi9LfoIT00FO2Fy8KsikERcog";

fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

fn weak() -> PasswordHasher {
    PasswordHasher::new(HashParams::WEAK).unwrap()
}

#[test]
fn hashes_of_the_reference_implementation_are_right() {
    let hasher = weak();
    for (text, stored) in KNOWN {
        let hash = PasswordHash::parse(stored).unwrap();
        assert_eq!(hash.as_str(), stored);
        let needs_rehash = hash.params() != HashParams::WEAK;
        let verdict = hasher.verify(&password(text), &hash).unwrap();
        assert_eq!(verdict, Verdict { is_right: true, needs_rehash }, "{stored}");
        let wrong = hasher.verify(&password(&format!("{text} ")), &hash).unwrap();
        assert_eq!(wrong, Verdict { is_right: false, needs_rehash: false }, "{stored}");
    }
}

#[test]
fn new_hashes_have_the_default_parameters_and_a_salt_of_their_own() {
    let hasher = PasswordHasher::new(HashParams::default()).unwrap();
    assert_eq!(hasher.params(), HashParams::DEFAULT);
    let given = password("correct horse battery staple");
    let (one, two) = (hasher.hash(&given).unwrap(), hasher.hash(&given).unwrap());
    for hash in [&one, &two] {
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let read = PasswordHash::parse(hash.as_str()).unwrap();
        let verdict = hasher.verify(&given, &read).unwrap();
        assert_eq!(verdict, Verdict { is_right: true, needs_rehash: false });
    }
    let parts = |hash: &PasswordHash| -> Vec<String> {
        hash.as_str().split('$').skip(4).map(str::to_owned).collect()
    };
    assert!(parts(&one).iter().all(|part| !parts(&two).contains(part)), "salt and hash differ");
    assert_eq!(parts(&one).iter().map(String::len).collect::<Vec<_>>(), [22, 43]);
}

#[test]
fn other_parameters_ask_for_a_new_hash() {
    let hasher = weak();
    let given = password("correct horse battery staple");
    let verdict = |stored: &str| {
        let hash = PasswordHash::parse(stored).unwrap();
        hasher.verify(&given, &hash).unwrap()
    };
    let current = hasher.hash(&given).unwrap();
    assert_eq!(verdict(current.as_str()), Verdict { is_right: true, needs_rehash: false });
    // Memory, passes, lanes, a short salt, a short hash: each differs in one thing alone.
    for stored in OTHERS {
        assert_eq!(verdict(stored), Verdict { is_right: true, needs_rehash: true }, "{stored}");
    }
}

const OTHERS: [&str; 5] = [
    "$argon2id$v=19$m=65,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$x9FYjmbVWH3sHcCdPnTnAQrxIr6P/QjszYdb4AyiSxw",
    "$argon2id$v=19$m=64,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$LfR+3mNY7Repl21PztuJehADbUMqSs7xfSY7/Ji9IKw",
    "$argon2id$v=19$m=64,t=1,p=2$AAECAwQFBgcICQoLDA0ODw$EIfJ6K997fPde6OMe2cXNCirMSseo54JwYUKgoL6aoM",
    "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgc$kL6a22+4zLnpt4WPiWs/VWmzXx566p85dsoS/bQDIag",
    "$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$1kngLuPxAJ8U4YwtJr8oGg",
];

#[test]
fn nobody_has_a_password() {
    let hasher = weak();
    for text in ["correct horse battery staple", "x", &"x".repeat(1024)] {
        let verdict = hasher.verify_unknown(&password(text)).unwrap();
        assert_eq!(verdict, Verdict { is_right: false, needs_rehash: false });
    }
}

#[test]
fn absurd_parameters_are_refused_before_any_memory_is_taken() {
    let most = HashParams::MAX_MEMORY_KIB;
    let parse = |from: &str, to: &str| {
        assert!(WEAK.contains(from));
        PasswordHash::parse(&WEAK.replacen(from, to, 1)).map(|_| ()).unwrap_err()
    };
    let memory = |kib, least| StoredHashError::Params(ParamsError::Memory { kib, least, most });
    assert_eq!(parse("m=64", "m=4194304"), memory(4_194_304, 8));
    assert_eq!(parse("m=64", "m=4294967295"), memory(u32::MAX, 8));
    assert_eq!(parse("m=64", "m=262145"), memory(262_145, 8));
    assert_eq!(parse("m=64", "m=7"), memory(7, 8));
    assert_eq!(parse("m=64", "m=0"), memory(0, 8));
    assert_eq!(parse("t=1", "t=0"), StoredHashError::Params(ParamsError::Passes(0)));
    assert_eq!(
        parse("t=1", "t=4000000000"),
        StoredHashError::Params(ParamsError::Passes(4_000_000_000))
    );
    assert_eq!(parse("p=1", "p=0"), StoredHashError::Params(ParamsError::Lanes(0)));
    assert_eq!(parse("p=1", "p=17"), StoredHashError::Params(ParamsError::Lanes(17)));
    assert_eq!(parse("m=64", "m=4294967296"), StoredHashError::Form, "beyond 32 bits");
    assert!(PasswordHash::parse(&WEAK.replacen("m=64", "m=262144", 1)).is_ok());
}

#[test]
fn other_forms_are_refused() {
    let refused = |from: &str, to: &str| {
        assert!(WEAK.contains(from));
        PasswordHash::parse(&WEAK.replacen(from, to, 1)).map(|_| ()).unwrap_err()
    };
    for (from, to) in
        [("argon2id", "argon2i"), ("argon2id", "argon2d"), ("v=19", "v=16"), ("$v=19", "")]
    {
        assert_eq!(refused(from, to), StoredHashError::Algorithm, "{to}");
    }
    for (from, to) in [
        ("$argon2id", "argon2id"),
        ("m=64", "m=064"),
        ("m=64", "m=+64"),
        ("m=64", "m="),
        ("m=64", "m"),
        ("m=64,t=1", "t=1,m=64"),
        ("p=1", "p=1,keyid=AAAA"),
        (",p=1", ""),
        ("p=1$", "p=1 $"),
        ("$AAEC", "$AAEC$AAEC"),
    ] {
        let error = refused(from, to);
        let is_form = matches!(error, StoredHashError::Form | StoredHashError::Part { .. });
        assert!(is_form, "{to}: {error:?}");
    }
    let salt = StoredHashError::Part { part: "salt", least: 8, most: 48 };
    let hash = StoredHashError::Part { part: "hash", least: 16, most: 64 };
    for (from, to, expected) in [
        ("AAECAwQFBgcICQoLDA0ODw", "", salt),
        ("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBg", salt),
        ("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODw==", salt),
        ("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODx", salt),
        ("ktxdZwGWI4aL3geSdeUi9LfoIT00FO2Fy8KsikERcog", "ktxdZwGWI4aL3geSdeUi", hash),
        ("ktxdZwGW", "ktxdZwG-", hash),
        ("ERcog", "ERcog\n", hash),
    ] {
        assert_eq!(refused(from, to), expected, "{to:?}");
    }
    assert_eq!(PasswordHash::parse("").map(|_| ()), Err(StoredHashError::Form));
    assert_eq!(PasswordHash::parse(&format!("{WEAK}$")).map(|_| ()), Err(StoredHashError::Form));
    let long = WEAK.replace("$AAEC", &format!("${}", "A".repeat(300)));
    assert_eq!(PasswordHash::parse(&long).map(|_| ()), Err(StoredHashError::Form));
    let longest =
        format!("$argon2id$v=19$m=262144,t=16,p=16${}${}", "A".repeat(64), "A".repeat(86));
    assert!(PasswordHash::parse(&longest).is_ok(), "all that is in bounds fits");
}

#[test]
fn debug_hides_and_drop_wipes() {
    fn is_wiped<T: ZeroizeOnDrop>() {}
    is_wiped::<Password>();
    let hash = PasswordHash::parse(WEAK).unwrap();
    assert_eq!(format!("{hash:?}"), "PasswordHash(argon2id m=64,t=1,p=1, hidden)");
    let hasher = format!("{:?}", weak());
    assert!(!hasher.contains('$'), "{hasher}");
}

proptest! {
    #[test]
    fn a_password_is_right_and_any_other_is_wrong(one in "\\PC{1,40}", two in "\\PC{1,40}") {
        let hasher = weak();
        let hash = hasher.hash(&password(&one)).unwrap();
        prop_assert!(hasher.verify(&password(&one), &hash).unwrap().is_right);
        prop_assert_eq!(hasher.verify(&password(&two), &hash).unwrap().is_right, one == two);
    }

    #[test]
    fn any_text_is_a_password_or_an_error_that_does_not_quote_it(
        text in ".{0,20}([0-9]{8}|(é|\u{0}){0,600})", user in ".{0,20}",
    ) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        for result in [Password::new(text.clone()), Password::chosen(text.clone(), &user)] {
            let shown = match result {
                Ok(password) => format!("{password:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            prop_assert!(digits.len() < 8 || !shown.contains(&digits));
        }
        prop_assert_eq!(Password::new(text.clone()).is_ok(), (1..=1024).contains(&text.len()));
        prop_assert_eq!(Password::chosen(text.clone(), &text).is_ok(), false);
    }

    #[test]
    fn any_text_is_a_hash_or_an_error(text in "\\PC*") {
        prop_assert!(PasswordHash::parse(&text).is_err());
    }

    #[test]
    fn any_change_of_a_hash_is_refused_or_another_hash(
        at in 0..WEAK.len(), with in "[$,=0-9a-zA-Z+/é]|", removed in 0_usize..4,
    ) {
        let mut text = WEAK.to_owned();
        text.replace_range(at..(at + removed).min(WEAK.len()), &with);
        if let Ok(hash) = PasswordHash::parse(&text) {
            prop_assert_eq!(hash.as_str(), &text);
            prop_assert!(hash.params().memory_kib() <= HashParams::MAX_MEMORY_KIB);
            prop_assert!(hash.params().passes() <= HashParams::MAX_PASSES);
            prop_assert!(hash.params().lanes() <= HashParams::MAX_LANES);
            let right = weak().verify(&password("correct horse battery staple"), &hash).unwrap();
            prop_assert_eq!(right.is_right, text == WEAK);
        }
    }
}
