//! Which proxy a request goes through: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in small letters
//! too. As with curl and the AWS CLI, small letters come first, and loopback is no exception.

use crate::bypass::Bypass;
use crate::error::Error;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use std::ffi::OsString;
use std::fmt;

/// An HTTP proxy. Its password is in no text that this type gives.
#[derive(Clone)]
pub struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
    /// `user:password`, as it was written.
    userinfo: Option<String>,
    variable: &'static str,
}

#[derive(Debug)]
pub(crate) struct Proxies {
    pub(crate) http: Option<Proxy>,
    pub(crate) https: Option<Proxy>,
    bypass: Bypass,
}

/// The first that is set counts, even where it is empty: that takes a proxy away.
const HTTP: [&str; 2] = ["http_proxy", "HTTP_PROXY"];
const HTTPS: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
const ALL: [&str; 2] = ["all_proxy", "ALL_PROXY"];
const NONE: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// Where a container's credentials come from: no proxy has them.
const CREDENTIALS: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

impl Proxies {
    pub(crate) fn of(variable: &impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
        let first = |names: [&'static str; 2]| {
            let mut found = names.into_iter();
            found.find_map(|name| text(name).map(|value| (name, value.trim().to_owned())))
        };
        let proxy = |names| match first(names).or_else(|| first(ALL)) {
            Some((name, value)) if !value.is_empty() => Proxy::of(name, &value).map(Some),
            _ => Ok(None),
        };
        let mut bypass = Bypass::of(&first(NONE).unwrap_or_default().1);
        if let Some(uri) = text(CREDENTIALS).and_then(|uri| uri.parse::<Uri>().ok())
            && let Some((host, port)) = place(&uri)
        {
            bypass.add(host, port);
        }
        Ok(Self {
            http: proxy(HTTP)?,
            https: proxy(HTTPS)?,
            bypass,
        })
    }

    pub(crate) fn to(&self, uri: &Uri) -> Option<&Proxy> {
        let (host, port) = place(uri)?;
        let proxy = match uri.scheme_str()? {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        };
        proxy.filter(|_| !self.bypass.has(host, port))
    }
}

fn place(uri: &Uri) -> Option<(&str, u16)> {
    let usual = match uri.scheme_str()? {
        "http" => 80,
        _ => 443,
    };
    Some((uri.host()?, uri.port_u16().unwrap_or(usual)))
}

impl Proxy {
    fn of(variable: &'static str, written: &str) -> Result<Self, Error> {
        // What is written there may hold a password, so it isn't quoted.
        let wrong = |what: &str| {
            Error::new(
                format!("{variable} {what}"),
                "write the proxy as `http://HOST:PORT`, or `http://USER:PASSWORD@HOST:PORT` with `%40` for an @ in the password",
            )
        };
        let url = match written.split_once("://") {
            Some(_) => written.to_owned(),
            None => format!("http://{written}"),
        };
        let url: Uri = url
            .parse()
            .map_err(|_| wrong("isn't the address of a proxy"))?;
        let scheme = url.scheme_str().unwrap_or_default();
        if !["http", "https"].contains(&scheme) {
            return Err(wrong("names a proxy that doesn't speak HTTP"));
        }
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let (userinfo, place) = match authority.rsplit_once('@') {
            Some((userinfo, place)) => (Some(userinfo.to_owned()), place),
            None => (None, authority),
        };
        let uri = Uri::builder()
            .scheme(scheme)
            .authority(place)
            .path_and_query("/")
            .build()
            .map_err(|_| wrong("isn't the address of a proxy"))?;
        let host = uri.host().unwrap_or_default();
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        if place.len() > host.len() && uri.port_u16().is_none() {
            return Err(wrong("has a port that is no number"));
        }
        let authorization = userinfo.as_deref().map(basic).transpose();
        Ok(Self {
            uri,
            authorization: authorization.map_err(|()| wrong("has a user that can't be sent"))?,
            userinfo,
            variable,
        })
    }

