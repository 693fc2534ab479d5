//! What a Gemini request names that belongs to one key: its cached content, and files at Google.

use std::borrow::Cow;

use serde::Deserialize;

/// A Gemini request, as far as it names such things. Google takes both spellings, and one where a list is wanted; a client of
/// neither is served all the same: the key that is chosen then says what it thinks of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request<'a> {
    #[serde(borrow, alias = "cached_content", rename = "cachedContent")]
    cached_content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    contents: Vec<Content<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Vec<Part<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, alias = "file_data", rename = "fileData")]
    file_data: Option<File<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File<'a> {
    #[serde(borrow, alias = "file_uri", rename = "fileUri")]
    file_uri: Cow<'a, str>,
}

/// The names: `cachedContents/x`, `files/x`.
pub fn names(body: &[u8]) -> Vec<Cow<'_, str>> {
    // Most requests name none, and a picture of ten megabytes need not be read for that.
    if memchr::memmem::find(body, b"cachedContents/").is_none() && memchr::memmem::find(body, b"files/").is_none() {
        return Vec::new();
    }
    let request: Request<'_> = serde_json::from_slice(body).unwrap_or_default();
    let parts = request.contents.into_iter().flat_map(|content| content.parts);
    let files = parts.filter_map(|part| part.file_data).filter_map(|file| match file.file_uri {
        Cow::Borrowed(uri) => of_uri(uri).map(Cow::Borrowed),
        Cow::Owned(uri) => of_uri(&uri).map(|name| Cow::Owned(name.to_owned())),
    });
    request.cached_content.into_iter().chain(files).collect()
}

/// The name of a file at Google, from its URI.
fn of_uri(uri: &str) -> Option<&str> {
    let at = uri.rfind("/files/").map(|at| at + 1).or_else(|| uri.starts_with("files/").then_some(0))?;
    Some(&uri[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_key() {
        for (body, expected) in [
            (r#"{"contents":[{"parts":[{"text":"files/x"}]}]}"#, &[][..]),
            (r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#, &[]),
            (r#"{"cachedContent":"cachedContents/c"}"#, &["cachedContents/c"]),
            (
                r#"{"cached_content":"cachedContents/c","contents":[{"parts":[{"fileData":{"mimeType":"a/b","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/f"}}]},{"parts":[{"file_data":{"file_uri":"https:\/\/h\/v1\/files\/g"}}]}]}"#,
                &["cachedContents/c", "files/f", "files/g"],
            ),
            (r#"{"contents":[{"parts":[{"fileData":{"fileUri":"https://youtu.be/x?files/"}}]}]}"#, &[]),
        ] {
            assert_eq!(names(body.as_bytes()), expected, "{body}");
        }
    }
}
