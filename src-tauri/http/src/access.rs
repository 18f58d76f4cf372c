//! Who may ask: the host that a request names, and the bearer token of `/v1`.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::ProblemReply;
use crate::server::Shared;

/// Refuses a request whose `Host` is not the bound address, as a page in a browser sends after it has bound
/// its own name to the loopback address.
pub(crate) async fn check_host(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    // A proxy's form of the request line names a host too.
    let authority = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let in_line = authority.is_none_or(|host| is_us(host, shared.address));
    if in_line && names_us(request.headers(), shared.address) {
        return next.run(request).await;
    }
    let detail = format!("this server answers as http://{} only; use that address", shared.address);
    ProblemReply::new(StatusCode::MISDIRECTED_REQUEST, "wrong_host", detail).into_response()
}

fn names_us(headers: &HeaderMap, address: SocketAddr) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    host.to_str().is_ok_and(|host| is_us(host, address))
}

fn is_us(host: &str, address: SocketAddr) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, Some(80)),
    };
    let loopback_name = address.ip().is_loopback() && name.eq_ignore_ascii_case("localhost");
    let same_address = name.trim_matches(['[', ']']).parse() == Ok(address.ip());
    // Bound to every address of the machine, the server cannot know all its names.
    let any_address = address.ip().is_unspecified();
    port == Some(address.port()) && (loopback_name || same_address || any_address)
}

/// Refuses a request without the token.
pub(crate) async fn check_token(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let offered = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = offered
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    if bearer.is_some_and(|(_, token)| shared.token.matches(token.trim())) {
        return next.run(request).await;
    }
    let detail = "send the header \"Authorization: Bearer TOKEN\" with the text of the file api-token in the data folder";
    let mut response = ProblemReply::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bound_address_is_a_name_for_us() {
        let v4: SocketAddr = "127.0.0.1:7878".parse().expect("an address");
        let v6: SocketAddr = "[::1]:7878".parse().expect("an address");
        for (host, address, ours) in [
            ("127.0.0.1:7878", v4, true),
            ("localhost:7878", v4, true),
            ("LOCALHOST:7878", v4, true),
            ("[::1]:7878", v6, true),
            ("localhost:7878", v6, true),
            ("127.0.0.1", v4, false),
            ("127.0.0.1:7879", v4, false),
            ("evil.example:7878", v4, false),
            ("127.0.0.1.evil.example:7878", v4, false),
            ("localhost.evil.example:7878", v4, false),
            ("", v4, false),
            (":7878", v4, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).expect("a header"));
            assert_eq!(names_us(&headers, address), ours, "{host:?} at {address}");
        }
        assert!(!names_us(&HeaderMap::new(), v4), "no host at all");
    }
}
