//! Where a request carries its token: found in the sources that the
//! configuration allows, removed from all of them.

use crate::query;
use crate::reason::Reason;
use frames_edge::operation::Operation;
use frames_edge::{Request, TokenSource};

/// The header's name.
const NAME: &str = "token";

/// The request's one token.
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
    found.ok_or(Reason::NoToken)
}

/// Takes every token away, whatever source it came from: none may get into a
/// cache key, to the origin or into a log. The rest stays as it was sent.
pub(crate) fn remove(request: &mut Request, operation: &Operation) {
    request.headers.remove("authorization");
    request.headers.remove(NAME);
    request.querystring = query::kept(&request.querystring, operation);
}

/// All non-empty tokens of one source.
fn tokens(request: &Request, source: TokenSource) -> Result<Vec<String>, Reason> {
    let values = |name: &str| request.headers.get(name).into_iter().flatten();
    let tokens: Vec<String> = match source {
        TokenSource::Authorization => values("authorization")
            .map(|header| bearer(&header.value).ok_or(Reason::NotBearer))
            .collect::<Result<_, _>>()?,
        TokenSource::Header => values(NAME)
            .map(|header| header.value.trim().to_owned())
            .collect(),
        TokenSource::Query => query::tokens(&request.querystring)?,
    };
    Ok(tokens.into_iter().filter(|t| !t.is_empty()).collect())
}

/// What follows `Bearer`; the scheme's name is read in any case (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<String> {
    let value = value.trim();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| token.trim().to_owned())
}
