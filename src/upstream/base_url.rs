//! The base URL of the Gemini API and the URLs below it.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use url::Url;

use super::resource::ResourceAddress;
use crate::call::Call;
use crate::fault::{Blame, Fault, Kind};
use crate::problem::{Problem, Problems};

/// The parsed `upstream.base_url`.
#[derive(Clone, Debug)]
pub struct BaseUrl {
    url: Url,
    scheme: Scheme,
    authority: Authority,
    /// The path before `/v1beta`, without a trailing slash.
    prefix: String,
}

impl BaseUrl {
    /// Parses the setting.
    pub fn read(text: &str, problems: &mut Problems) -> Option<Self> {
        let base = Self::of(text);
        if base.is_none() {
            problems.push(
                Problem::error("is not an http(s) URL with a host")
                    .at("upstream.base_url")
                    .hint("write scheme and host, such as `https://generativelanguage.googleapis.com`"),
            );
        }
        base
    }

    fn of(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))?;
        let host = url.host_str()?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Some(Self {
            scheme: url.scheme().parse().ok()?,
            authority: authority.parse().ok()?,
            prefix: url.path().trim_end_matches('/').to_owned(),
            url,
        })
    }

    /// The base URL itself.
    pub fn uri(&self) -> Result<Uri, Fault> {
        self.under(format!("{}/", self.prefix))
    }

    /// The URL of a call. Model names contain only allow-listed characters, so none can form another path.
    pub fn of_call(&self, call: &Call) -> Result<Uri, Fault> {
        let query = if call.method.streams() { "?alt=sse" } else { "" };
        self.under([&self.prefix, "/v1beta/", &call.model.resource(), ":", call.method.name(), query].concat())
    }

    /// The URL of a resource request.
    pub fn of_resource(&self, place: &ResourceAddress) -> Result<Uri, Fault> {
        let mut url = self.url.clone();
        match place {
            ResourceAddress::Path(segments, query) => {
                push_segments(&mut url, segments.iter().map(String::as_str));
                if !query.is_empty() {
                    url.query_pairs_mut().extend_pairs(query);
                }
            }
            // Only path and query are used: the key is sent to the configured host and nowhere else.
            ResourceAddress::Named(named) => {
                if let Ok(named) = Url::parse(named) {
                    // Google has encoded the path; to encode it again would change it.
                    url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), named.path()));
                    url.set_query(named.query());
                }
            }
        }
        self.under(match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        })
    }

    fn under(&self, path_and_query: String) -> Result<Uri, Fault> {
        let unusable = || Fault::new(Kind::BadRequest, Blame::Internal, "Gemini has no such URL.");
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path_and_query).map_err(|_| unusable())?);
        Uri::from_parts(parts).map_err(|_| unusable())
    }
}

/// Appends path segments.
fn push_segments<'s>(url: &mut Url, segments: impl Iterator<Item = &'s str>) {
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Method;
    use crate::model::ModelName;

    #[test]
    fn addresses_are_under_the_base() {
        for (base, expected) in [
            ("https://h", "https://h/v1beta/models/gemini-2.5-pro:generateContent"),
            ("https://h/proxy/", "https://h/proxy/v1beta/models/gemini-2.5-pro:generateContent"),
            ("http://[::1]:8080", "http://[::1]:8080/v1beta/models/gemini-2.5-pro:generateContent"),
        ] {
            let model = ModelName::parse("gemini-2.5-pro").unwrap();
            let mut call = Call { model, method: Method::Generate, body: Default::default() };
            let base = BaseUrl::of(base).unwrap();
            assert_eq!(base.of_call(&call).unwrap().to_string(), expected);
            call.method = Method::Stream;
            let streamed = expected.replace(":generateContent", ":streamGenerateContent?alt=sse");
            assert_eq!(base.of_call(&call).unwrap().to_string(), streamed);
        }
    }

    #[test]
    fn a_resource_request_stays_under_the_base() {
        let base = BaseUrl::of("https://h/proxy").unwrap();
        let path = |segments: &[&str], query: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            ResourceAddress::Path(segments.iter().map(ToString::to_string).collect(), query.iter().map(owned).collect())
        };
        for (place, expected) in [
            (path(&["v1beta", "files", "x"], &[]), "https://h/proxy/v1beta/files/x"),
            (path(&["v1beta", "a/b?c"], &[("q", "a b&c")]), "https://h/proxy/v1beta/a%2Fb%3Fc?q=a+b%26c"),
            (ResourceAddress::Named("https://elsewhere/upload/f?id=1".to_owned()), "https://h/proxy/upload/f?id=1"),
            (ResourceAddress::Named("https://elsewhere/a%2Fb/../%2e%2e/c%20d".to_owned()), "https://h/proxy/c%20d"),
        ] {
            assert_eq!(base.of_resource(&place).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_base() {
        for text in ["", "nowhere", "ftp://h", "http://", "unix:/run/socket"] {
            assert!(BaseUrl::of(text).is_none(), "{text}");
        }
    }
}
