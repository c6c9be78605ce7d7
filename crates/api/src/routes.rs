//! The route table: which path is answered by what. What is not in it is a 404.

use std::future::ready;

use actix_web::body::BoxBody;
use actix_web::guard;
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpRequest, HttpResponse, web};

use cream_auth::Scope;

use crate::access::{Access, gate};
use crate::answer::{Answer, Body, tag};
use crate::cursor::Fingerprint;
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::answers;
use crate::params::Params;
use crate::problem::{ApiError, ErrorCode};
use crate::{
    accounts, actions, chart, health, history, metrics, openapi, responses, retries, stocks, tasks,
    tracking,
};

/// What is asked of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// GET, and HEAD.
    Get,
    Post,
    Patch,
    Delete,
}

impl Verb {
    /// The name of the method; of a read, that with a body.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// All methods that it stands for.
    const fn methods(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            _ => self.name(),
        }
    }

    fn guard(self, route: actix_web::Route) -> actix_web::Route {
        match self {
            Self::Get => route.guard(guard::Any(guard::Get()).or(guard::Head())),
            Self::Post => route.guard(guard::Post()),
            Self::Patch => route.guard(guard::Patch()),
            Self::Delete => route.guard(guard::Delete()),
        }
    }
}

/// A row of the table: a path, what is asked of it, who may ask, and what answers.
pub(crate) struct Route {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) summary: &'static str,
    handler: fn() -> actix_web::Route,
}

