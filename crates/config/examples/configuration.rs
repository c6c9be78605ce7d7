//! Renews what is made from the table of variables: the table in `docs/configuration.md`, and
//! `.env.sample`.

use std::error::Error;
use std::fs;
use std::path::Path;

use cream_config::documentation;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let page = root.join("docs/configuration.md");
    let text = documentation::renewed_page(&fs::read_to_string(&page)?)
        .ok_or("docs/configuration.md has lost the markers around its table")?;
    fs::write(page, text)?;
    fs::write(root.join(".env.sample"), documentation::env_sample())?;
    Ok(())
}
