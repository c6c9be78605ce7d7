//! Who works, and what runs from time to time.

use cream_schema::tables::{task, worker};
use cream_schema::{TaskRow, WorkerRow};
use diesel::prelude::*;

use super::Reader;
use crate::connection::on;
use crate::error::failed;
use crate::workers::{TaskState, WorkerState};
use crate::{StoreError, convert};

impl Reader<'_> {
    /// The workers that are known, also those that ended or died, ordered by name.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn workers(&mut self) -> Result<Vec<WorkerState>, StoreError> {
        let rows: Vec<WorkerRow> = on!(self.connection, c => worker::table
            .order(worker::name)
            .select(WorkerRow::as_select())
            .load(c))
        .map_err(failed)?;
        Ok(rows.into_iter().map(convert::worker).collect())
    }

    /// How the tasks of all workers stand, ordered by worker and task.
    ///
    /// # Errors
    ///
    /// Where the database cannot be read.
    pub fn tasks(&mut self) -> Result<Vec<TaskState>, StoreError> {
        on!(self.connection, c => task::table
            .order((task::worker, task::name))
            .select(TaskRow::as_select())
            .load(c))
        .map_err(failed)?
        .into_iter()
        .map(convert::task)
        .collect()
    }
}
