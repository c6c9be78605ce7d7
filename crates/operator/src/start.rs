//! What is looked at before a program runs for long: everything that is in the way is told at once.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::Metadata;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use cream_archive::{ArchiveError, Folder};
use cream_config::{ConfigErrors, Settings};
use cream_metrics::MetricsServer;
use cream_processor::{OneLine, chain};
use cream_retriever::KeyNeed;
use cream_runner::check_folder;
use cream_store::DatabaseUrl;
use rustix::fs::{Access, access};

use crate::fetch::{infix, symbols};
use crate::vendors::descriptions;
use crate::{Operator, archive};

/// What a program that runs for long needs, beside the database and the folders.
#[derive(Debug, Default)]
pub struct Needs {
    /// Whether it runs a worker: that needs room on the disks, and vendors that can be asked.
    pub worker: bool,
    /// Where it serves metrics.
    pub metrics: Option<SocketAddr>,
    /// What is found to be in the way already.
    pub problems: Vec<Error>,
}

/// Everything that keeps a program from starting; never empty.
#[derive(Debug)]
struct Problems(Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return f.write_str(only);
        }
        write!(f, "{} things keep it from starting:", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl Operator {
    /// As [`Operator::open`], for a program that runs for long: looks at all that it needs, and
    /// tells at once everything that is in the way, each in a line. What makes a worker of less
    /// use, such as a key that is missing, is logged as a warning.
    ///
    /// `settings` are the usable ones, `unusable` what is wrong with the others
    /// ([`Settings::from_env_in_part`]). Where something is in the way, the database's schema is left
    /// as it is; where that is a setting or the database, no folder is created.
    ///
    /// # Errors
    ///
    /// Where something is in the way.
    pub fn start(
        settings: &Settings,
        unusable: Option<&ConfigErrors>,
        needs: Needs,
    ) -> Result<Self> {
        let mut look = Look { settings, unusable, found: Vec::new() };
        let operator = look.database();
        let folders = look.folders(operator.is_some());
        if needs.worker {
            look.disks(folders);
            look.vendors();
        }
        look.metrics(needs.metrics);
        needs.problems.iter().for_each(|problem| look.note(problem.as_ref()));
        look.end()?;
        let operator = operator.context("the database cannot be used")?;
        operator.migrate_to_current()?;
        if needs.worker {
            operator.warn_of_missing_keys()?;
        }
        Ok(operator)
    }

    /// Symbols whose vendor needs a key that is not set are not pulled.
    fn warn_of_missing_keys(&self) -> Result<()> {
        let now = self.clock.now();
        let tracked = self.store.read(|reader| reader.tracked_counts(now))?;
        for about in descriptions(&self.settings)? {
            let vendor = about.vendor;
            let active = tracked.iter().find(|(of, _)| *of == vendor).map(|(_, it)| it.active);
            let (Some(active @ 1..), KeyNeed::Required, false) =
                (active, about.key, about.key_is_set)
            else {
                continue;
            };
            let tracked = symbols(usize::try_from(active).unwrap_or(usize::MAX));
            log::warn!(
                vendor = vendor.name();
                "{tracked} of {vendor} will not be pulled here: set STOCK_DATA_{}_API_KEY, or run a \
                 worker that has the key", infix(vendor)
            );
        }
        Ok(())
    }
}

/// A look at everything.
struct Look<'a> {
    settings: &'a Settings,
    unusable: Option<&'a ConfigErrors>,
    found: Vec<String>,
}

