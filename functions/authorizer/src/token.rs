//! Where a request carries its token: found in the sources that the
//! configuration allows, removed from all of them.

use crate::query;
use crate::reason::Reason;
use frames_edge::operation::Operation;
use frames_edge::{Request, TokenSource};

/// The header's name.
const NAME: &str = "token";

/// The request's one token. Credentials of another scheme in `Authorization`, a client's
/// signature for one, are no token: they count only where there is none.
pub(crate) fn find(request: &Request, sources: &[TokenSource]) -> Result<String, Reason> {
    let mut found: Option<String> = None;
    for source in sources {
        for token in tokens(request, *source)? {
            match &found {
                Some(other) if *other != token => return Err(Reason::DifferentTokens),
                _ => found = Some(token),
            }
        }
    }
    found.ok_or_else(|| {
        let authorization = sources.contains(&TokenSource::Authorization);
        let mut values = values(request, "authorization");
        if authorization && values.any(|value| bearer(value).is_none()) {
            Reason::NotBearer
        } else {
            Reason::NoToken
        }
    })
}

/// What of the query goes on: no token, and of DICOMweb's what the operation knows.
pub(crate) fn kept(request: &Request, operation: &Operation) -> String {
    query::kept(&request.querystring, operation)
}

/// Takes every token away, whatever source it came from: none may get into a
/// cache key, to the origin or into a log. The rest stays as it was sent, and of
/// the query [`kept`].
pub(crate) fn remove(request: &mut Request, querystring: String) {
    request.headers.remove("authorization");
    request.headers.remove(NAME);
    request.querystring = querystring;
}

/// All non-empty tokens of one source.
fn tokens(request: &Request, source: TokenSource) -> Result<Vec<String>, Reason> {
    let tokens: Vec<String> = match source {
        TokenSource::Authorization => values(request, "authorization")
            .filter_map(bearer)
            .collect(),
        TokenSource::Header => values(request, NAME)
            .map(|value| value.trim().to_owned())
            .collect(),
        TokenSource::Query => query::tokens(&request.querystring)?,
    };
    Ok(tokens.into_iter().filter(|t| !t.is_empty()).collect())
}

fn values<'a>(request: &'a Request, name: &str) -> impl Iterator<Item = &'a str> {
    let headers = request.headers.get(name).into_iter().flatten();
    headers.map(|header| header.value.as_str())
}

/// What follows `Bearer`; the scheme's name is read in any case (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<String> {
    let value = value.trim();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| token.trim().to_owned())
}
