//! What the documents name is there: their links lead somewhere, and the data model has a word on
//! each table and column.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every file by an extension below a folder; what is built, hidden or archived is none of ours.
fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            let archive = ["raw_responses", "parsed_responses", "deadletter_responses"];
            if !name.starts_with('.') && name != "target" && !archive.contains(&name) {
                files(&path, extension, found);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// The targets of a text's links, outside of its code.
fn links(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        is_code ^= fence;
        !is_code && !fence
    });
    prose
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// The anchors of a text's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

/// The links of a document that lead nowhere.
fn broken(document: &Path) -> Vec<String> {
    let text = fs::read_to_string(document).unwrap();
    let leads_nowhere = |link: &&str| {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if path.is_empty() {
            document.to_owned()
        } else {
            document.parent().unwrap().join(path)
        };
        let has_anchor =
            || fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(anchor));
        !target.exists() || !anchor.is_empty() && !has_anchor()
    };
    links(&text)
        .into_iter()
        .filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
        .filter(leads_nowhere)
        .map(|link| format!("{}: {link}", document.display()))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut documents = Vec::new();
    files(&root(), "md", &mut documents);
    let count: usize =
        documents.iter().map(|path| links(&fs::read_to_string(path).unwrap()).len()).sum();
    assert!(documents.len() > 5 && count > 20, "{count} links in {documents:?}");
    let broken: Vec<_> = documents.iter().flat_map(|document| broken(document)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let folder = cream_testkit::TestDir::default();
    folder.write("there.md", "# A heading, here\n");
    let text = "[a](there.md) [b](gone.md)\n[c](there.md#a-heading-here) [d](there.md#none)\n\
                [e](https://example.org)\n```sh\n[f](code.md)\n```\n[g](#none)";
    let broken = broken(&folder.write("all.md", text));
    let links: Vec<_> = broken.iter().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(links, ["gone.md", "there.md#none", "#none"]);
}

#[test]
fn the_data_model_has_a_word_on_each_table_and_column() {
    let page = fs::read_to_string(root().join("docs/data-model.md")).unwrap();
    let mut migrations = Vec::new();
    files(&root().join("migrations/sqlite"), "sql", &mut migrations);
    let mut tables = BTreeSet::new();
    let mut missing = Vec::new();
    for path in migrations.iter().filter(|path| path.ends_with("up.sql")) {
        let sql = fs::read_to_string(path).unwrap();
        for table in sql.split("CREATE TABLE ").skip(1) {
            let (name, body) = table.split_once(" (\n").unwrap();
            tables.insert(name.to_owned());
            // The section of the table, to the next heading.
            let section = page.split("\n## ").find(|section| section.starts_with(name));
            let columns = body
                .lines()
                .take_while(|line| !line.starts_with(')'))
                .filter_map(|line| line.strip_prefix("    "))
                .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
                .filter_map(|line| line.split_whitespace().next());
            for column in columns {
                if !section.is_some_and(|section| section.contains(&format!("`{column}`"))) {
                    missing.push(format!("{name}.{column}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    let described: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .filter(|heading| heading.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .map(str::to_owned)
        .collect();
    assert_eq!(described, tables);
}
