//! The route table: which path is answered by what. What is not in it is a 404.

use actix_web::guard;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::answer::{Answer, Body, tag};
use crate::cursor::Fingerprint;
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::params::Params;
use crate::problem::{ApiError, ErrorCode};
use crate::{actions, chart, health, history, responses, stocks};

/// A path and what answers to it.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    handler: fn() -> actix_web::Route,
}

/// The methods of a read.
const READ: &str = "GET, HEAD";

/// Every route, in the order of the documentation. All are reads as yet.
pub(crate) const ROUTES: &[Route] = &[
    Route { path: "/", summary: "This index", handler: || web::to(index) },
    Route {
        path: "/stock-data",
        summary: "The symbols held: ?q=&limit=&cursor=",
        handler: || web::to(stocks::list),
    },
    Route {
        path: "/stock-data/{symbol}",
        summary: "The latest bar: ?vendor=",
        handler: || web::to(stocks::latest),
    },
    Route {
        path: "/stock-data/{symbol}/history",
        summary: "Daily, weekly or monthly bars: ?start=&end=&interval=1d|1wk|1mo&vendor=\
                  &adjustment=raw|splits|all&order=asc|desc&limit=&cursor=&format=json|csv",
        handler: || web::to(history::history),
    },
    Route {
        path: "/stock-data/{symbol}/actions",
        summary: "Dividends, splits and capital gains: ?start=&end=&vendor=",
        handler: || web::to(actions::actions),
    },
    Route {
        path: "/stock-data/{symbol}/responses",
        summary: "The raw responses that the series came from: ?vendor=&limit=&cursor=",
        handler: || web::to(responses::responses),
    },
    Route {
        path: "/v8/finance/chart/{symbol}",
        summary: "The same data in the shape of Yahoo's chart endpoint: ?range=&period1=&period2=\
                  &interval=1d|1wk|1mo&events=&includeAdjustedClose=",
        handler: || web::to(chart::chart),
    },
    Route {
        path: "/health/live",
        summary: "Whether the server lives",
        handler: || web::to(health::live),
    },
    Route {
        path: "/health/ready",
        summary: "Whether database, migrations and folders are as they must be",
        handler: || web::to(health::ready),
    },
];

/// Registers the table.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    for route in ROUTES {
        let read = guard::Any(guard::Get()).or(guard::Head());
        config.service(
            web::resource(route.path)
                .route((route.handler)().guard(read))
                .default_service(web::to(method_not_allowed)),
        );
    }
    #[cfg(test)]
    config.route("/test/{failure}", web::get().to(crate::server::tests::fail));
    config.default_service(web::to(unknown_route));
}

async fn method_not_allowed() -> Result<HttpResponse, ApiError> {
    Err(ApiError::method_not_allowed(READ))
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
async fn index(
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
        object.string("methods", READ);
        object.string("summary", route.summary);
        object.close();
    });
    object.close();
    let tag = tag(Fingerprint::new("index").part(&bytes));
    let unchanged = Answer::unchanged(&held, &tag);
    Ok(unchanged.unwrap_or_else(|| Answer::Body(Body::json(tag, bytes))).into())
}