impl Look<'_> {
    fn note(&mut self, problem: &(dyn std::error::Error + 'static)) {
        self.found.push(OneLine(&chain(problem)).to_string());
    }

    /// Whether one of these settings is not usable, so that what stands for it says nothing.
    fn is_unusable(&self, names: &[&str]) -> bool {
        self.unusable.is_some_and(|it| names.iter().any(|name| it.concern(name)))
    }

    /// The paths of the folders, which are created where neither a setting nor the database is in
    /// the way.
    fn folders(&mut self, is_database_usable: bool) -> Vec<PathBuf> {
        if self.is_unusable(&FOLDERS) {
            return Vec::new();
        }
        let archive = archive(self.settings);
        if self.unusable.is_none() && is_database_usable {
            archive.prepare().iter().for_each(|problem| self.note(problem));
        } else {
            for problem in archive.problems() {
                match &problem {
                    ArchiveError::FolderMissing { path, .. } => self.missing(path),
                    problem => self.note(problem),
                }
            }
        }
        Folder::ALL.into_iter().map(|folder| archive.folder_path(folder).to_owned()).collect()
    }

    /// A folder that is not there, and might be created.
    fn missing(&mut self, path: &Path) {
        let above = path.ancestors().skip(1).map(or_here).find(|path| path.exists());
        if let Some(above) = above
            && access(above, Access::WRITE_OK | Access::EXEC_OK).is_err()
        {
            let text = format!(
                "{}: creating the folder is not permitted: let the user that runs this program write to \
                 {}",
                path.display(),
                above.display()
            );
            self.found.push(OneLine(&text).to_string());
        }
    }

    /// The database as it is, where it can be opened; a file is not created where a setting is
    /// not usable.
    fn database(&mut self) -> Option<Operator> {
        let is_new = |file: PathBuf| !file.exists() && folder_of(&file).is_dir();
        if self.is_unusable(&["DATABASE_URL"])
            || (self.unusable.is_some() && self.file().is_some_and(is_new))
        {
            return None;
        }
        let opened = Operator::open_as_is(self.settings).and_then(|operator| {
            operator.store.migrations()?;
            Ok(operator)
        });
        opened.inspect_err(|error| self.note(error.as_ref())).ok()
    }

    /// The file of the database, where it is one.
    fn file(&self) -> Option<PathBuf> {
        let url: DatabaseUrl = self.settings.database_url.expose().parse().ok()?;
        url.file().map(Path::to_owned)
    }

    /// The room on each disk, told once.
    fn disks(&mut self, mut paths: Vec<PathBuf>) {
        if self.is_unusable(&["STOCK_DATA_MIN_FREE_MB"]) {
            return;
        }
        let file = self.file().filter(|_| !self.is_unusable(&["DATABASE_URL"]));
        paths.extend(file.map(|file| folder_of(&file).to_owned()));
        let mut seen = BTreeSet::new();
        for path in paths {
            // What is not there yet comes to be where the nearest folder above it is.
            let Some((path, metadata)) = path
                .ancestors()
                .map(or_here)
                .find_map(|path| Some((path, path.metadata().ok().filter(Metadata::is_dir)?)))
            else {
                continue;
            };
            if seen.insert(metadata.dev())
                && let Err(problem) = check_folder(path, self.settings.min_free_bytes)
            {
                self.note(&problem);
            }
        }
    }

    /// Whether vendors can be asked as they are set up.
    fn vendors(&mut self) {
        if let Err(problem) = descriptions(self.settings) {
            self.note(problem.as_ref());
        }
    }

    fn metrics(&mut self, address: Option<SocketAddr>) {
        if let Some(address) = address
            && let Err(problem) = MetricsServer::bind(address).map(drop)
        {
            self.note(&problem);
        }
    }

    fn end(self) -> Result<()> {
        match self.unusable {
            Some(unusable) if self.found.is_empty() => Err(unusable.clone().into()),
            None if self.found.is_empty() => Ok(()),
            unusable => {
                let settings = unusable.map(ConfigErrors::problems).unwrap_or_default();
                let settings = settings.iter().map(|problem| OneLine(&chain(problem)).to_string());
                Err(Problems(settings.chain(self.found).collect()).into())
            }
        }
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().map_or(Path::new("."), or_here)
}

fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// The settings of the folders.
const FOLDERS: [&str; 3] = [
    "STOCK_DATA_RAW_RESPONSES_DIR",
    "STOCK_DATA_PARSED_RESPONSES_DIR",
    "STOCK_DATA_DEADLETTER_RESPONSES_DIR",
];
