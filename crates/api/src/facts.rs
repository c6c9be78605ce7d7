//! What is known of a request under way, beside the request itself: noted by the layers that it
//! passes, told by the access log and the metrics.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use actix_web::{HttpMessage as _, HttpRequest, dev::ServiceRequest};

use crate::access::Caller;
use crate::limits::Allowance;

/// Shared by the layers of one request, which one thread serves.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Told to the client and the log.
    pub(crate) request_id: String,
    /// Who asks, by the network or by a trusted proxy's word.
    pub(crate) client: IpAddr,
    /// Which row of the route table answers.
    pub(crate) route: Cell<Option<usize>>,
    /// Whose token it came with, where that is valid.
    pub(crate) caller: RefCell<Option<Rc<Caller>>>,
    /// How many requests the client has left.
    pub(crate) allowance: Cell<Option<Allowance>>,
    /// Whether the answer was looked for in the cache, and found.
    pub(crate) cache: Cell<Option<bool>>,
}

impl Facts {
    pub(crate) fn new(request_id: String, client: IpAddr) -> Rc<Self> {
        Rc::new(Self {
            request_id,
            client,
            route: Cell::new(None),
            caller: RefCell::new(None),
            allowance: Cell::new(None),
            cache: Cell::new(None),
        })
    }

    /// Those that the outermost layer attached.
    pub(crate) fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// The same, in a layer.
    pub(crate) fn of_service(request: &ServiceRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }
}