/// Every route, in the order of the documentation. Rows of one path stand together, and a path
/// without a parameter stands before one that would match it too.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        verb: Verb::Get,
        path: "/",
        access: Access::Anyone,
        summary: "This index",
        handler: || web::to(index),
    },
    Route {
        verb: Verb::Get,
        path: "/openapi.json",
        access: Access::Anyone,
        summary: "All of this, described for programs (OpenAPI 3.1)",
        handler: || web::to(openapi::document),
    },
    Route {
        verb: Verb::Get,
        path: "/docs",
        access: Access::Anyone,
        summary: "All of this, described for people, to be tried in a browser",
        handler: || web::to(openapi::docs::page),
    },
    Route {
        verb: Verb::Get,
        path: "/docs/{asset}",
        access: Access::Anyone,
        summary: "What that page loads",
        handler: || web::to(openapi::docs::asset),
    },
    Route {
        verb: Verb::Get,
        path: "/stock-data",
        access: Access::Reader,
        summary: "The symbols held: ?q=&limit=&cursor=",
        handler: || web::to(stocks::list),
    },
    // Before what takes any symbol.
    Route {
        verb: Verb::Get,
        path: "/stock-data/history",
        access: Access::Reader,
        summary: "Bars of many symbols: ?symbols=A,B&start=&end=&interval=1d|1wk|1mo&vendor=\
                  &adjustment=raw|splits|all&order=asc|desc&limit=&format=json|csv|arrow|parquet",
        handler: || web::to(history::histories),
    },
    Route {
        verb: Verb::Post,
        path: "/stock-data/track",
        access: Access::Scope(Scope::Track),
        summary: "Have a stock pulled by the workers",
        handler: || web::to(tracking::track),
    },
    Route {
        verb: Verb::Get,
        path: "/stock-data/track",
        access: Access::Scope(Scope::Admin),
        summary: "What is or was tracked, and how it stands: ?vendor=\
                  &status=pending|success|failed|disabled&active=true|false&limit=&cursor=",
        handler: || web::to(tracking::list),
    },
    Route {
        verb: Verb::Get,
        path: "/stock-data/{symbol}",
        access: Access::Reader,
        summary: "The latest bar: ?vendor=",
        handler: || web::to(stocks::latest),
    },
    Route {
        verb: Verb::Get,
        path: "/stock-data/{symbol}/history",
        access: Access::Reader,
        summary: "Daily, weekly or monthly bars: ?start=&end=&interval=1d|1wk|1mo&vendor=\
                  &adjustment=raw|splits|all&order=asc|desc&limit=&cursor=&format=json|csv|arrow|parquet",
        handler: || web::to(history::history),
    },
    Route {
        verb: Verb::Get,
        path: "/stock-data/{symbol}/actions",
        access: Access::Reader,
        summary: "Dividends, splits and capital gains: ?start=&end=&vendor=",
        handler: || web::to(actions::actions),
    },
    Route {
        verb: Verb::Get,
        path: "/stock-data/{symbol}/responses",
        access: Access::Reader,
        summary: "The raw responses that the series came from: ?vendor=&limit=&cursor=",
        handler: || web::to(responses::responses),
    },
    // Behind what reads a symbol, also one named TRACKED.
    Route {
        verb: Verb::Delete,
        path: "/stock-data/tracked/{symbol}",
        access: Access::Scope(Scope::Admin),
        summary: "Have a stock pulled no more: ?vendor=",
        handler: || web::to(tracking::untrack),
    },
    Route {
        verb: Verb::Post,
        path: "/auth/login",
        access: Access::Anyone,
        summary: "A token for a name and a password",
        handler: || web::to(accounts::login),
    },
    Route {
        verb: Verb::Post,
        path: "/auth/logout",
        access: Access::Session,
        summary: "End the session",
        handler: || web::to(accounts::logout),
    },
    Route {
        verb: Verb::Post,
        path: "/auth/password",
        access: Access::Session,
        summary: "Change one's password",
        handler: || web::to(accounts::change_password),
    },
    Route {
        verb: Verb::Get,
        path: "/auth/me",
        access: Access::Token,
        summary: "Who the token belongs to, and what it is good for",
        handler: || web::to(accounts::me),
    },
    Route {
        verb: Verb::Get,
        path: "/auth/tokens",
        access: Access::Token,
        summary: "One's valid tokens",
        handler: || web::to(accounts::list_tokens),
    },
    Route {
        verb: Verb::Post,
        path: "/auth/tokens",
        access: Access::Session,
        summary: "A token for a program, shown this once",
        handler: || web::to(accounts::create_token),
    },
    Route {
        verb: Verb::Delete,
        path: "/auth/tokens/{id}",
        access: Access::Token,
        summary: "Take a token back",
        handler: || web::to(accounts::revoke_token),
    },
    Route {
        verb: Verb::Get,
        path: "/admin/users",
        access: Access::Scope(Scope::Admin),
        summary: "People and what they are: ?limit=&cursor=",
        handler: || web::to(accounts::list_users),
    },
    Route {
        verb: Verb::Post,
        path: "/admin/users",
        access: Access::Scope(Scope::Admin),
        summary: "Add somebody",
        handler: || web::to(accounts::add_user),
    },
    Route {
        verb: Verb::Patch,
        path: "/admin/users/{id}",
        access: Access::Scope(Scope::Admin),
        summary: "Change somebody's role, password, or whether they are let in",
        handler: || web::to(accounts::change_user),
    },
    Route {
        verb: Verb::Get,
        path: "/admin/audit",
        access: Access::Scope(Scope::Admin),
        summary: "What happened to accounts and by them: ?kind=&account=&limit=&cursor=",
        handler: || web::to(accounts::events),
    },
    Route {
        verb: Verb::Get,
        path: "/admin/responses",
        access: Access::Scope(Scope::Admin),
        summary: "Responses by where they stand, the newest first: \
                  ?status=deadletter|pending|parsed&limit=&cursor=",
        handler: || web::to(retries::list),
    },
    Route {
        verb: Verb::Post,
        path: "/admin/responses/{id}/retry",
        access: Access::Scope(Scope::Admin),
        summary: "Ask for another try of a dead letter",
        handler: || web::to(retries::retry),
    },
    Route {
        verb: Verb::Get,
        path: "/admin/tasks",
        access: Access::Scope(Scope::Admin),
        summary: "The workers, and what each does from time to time",
        handler: || web::to(tasks::list),
    },
    Route {
        verb: Verb::Get,
        path: "/v8/finance/chart/{symbol}",
        access: Access::Reader,
        summary: "The same data in the shape of Yahoo's chart endpoint: ?range=&period1=&period2=\
                  &interval=1d|1wk|1mo&events=&includeAdjustedClose=",
        handler: || web::to(chart::chart),
    },
    Route {
        verb: Verb::Get,
        path: "/health/live",
        access: Access::Anyone,
        summary: "Whether the server lives",
        handler: || web::to(health::live),
    },
    Route {
        verb: Verb::Get,
        path: "/health/ready",
        access: Access::Anyone,
        summary: "Whether database, migrations and folders are as they must be",
        handler: || web::to(health::ready),
    },
    Route {
        verb: Verb::Get,
        path: "/metrics",
        access: Access::Metrics,
        summary: "What the server counts, for Prometheus",
        handler: || web::to(metrics::metrics),
    },
];

