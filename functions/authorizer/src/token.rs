//! Where a request carries its token: found in the sources that the
//! configuration allows, removed from all of them.

use crate::reason::Reason;
use frames_edge::{Request, TokenSource};
use percent_encoding::percent_decode_str;

/// The header's and the query parameter's name.
const NAME: &str = "token";

/// The request's one token.
pub fn find(request: &Request, sources: &[TokenSource]) -> Result<String, Reason> {
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
pub fn remove(request: &mut Request) {
    request.headers.remove("authorization");
    request.headers.remove(NAME);
    let kept: Vec<&str> = request
        .querystring
        .split('&')
        .filter(|pair| !is_token(pair))
        .collect();
    request.querystring = kept.join("&");
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
        TokenSource::Query => request
            .querystring
            .split('&')
            .filter(|pair| is_token(pair))
            .map(|pair| decode(pair.split_once('=').map_or("", |(_, value)| value)))
            .collect::<Result<_, _>>()?,
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

/// A query parameter by the name `token`, however that is written.
fn is_token(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    percent_decode_str(name).eq(NAME.bytes())
}

fn decode(value: &str) -> Result<String, Reason> {
    percent_decode_str(value)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| Reason::MalformedToken)
}
