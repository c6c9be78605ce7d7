//! Writes the files of `files/samples` into a folder.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a small program for people at a terminal"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use cream_testkit::samples;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: write-samples FOLDER");
        return ExitCode::from(2);
    };
    match write(&PathBuf::from(folder)) {
        Ok(count) => {
            println!("{count} files written");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("write-samples: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &std::path::Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let samples = samples::all();
    for sample in &samples {
        std::fs::write(folder.join(&sample.name), &sample.bytes)?;
    }
    std::fs::write(folder.join("README.md"), samples::readme())?;
    Ok(samples.len() + 1)
}
