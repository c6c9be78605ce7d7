//! What the documents name is there: their links lead somewhere, and the data model has a word on
//! each table and column of both databases, and on no other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, BTreeSet};
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

/// The tables of a database with their columns, as its migrations leave them.
fn schema(database: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut migrations = Vec::new();
    files(&root().join("migrations").join(database), "sql", &mut migrations);
    migrations.retain(|path| path.ends_with("up.sql"));
    migrations.sort();
    assert!(!migrations.is_empty(), "no migrations of {database}");
    let texts = migrations.iter().map(|path| fs::read_to_string(path).unwrap());
    texts.fold(BTreeMap::new(), |tables, sql| migrated(tables, &sql))
}

/// What a migration makes of the tables.
fn migrated(
    mut tables: BTreeMap<String, BTreeSet<String>>,
    sql: &str,
) -> BTreeMap<String, BTreeSet<String>> {
    let plain: String =
        sql.lines().flat_map(|line| [line.split("--").next().unwrap(), "\n"]).collect();
    for statement in plain.split(';').map(str::trim) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["CREATE", "TABLE", name, "AS", ..] => {
                tables.insert((*name).to_owned(), BTreeSet::new());
            }
            ["CREATE", "TABLE", name, ..] => {
                let (_, body) = statement.split_once(" (\n").unwrap();
                let columns = body
                    .lines()
                    .take_while(|line| !line.starts_with(')'))
                    .filter_map(|line| line.strip_prefix("    "))
                    .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
                    .filter_map(|line| line.split_whitespace().next());
                tables.insert((*name).to_owned(), columns.map(str::to_owned).collect());
            }
            ["DROP", "TABLE", name] => assert!(tables.remove(*name).is_some(), "{name}"),
            ["ALTER", "TABLE", name, "RENAME", "TO", new] => {
                let columns = tables.remove(*name).unwrap();
                tables.insert((*new).to_owned(), columns);
            }
            ["ALTER", "TABLE", name, "ADD", "COLUMN", column, ..] => {
                tables.get_mut(*name).unwrap().insert((*column).to_owned());
            }
            ["ALTER", "TABLE", name, "DROP", "COLUMN", column] => {
                assert!(tables.get_mut(*name).unwrap().remove(*column), "{name}.{column}");
            }
            ["ALTER", "TABLE", name, "ADD", "CONSTRAINT", ..] => {
                assert!(tables.contains_key(*name), "{name}");
            }
            ["ALTER", "TABLE", ..] => panic!("this test does not read: {statement}"),
            _ => {}
        }
    }
    tables
}

/// The tables that the data model describes, with the columns in the first cells of their tables.
fn described() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(root().join("docs/data-model.md")).unwrap();
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let sections = page.split("\n## ").filter_map(|section| section.split_once('\n'));
    sections
        .filter(|(heading, _)| is_name(heading))
        .map(|(table, text)| {
            let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split('|').next());
            // What stands between the first and the second `, the third and the fourth, and so on.
            let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
            (table.to_owned(), names.map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn the_data_model_has_a_word_on_each_table_and_column() {
    for database in ["sqlite", "postgres"] {
        assert_eq!(described(), schema(database), "described, and {database}");
    }
}

#[test]
fn migrations_are_read_as_databases_do() {
    let first = "CREATE TABLE a (\n    x bigint, -- no; not the end\n    -- gone; later\n    y text,\n    \
                 CONSTRAINT c CHECK (x > 0)\n);\nCREATE INDEX i ON a (x);";
    let second = "ALTER TABLE a RENAME TO old;\nCREATE TABLE a (\n    x bigint\n) STRICT;\n\
                  INSERT INTO a SELECT x FROM old;\nDROP TABLE old;\n\
                  ALTER TABLE a ADD COLUMN z text;\nALTER TABLE a ADD CONSTRAINT d CHECK (z > '');";
    let columns = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        BTreeMap::from([("a".to_owned(), names)])
    };
    let once = migrated(BTreeMap::new(), first);
    assert_eq!(once, columns(&["x", "y"]));
    assert_eq!(migrated(once, second), columns(&["x", "z"]));
}
