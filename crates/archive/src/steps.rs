//! Being told of each step, so that a test can stop a process exactly there.

use std::fmt;
use std::sync::Arc;

/// Is told of a step by its name.
type Told = Arc<dyn Fn(&'static str) + Send + Sync>;

/// Who is told of each step of the work; by default nobody, which costs nothing.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use cream_archive::Steps;
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let shared = Arc::clone(&seen);
/// let steps = Steps::new(Arc::new(move |step| shared.lock().unwrap().push(step)));
/// steps.at("written");
/// Steps::NONE.at("synced");
/// assert_eq!(*seen.lock().unwrap(), ["written"]);
/// ```
#[derive(Clone, Default)]
pub struct Steps(Option<Told>);

impl Steps {
    /// Nobody is told.
    pub const NONE: Self = Self(None);

    /// This one is told, on the thread that does the work, which waits for it.
    #[must_use]
    pub fn new(told: Arc<dyn Fn(&'static str) + Send + Sync>) -> Self {
        Self(Some(told))
    }

    /// A step is reached.
    pub fn at(&self, step: &'static str) {
        if let Some(told) = &self.0 {
            told(step);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Steps(told)" } else { "Steps(none)" })
    }
}

/// Who is told makes no difference to what is done.
impl PartialEq for Steps {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Steps {}
