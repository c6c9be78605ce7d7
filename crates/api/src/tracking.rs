//! Which stocks workers pull, said and seen through the API. The store knows who may say what.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use cream_auth::Scope;
use cream_models::{SpellingError, Symbol, Vendor};
use cream_store::{
    AuditKind, PullStatus, SymbolTracking, TrackRefusal, Tracked, TrackedBy, TrackedQuery, Tracking,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::CalledBy;
use crate::accounts::Happened;
use crate::body::Json;
use crate::cursor::Fingerprint;
use crate::json::Object;
use crate::negotiate::{IfNoneMatch, MediaType, negotiate};
use crate::openapi::{params as takes, words, work};
use crate::pages::PageQuery;
use crate::params::{Params, SymbolInPath};
use crate::problem::{ApiError, ErrorCode, FieldError};
use crate::settings::ApiSettings;
use crate::state::State;

/// The body of `POST /stock-data/track`.
#[derive(Deserialize, ToSchema)]
#[schema(as = WantedStock, example = json!({"symbol": "BRK-B", "vendor": "yahoo-chart"}))]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The symbol.
    #[schema(value_type = words::Symbol)]
    symbol: String,
    /// From whom; without one, from the vendor of the settings.
    #[schema(value_type = Option<words::VendorName>)]
    vendor: Option<String>,
    /// The symbol in the vendor's own spelling, where that does not follow from it.
    #[schema(value_type = Option<words::VendorSymbol>)]
    vendor_symbol: Option<String>,
}

impl Wanted {
    fn check(&self, settings: &ApiSettings) -> Result<(Symbol, Vendor), ApiError> {
        let mut errors = Vec::new();
        let symbol = Symbol::parse(&self.symbol).inspect_err(|error| {
            errors.push(FieldError::new("symbol", Some(&self.symbol), error.to_string()));
        });
        let vendor = match &self.vendor {
            None => Ok(settings.vendor),
            Some(given) => given.parse().map_err(|_| given),
        };
        let vendor = vendor.ok().filter(|vendor| settings.askable_vendors.contains(vendor));
        if vendor.is_none() {
            let names: Vec<&str> =
                settings.askable_vendors.iter().map(|vendor| vendor.name()).collect();
            let message = format!("expected a vendor that can be asked: {}", names.join(", "));
            errors.push(FieldError::new("vendor", self.vendor.as_deref(), message));
        }
        match (symbol, vendor) {
            (Ok(symbol), Some(vendor)) => Ok((symbol, vendor)),
            _ => Err(ApiError::fields(errors)),
        }
    }
}

/// `POST /stock-data/track`
#[utoipa::path(
    post,
    path = "/stock-data/track",
    operation_id = "trackStock",
    tag = "tracking",
    request_body = Wanted,
    responses((status = 201, description = "It was not tracked, and is from now on", body = work::Tracked), (status = 200, description = "It was tracked already", body = work::Tracked)),
)]
pub(crate) async fn track(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    params: Params,
    Json(wanted): Json<Wanted>,
) -> Result<HttpResponse, ApiError> {
    params.finish()?;
    let (symbol, vendor) = wanted.check(&state.settings)?;
    let by = if caller.scopes.contains(Scope::Admin) {
        TrackedBy::Operator
    } else {
        TrackedBy::User { max_active: state.settings.max_tracked }
    };
    let (happened, now) = (Happened::by(&request, &caller), state.now());
    let (name, given) = (caller.name.clone(), wanted.vendor_symbol);
    let (status, bytes) = state
        .blocking(move |store| {
            store.write(|writer| {
                let tracking = writer.track_symbol(&symbol, vendor, given.as_deref(), by, now)?;
                let (tracking, tracked) = match tracking {
                    SymbolTracking::Tracked(tracking, tracked) => (tracking, tracked),
                    SymbolTracking::Refused(why) => return Err(refused(&why, given.as_deref())),
                };
                let status = match tracking {
                    Tracking::New | Tracking::Reactivated => StatusCode::CREATED,
                    Tracking::Already => StatusCode::OK,
                };
                if status == StatusCode::CREATED {
                    let detail = format!("{symbol} of {vendor} as {}", tracked.vendor_symbol);
                    let (kind, name) = (AuditKind::Tracked, name.as_str());
                    happened.record(writer, kind, name, Some(&detail), now)?;
                }
                let mut bytes = Vec::new();
                write_tracked(&mut bytes, &symbol, &tracked);
                Ok((status, bytes))
            })
        })
        .await?;
    Ok(HttpResponse::build(status)
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes))
}

