//! Parses Google's paths, such as `/v1beta/models/gemini-2.5-flash:generateContent`.

use std::borrow::Cow;

use crate::call::Method;
use crate::error::Error;

/// The model and the method that a path addresses.
#[derive(Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// The model, without `models/`.
    pub model: Cow<'a, str>,
    /// The method to call.
    pub method: Method,
    /// Whether a stream is sent as server-sent events; otherwise it is sent as an array.
    pub events: bool,
}

const METHODS: &[Method] =
    &[Method::Generate, Method::Stream, Method::CountTokens, Method::Embed, Method::EmbedBatch, Method::Predict];

/// Parses the path and the query.
///
/// # Errors
/// 400 when the query contains a key; 404 when the path is not a method of a model.
pub fn read<'a>(path: &'a str, query: &str) -> Result<Address<'a>, Error> {
    refuse_key(query)?;
    let tuned = path.find("/tunedModels/").and_then(|at| path.get(at + 1..));
    let rest = tuned.or_else(|| path.split_once("/models/").map(|(_, rest)| rest)).unwrap_or_default();
    let rest: Cow<'a, str> =
        if rest.contains('%') { rest.replace("%3A", ":").replace("%3a", ":").into() } else { rest.into() };
    let Some((_, method)) = rest.rsplit_once(':') else {
        return Err(Error::not_found("The path names no method. Write `models/MODEL:generateContent`."));
    };
    let Some(known) = METHODS.iter().find(|known| known.name() == method) else {
        let shown: String = method.chars().take(64).collect::<String>().escape_debug().collect();
        let names: Vec<&str> = METHODS.iter().map(|method| method.name()).collect();
        let message = format!("`{shown}` is not a supported method. Supported are: {}.", names.join(", "));
        return Err(Error::not_found(message));
    };
    let length = rest.len() - method.len() - 1;
    let model = match rest {
        Cow::Borrowed(rest) => Cow::Borrowed(rest.get(..length).unwrap_or_default()),
        Cow::Owned(mut rest) => {
            rest.truncate(length);
            Cow::Owned(rest)
        }
    };
    Ok(Address { model, method: *known, events: query.split('&').any(|pair| pair == "alt=sse") })
}

/// Rejects a key in the URL.
///
/// # Errors
/// 400 when there is a key.
pub fn refuse_key(query: &str) -> Result<(), Error> {
    let mut pairs = query.split('&');
    if pairs.any(|pair| pair.split('=').next() == Some("key")) {
        // By now the key is in the logs of every proxy along the way. Accepting it would teach clients to send it
        // again.
        let message = "The API key is in the URL, which ends up in logs. Send it in the header `x-goog-api-key`, and replace it if it is Google's.";
        return Err(Error::invalid(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_google() {
        for (path, query, model, method, events) in [
            ("/v1beta/models/gemini-2.5-flash:generateContent", "", "gemini-2.5-flash", Method::Generate, false),
            ("/v1/models/m:streamGenerateContent", "alt=sse", "m", Method::Stream, true),
            ("/v1/models/m:streamGenerateContent", "$alt=json;enum-encoding=int", "m", Method::Stream, false),
            ("/v1beta/models/m%3AcountTokens", "", "m", Method::CountTokens, false),
            ("/v1beta/tunedModels/mine:generateContent", "", "tunedModels/mine", Method::Generate, false),
            ("/v1beta/models/m:embedContent", "prettyPrint=false&alt=sse", "m", Method::Embed, true),
            ("/v1beta/models/m:batchEmbedContents", "", "m", Method::EmbedBatch, false),
            ("/v1beta/models/imagen:predict", "", "imagen", Method::Predict, false),
        ] {
            let expected = Address { model: model.into(), method, events };
            assert_eq!(read(path, query), Ok(expected), "{path}");
        }
        for (path, query, status) in [
            ("/v1beta/models/m", "", 404),
            ("/v1beta/models/m:bidiGenerateContent", "", 404),
            ("/v1beta/files", "", 404),
            ("/v1beta/models/m:generateContent", "alt=sse&key=AIza", 400),
        ] {
            let error = read(path, query).unwrap_err();
            assert_eq!(error.status, status, "{path}");
            assert!(!error.message.contains("AIza"));
        }
    }
}
