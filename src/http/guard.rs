//! Who may ask, and for how long an answer may take.
//!
//! With a token every path but the two probes wants it. Without one only this machine reaches us, and then requests
//! that a page in a browser makes on somebody else's behalf are turned away: they come from this machine too.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::answer::Refused;
use super::{REQUEST_WITHIN, Site};
use crate::domain::policy::suggest::did_you_mean;
use crate::queue::Queue;
use crate::store::Store;

/// Letters of a parameter's name that a refusal shows.
const MAX_SHOWN: usize = 40;

/// Lets a request pass that may be made.
pub async fn check<S: Store, Q: Queue>(State(site): State<Arc<Site<S, Q>>>, request: Request, next: Next) -> Response {
    let allowed = match &site.token {
        Some(token) => has_token(request.headers(), token.expose()),
        None => is_local(request.headers()),
    };
    match allowed {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// Refuses what a path does not know after its `?`: a misspelt limit would be no limit. Metrics let anything pass, since
/// those who scrape them add names of their own.
pub async fn parameters(request: Request, next: Next) -> Response {
    let known: &[&str] = match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        Some("/tasks/{suffix}") => &["limit", "lease"],
        None | Some("/metrics") => return next.run(request).await,
        Some(_) => &[],
    };
    match unknown_parameter(request.uri().query().unwrap_or_default(), known) {
        None => next.run(request).await,
        Some(says) => Refused::new(StatusCode::BAD_REQUEST, says).into_response(),
    }
}

fn unknown_parameter(query: &str, known: &[&str]) -> Option<String> {
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    let name = names.filter(|name| !name.is_empty()).find(|name| !known.contains(name))?;
    let shown: String = name.chars().take(MAX_SHOWN).collect();
    Some(match known {
        [] => format!("this path takes no parameters, and {shown:?} is one"),
        known => format!("there is no parameter {shown:?}; {}", did_you_mean(&shown, known.iter().copied())),
    })
}

/// Ends what takes too long.
pub async fn in_time(request: Request, next: Next) -> Response {
    within(REQUEST_WITHIN, next.run(request)).await
}

async fn within(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(limit, answer).await {
        Ok(response) => response,
        Err(_) => Refused::later(format!("the request took longer than {} s", limit.as_secs())).into_response(),
    }
}

fn has_token(headers: &HeaderMap, token: &str) -> Result<(), Refused> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    match given {
        Some((_, given)) if is_same(given.trim(), token) => Ok(()),
        Some(_) => Err(Refused::new(StatusCode::UNAUTHORIZED, "this is not the token")),
        None => Err(Refused::new(StatusCode::UNAUTHORIZED, "a token is needed: Authorization: Bearer TOKEN")),
    }
}

/// Compares digests, without stopping at the first difference: the time taken tells nothing about the token.
fn is_same(given: &str, token: &str) -> bool {
    let (given, token) = (Sha256::digest(given), Sha256::digest(token));
    given.iter().zip(token.iter()).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

/// Refuses what a browser sends for another site: with the other site's origin, or (after the other site's name was
/// made to point here) with its name as the host.
fn is_local(headers: &HeaderMap) -> Result<(), Refused> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    if !is_loopback(host) {
        let why = "without `http.token` only requests to 127.0.0.1 or localhost are answered";
        return Err(Refused::new(StatusCode::FORBIDDEN, why));
    }
    match headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
        Some(origin) if origin.split_once("://").is_none_or(|(_, origin)| origin != host) => {
            Err(Refused::new(StatusCode::FORBIDDEN, "without `http.token` no other site's pages may ask"))
        }
        _ => Ok(()),
    }
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_token_and_nothing_like_it_opens() {
        let with = |value: &str| has_token(&headers(&[(header::AUTHORIZATION, value)]), "hunter2").is_ok();
        assert!(with("Bearer hunter2") && with("bearer  hunter2"));
        assert!(!with("Bearer hunter") && !with("Bearer hunter22") && !with("Basic hunter2") && !with("hunter2"));
        assert!(has_token(&HeaderMap::new(), "hunter2").is_err());
    }

    #[test]
    fn without_a_token_a_page_of_another_site_may_not_ask() {
        let with = |host: &str, origin: Option<&str>| {
            let mut pairs = vec![(header::HOST, host)];
            pairs.extend(origin.map(|origin| (header::ORIGIN, origin)));
            is_local(&headers(&pairs)).is_ok()
        };
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST"] {
            assert!(with(host, None), "{host}");
        }
        assert!(with("localhost:8080", Some("http://localhost:8080")));
        assert!(!with("localhost:8080", Some("https://evil.example")));
        assert!(!with("localhost:8080", Some("http://localhost:9090")));
        assert!(!with("localhost:8080", Some("null")));
        assert!(!with("evil.example", None) && !with("127.0.0.1.evil.example:8080", None));
    }

    #[test]
    fn a_parameter_that_a_path_does_not_know_is_named() {
        let says = |query: &str| unknown_parameter(query, &["limit", "lease"]);
        assert_eq!(says("limit=1&lease=2"), None);
        assert_eq!(says(""), None);
        assert_eq!(says("limt=10").as_deref(), Some("there is no parameter \"limt\"; did you mean limit?"));
        assert_eq!(says("a=1").as_deref(), Some("there is no parameter \"a\"; known are limit, lease"));
        assert!(unknown_parameter("as_of=x", &[]).unwrap().contains("takes no parameters"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended() {
        let answer = within(Duration::from_millis(1), std::future::pending()).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
