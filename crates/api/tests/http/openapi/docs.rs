//! The page for people: whole, and from here alone.

use super::document;
use crate::support::filled;

/// What a browser loads by a page: the values of these attributes.
fn loaded(page: &str) -> Vec<&str> {
    ["src=\"", "href=\""]
        .into_iter()
        .flat_map(|attribute| page.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let api = filled();
    let page = api.get("/docs");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let links = loaded(page.text());
    assert!(links.len() >= 5, "{links:?}");
    for link in links {
        assert!(!link.contains(':') && !link.starts_with('/'), "{link}");
        // Relative to the page, so that it may stand behind a prefix.
        assert_eq!(api.get(&format!("/{link}")).status, 200, "{link}");
    }
    assert!(!page.text().contains("<style") && !page.text().contains(" style="));
    assert!(!page.text().contains("<script>") && !page.text().contains(" onload="));
    let start = api.get("/docs/start.js");
    assert!(!start.text().contains("://"), "{}", start.text());
    assert!(start.text().contains("validatorUrl: null"));
    let styles = api.get("/docs/swagger-ui.css");
    assert!(styles.text().len() > 100_000 && !styles.text().contains("@import"));
    for url in styles.text().split("url(").skip(1) {
        let url = url.trim_start_matches(['"', '\'']);
        assert!(url.starts_with("data:"), "{}", url.chars().take(80).collect::<String>());
    }
    let names =
        document(api)["paths"]["/docs/{asset}"]["get"]["parameters"][0]["schema"]["enum"].clone();
    for name in names.as_array().unwrap() {
        let asset = api.get(&format!("/docs/{}", name.as_str().unwrap()));
        assert_eq!(asset.status, 200, "{name}");
        assert!(page.text().contains(&format!("docs/{}\"", name.as_str().unwrap())), "{name}");
    }
}

#[test]
fn the_page_may_load_from_here_alone() {
    let api = filled();
    for path in ["/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js"] {
        let policy = api.get(path).header("content-security-policy").to_owned();
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
    }
    // Everything else keeps the one that allows nothing.
    let policy = api.get("/openapi.json").header("content-security-policy").to_owned();
    assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
    for (path, begin) in [
        ("start.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("favicon-32x32.png", "image/png"),
    ] {
        let asset = api.get(&format!("/docs/{path}"));
        assert!(asset.header("content-type").starts_with(begin), "{path}");
        let again =
            api.get_with(&format!("/docs/{path}"), &[("if-none-match", asset.header("etag"))]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    api.get("/docs/index.html").problem(404, "unknown_route");
    api.get("/docs/..%2Fstart.js").problem(404, "unknown_route");
    api.get("/docs/").problem(404, "unknown_route");
}
