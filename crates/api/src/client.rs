//! Where a request comes from: the peer's address, or the one that a trusted proxy tells.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use ipnet::IpNet;

/// The address of whoever asks. `X-Forwarded-For` is believed from behind, for as long as those who
/// wrote it are trusted: each proxy appends whom it was asked by, and what a client wrote itself
/// stands in front. What cannot be read ends the belief.
pub(crate) fn address(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    // There is always a peer but in unit tests.
    let mut client = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip()).to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(client) {
        return client;
    }
    let values: Vec<&str> =
        headers.get_all(X_FORWARDED_FOR).map(|value| value.to_str().unwrap_or("")).collect();
    for part in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let Some(before) = forwarded(part) else { break };
        client = before;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// One entry: an address, which some proxies write with a port.
fn forwarded(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()))
        .or_else(|_| text.trim_matches(['[', ']']).parse::<Ipv6Addr>().map(IpAddr::from));
    address.ok().map(|address| address.to_canonical())
}

/// What stands for an address where requests are counted: of IPv6 the network of 64 bits, since one
/// client has as many addresses there as it likes.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::from(Ipv6Addr::from_bits(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    fn of(peer: &str, forwarded: &[&str], trusted: &str) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted: Vec<IpNet> =
            trusted.split_whitespace().map(|network| network.parse().unwrap()).collect();
        address(Some(SocketAddr::new(peer.parse().unwrap(), 1)), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(of("9.9.9.9", &["1.1.1.1"], ""), "9.9.9.9");
        assert_eq!(of("9.9.9.9", &["1.1.1.1"], "10.0.0.0/8"), "9.9.9.9");
    }

    #[test]
    fn a_trusted_proxy_tells_who_asked_it_and_no_more() {
        let proxy = "10.0.0.0/8 ::1/128";
        assert_eq!(of("10.0.0.1", &["1.1.1.1"], proxy), "1.1.1.1");
        assert_eq!(of("10.0.0.1", &[], proxy), "10.0.0.1");
        // What the client wrote stands in front, in one header or in one of its own.
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 1.1.1.1"], proxy), "1.1.1.1");
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "1.1.1.1"], proxy), "1.1.1.1");
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"], proxy), "1.1.1.1");
        assert_eq!(of("::1", &["[2001:db8::1]:80"], proxy), "2001:db8::1");
        assert_eq!(of("::ffff:10.0.0.1", &["1.1.1.1:99"], proxy), "1.1.1.1");
        // What cannot be read says nothing, and neither does what stands before it.
        for junk in ["", "unknown", "1.1.1.1, x", "1.1.1.1,", "é"] {
            assert_eq!(of("10.0.0.1", &[junk], proxy), "10.0.0.1", "{junk}");
        }
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let counted = |text: &str| counted(text.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("192.0.2.7"), "192.0.2.7");
    }

    proptest! {
        #[test]
        fn no_header_is_believed_from_outside(value in "[ -~]*") {
            prop_assert_eq!(of("9.9.9.9", &[&value], "10.0.0.0/8"), "9.9.9.9");
        }
    }
}
