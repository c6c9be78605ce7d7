//! Who works, and what runs from time to time, for admins.

use actix_web::{HttpRequest, HttpResponse, web};
use cream_store::{StoreError, TaskOutcome, TaskState, WorkerState};

use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::work;
use crate::pages::Page;
use crate::params::Params;
use crate::problem::ApiError;
use crate::state::State;

/// `GET /admin/tasks`
#[utoipa::path(
    get,
    path = "/admin/tasks",
    operation_id = "listWorkers",
    tag = "administration",
    params(IfNoneMatch),
    responses((status = 200, description = "The workers with their tasks", body = work::Workers)),
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    params.finish()?;
    let now = state.now();
    let lease = i64::try_from(state.settings.lease.as_secs()).unwrap_or(i64::MAX);
    let answer = state.blocking(move |store| {
        let (workers, tasks) =
            store.read(|reader| Ok::<_, StoreError>((reader.workers()?, reader.tasks()?)))?;
        let reason = "no worker has run on this database, or none of late";
        let write = |out: &mut Vec<u8>, worker: &WorkerState| {
            let condition = worker.condition(now, lease).name();
            let own = tasks.iter().filter(|task| task.worker == worker.name);
            write_worker(out, worker, condition, own);
        };
        Ok(Page::whole(workers).answer("workers", &held, || reason.to_owned(), |_| {}, write))
    });
    Ok(answer.await?.into())
}

fn write_worker<'a>(
    out: &mut Vec<u8>,
    worker: &WorkerState,
    condition: &str,
    tasks: impl Iterator<Item = &'a TaskState>,
) {
    let mut object = Object::open(out);
    object.string("name", &worker.name);
    object.string("state", condition);
    object.string("host", &worker.host);
    object.integer("pid", Some(worker.pid));
    object.string("version", &worker.version);
    object.instant("started_at", worker.started_at);
    object.instant("seen_at", worker.seen_at);
    object.optional_instant("ended_at", worker.ended_at);
    object.integer("in_hand", Some(worker.in_hand));
    object.list("tasks", tasks, write_task);
    object.close();
}

fn write_task(out: &mut Vec<u8>, task: &TaskState) {
    let mut object = Object::open(out);
    object.string("task", &task.task);
    object.string("schedule", &task.schedule);
    object.boolean("is_running", task.is_running);
    object.optional_instant("last_started_at", task.last_started_at);
    object.optional_instant("last_ended_at", task.last_ended_at);
    object.optional_string("outcome", task.outcome.map(TaskOutcome::name));
    object.optional_string("message", task.message.as_deref());
    object.integer("failures", Some(task.failures));
    object.integer("runs", Some(task.runs));
    object.optional_instant("next_run_at", task.next_run_at);
    object.close();
}