/// Registers the table.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let mut rows = ROUTES.iter().enumerate().peekable();
    while let Some((row, route)) = rows.next() {
        let mut resource = web::resource(route.path).route(guarded(row, route));
        let mut allow = route.verb.methods().to_owned();
        while let Some((row, route)) = rows.next_if(|(_, next)| next.path == route.path) {
            resource = resource.route(guarded(row, route));
            allow = format!("{allow}, {}", route.verb.methods());
        }
        let refuse =
            move || ready(Err::<HttpResponse, _>(ApiError::method_not_allowed(allow.clone())));
        config.service(resource.default_service(stranger(web::to(refuse))));
    }
    #[cfg(test)]
    config.route("/test/{failure}", web::get().to(crate::server::tests::fail));
    config.default_service(stranger(web::to(unknown_route)));
}

/// The handler of a row within its rule.
fn guarded(row: usize, route: &'static Route) -> actix_web::Route {
    let access = route.access;
    let layer = from_fn(move |request, next: Next<BoxBody>| gate(Some(row), access, request, next));
    route.verb.guard((route.handler)()).wrap(layer)
}

/// What answers where no row does: to anybody, as often as to anything else.
fn stranger(route: actix_web::Route) -> actix_web::Route {
    route.wrap(from_fn(|request, next: Next<BoxBody>| gate(None, Access::Anyone, request, next)))
}

async fn unknown_route(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let path = request.uri().path();
    let hint = match path.strip_suffix('/') {
        Some(shorter) if is_route(shorter) => "; leave out the slash at the end",
        _ if path.starts_with("/stock-data/") => {
            "; below a symbol there are /history, /actions and /responses, and a slash within a \
             symbol is written %2F"
        }
        _ => "",
    };
    let detail = format!("there is no such path{hint}; GET / lists the routes");
    Err(ApiError::new(ErrorCode::UnknownRoute, detail))
}

/// Whether a route has such a path.
fn is_route(path: &str) -> bool {
    ROUTES.iter().any(|route| {
        let (mut pattern, mut given) = (route.path.split('/'), path.split('/'));
        let segments_fit = pattern.by_ref().all(|part| {
            given.next().is_some_and(|segment| {
                part == segment || (part.starts_with('{') && !segment.is_empty())
            })
        });
        segments_fit && given.next().is_none()
    })
}

/// `GET /`
#[utoipa::path(
    get,
    path = "/",
    operation_id = "getIndex",
    tag = "documentation",
    params(IfNoneMatch),
    responses((status = 200, description = "The routes", body = answers::Index)),
)]
pub(crate) async fn index(
    request: HttpRequest,
    params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    params.finish()?;
    let mut bytes = Vec::new();
    let mut object = Object::open(&mut bytes);
    object.string("name", "cream");
    object.string("version", env!("CARGO_PKG_VERSION"));
    object.list("routes", ROUTES.iter(), |out, route| {
        let mut object = Object::open(out);
        object.string("path", route.path);
        object.string("methods", route.verb.methods());
        object.string("access", &route.access.to_string());
        object.string("needs", route.access.need());
        object.string("summary", route.summary);
        object.close();
    });
    object.close();
    let tag = tag(Fingerprint::new("index").part(&bytes));
    let unchanged = Answer::unchanged(&held, &tag);
    Ok(unchanged.unwrap_or_else(|| Answer::Body(Body::json(tag, bytes))).into())
}