    /// The proxy's own address.
    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What goes into `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(crate) fn variable(&self) -> &'static str {
        self.variable
    }

    /// Whatever a text could show of the password.
    pub(crate) fn into_secrets(self) -> Vec<String> {
        let sent = self.authorization.iter().filter_map(|sent| {
            let sent = sent.to_str().ok()?;
            Some(sent.trim_start_matches("Basic ").to_owned())
        });
        let written = self.userinfo.iter().map(|userinfo| {
            // Without a colon, all of it may be a token.
            let secret = userinfo
                .split_once(':')
                .map_or(userinfo.as_str(), |(_, it)| it);
            let decoded = percent_decode_str(secret).decode_utf8_lossy();
            [secret.to_owned(), decoded.into_owned()]
        });
        sent.chain(written.flatten()).collect()
    }
}

/// RFC 7617, 2.
fn basic(userinfo: &str) -> Result<HeaderValue, ()> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut sent: Vec<u8> = percent_decode_str(user).collect();
    sent.push(b':');
    sent.extend(percent_decode_str(password));
    let value = format!("Basic {}", STANDARD.encode(sent));
    let mut value = HeaderValue::try_from(value).map_err(|_| ())?;
    value.set_sensitive(true);
    Ok(value)
}

/// `http://proxy.example.org:3128 (HTTPS_PROXY)`
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.uri.to_string();
        write!(f, "{} ({})", uri.trim_end_matches('/'), self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, Error> {
        Proxies::of(&|name: &str| {
            let mut found = variables.iter();
            found.find_map(|(own, value)| (*own == name).then(|| value.into()))
        })
    }

    fn way(variables: &[(&str, &str)], to: &str) -> Option<String> {
        let proxies = proxies(variables).unwrap();
        proxies.to(&to.parse().unwrap()).map(Proxy::to_string)
    }

    #[test]
    fn variables_are_read_as_curl_and_the_aws_cli_read_them() {
        const TO: &str = "https://sts.amazonaws.com/";
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(way(&[], TO), None);
        assert_eq!(
            way(&[("HTTPS_PROXY", "http://p:3128")], TO),
            some("http://p:3128 (HTTPS_PROXY)")
        );
        assert_eq!(way(&[("HTTP_PROXY", "http://p:3128")], TO), None);
        assert_eq!(
            way(&[("HTTP_PROXY", "p:3128")], "http://a.test/"),
            some("http://p:3128 (HTTP_PROXY)")
        );
        assert_eq!(
            way(&[("ALL_PROXY", "https://p")], TO),
            some("https://p (ALL_PROXY)")
        );
        let both = [("https_proxy", "small"), ("HTTPS_PROXY", "large")];
        assert_eq!(way(&both, TO), some("http://small (https_proxy)"));
        // Empty is a word too.
        assert_eq!(way(&[("https_proxy", ""), ("HTTPS_PROXY", "p")], TO), None);
        assert_eq!(
            way(&[("HTTPS_PROXY", "p"), ("NO_PROXY", "amazonaws.com")], TO),
            None
        );
        let other = [("HTTPS_PROXY", "p"), ("NO_PROXY", "amazonaws.com:8443")];
        assert!(way(&other, TO).is_some());
        let local = [("HTTP_PROXY", "p")];
        assert!(way(&local, "http://127.0.0.1:4566/").is_some());
        assert_eq!(way(&local, "http://169.254.169.254/latest"), None);
        let container = [
            ("HTTP_PROXY", "p"),
            (CREDENTIALS, "http://localhost:1338/creds"),
        ];
        assert_eq!(way(&container, "http://localhost:1338/creds"), None);
        assert!(way(&container, "http://localhost:80/").is_some());
    }

    #[test]
    fn a_password_is_sent_and_never_shown() {
        let all = proxies(&[("HTTPS_PROXY", "http://user:s%40cret@p:3128")]).unwrap();
        let proxy = all.https.clone().unwrap();
        assert_eq!(proxy.authorization().unwrap(), "Basic dXNlcjpzQGNyZXQ=");
        let shown = format!("{proxy} {proxy:?} {all:?} {:?}", proxy.authorization());
        for secret in ["s%40cret", "s@cret", "dXNlc"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let secrets = proxy.into_secrets();
        assert_eq!(secrets, ["dXNlcjpzQGNyZXQ=", "s%40cret", "s@cret"]);
    }

    #[test]
    fn what_is_no_http_proxy_is_refused_unquoted() {
        for written in [
            "socks5://u:secret@p:1080",
            "http://u:secret@",
            "http://u:sec ret@p",
            "http://u:secret@p:port",
            "http://",
        ] {
            let error = proxies(&[("HTTPS_PROXY", written)]).unwrap_err();
            let said = format!("{error:?}");
            assert!(error.message.starts_with("HTTPS_PROXY "), "{said}");
            assert!(
                !said.contains("secret") && !said.contains("sec ret"),
                "{said}"
            );
        }
    }
}