/// Why a stock is not tracked, for whoever asked for it.
fn refused(why: &TrackRefusal, given: Option<&str>) -> ApiError {
    let code = match why {
        TrackRefusal::Spelling(SpellingError::Unknown { .. }) => ErrorCode::UnknownSpelling,
        TrackRefusal::Spelling(error) => {
            return ApiError::fields(vec![FieldError::new(
                "vendor_symbol",
                given,
                error.to_string(),
            )]);
        }
        TrackRefusal::TooMany(_) => ErrorCode::TooManyTracked,
        _ => ErrorCode::Forbidden,
    };
    ApiError::new(code, why.to_string())
}

fn write_tracked(out: &mut Vec<u8>, symbol: &Symbol, tracked: &Tracked) {
    let mut object = Object::open(out);
    object.string("symbol", symbol.as_str());
    object.string("vendor", tracked.vendor.name());
    object.string("vendor_symbol", &tracked.vendor_symbol);
    object.boolean("is_active", tracked.is_active);
    object.string("status", tracked.last_pull_status.name());
    object.optional_string("error", tracked.error.as_deref());
    object.integer("failures", Some(tracked.failures.into()));
    object.optional_instant("last_pull_at", tracked.last_pull_at);
    object.optional_instant("next_pull_at", tracked.next_pull_at);
    object.optional_instant("unknown_since", tracked.unknown_since);
    object.optional_instant("untracked_at", tracked.untracked_at);
    object.optional_instant("lease_until", tracked.lease_until);
    object.close();
}

/// `GET /stock-data/track`
#[utoipa::path(
    get,
    path = "/stock-data/track",
    operation_id = "listTracked",
    tag = "tracking",
    params(takes::ListTracked, IfNoneMatch),
    responses((status = 200, description = "A page of what is or was tracked", body = work::TrackedStocks)),
)]
pub(crate) async fn list(
    request: HttpRequest,
    state: web::Data<State>,
    mut params: Params,
    held: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    negotiate(&request, &[MediaType::Json])?;
    let vendor = params.vendor();
    let status = params.word("status", &PullStatus::ALL.map(|status| (status.name(), status)));
    let is_active = params.word("active", &[("true", true), ("false", false)]);
    let scope = Fingerprint::new("tracked")
        .optional(vendor.map(Vendor::name))
        .optional(status.map(PullStatus::name))
        .optional(is_active.map(|is_active| [u8::from(is_active)]));
    let query: PageQuery<(Symbol, Vendor)> = PageQuery::read(params, "/stock-data/track", scope)?;
    let answer = state.blocking(move |store| {
        let (after, limit) = (query.after.clone(), query.to_read());
        let asked = TrackedQuery { status, vendor, is_active, after, limit };
        let rows = store.read(|reader| reader.tracked_list(&asked))?;
        let page = query.page(rows, |(symbol, tracked)| (symbol.clone(), tracked.vendor));
        let reason = || "nothing like this is tracked, or was".to_owned();
        Ok(page.answer(
            "stocks",
            &held,
            reason,
            |_| {},
            |out, (symbol, tracked)| {
                write_tracked(out, symbol, tracked);
            },
        ))
    });
    Ok(answer.await?.into())
}

/// `DELETE /stock-data/tracked/{symbol}`
#[utoipa::path(
    delete,
    path = "/stock-data/tracked/{symbol}",
    operation_id = "untrackStock",
    tag = "tracking",
    params(SymbolInPath, takes::OfVendor),
    responses((status = 204, description = "It is pulled no more")),
)]
pub(crate) async fn untrack(
    request: HttpRequest,
    state: web::Data<State>,
    CalledBy(caller): CalledBy,
    mut params: Params,
) -> Result<HttpResponse, ApiError> {
    let vendor = params.vendor();
    params.finish()?;
    let symbol = SymbolInPath::segment(request.uri().path(), 3)?;
    let vendors = vendor.map_or_else(|| Vendor::ALL.to_vec(), |vendor| vec![vendor]);
    let (happened, now) = (Happened::by(&request, &caller), state.now());
    let name = caller.name.clone();
    state
        .blocking(move |store| {
            store.write(|writer| {
                let mut ended = Vec::new();
                if let Some(stock) = writer.stock(&symbol)? {
                    for vendor in vendors {
                        if writer.untrack(stock.id, vendor, now)? {
                            ended.push(vendor.name());
                        }
                    }
                }
                if ended.is_empty() {
                    let from = vendor.map(|vendor| format!(" from {vendor}")).unwrap_or_default();
                    let detail = format!(
                        "{symbol} is not tracked{from}; GET /stock-data/track?active=true lists \
                         what is"
                    );
                    return Err(ApiError::new(ErrorCode::NotTracked, detail));
                }
                let detail = format!("{symbol} of {}", ended.join(", "));
                let kind = AuditKind::Untracked;
                happened.record(writer, kind, name.as_str(), Some(&detail), now)?;
                Ok(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
