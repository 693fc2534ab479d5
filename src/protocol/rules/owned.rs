//! Finds the resources in a request that belong to one key at Google: files and cached contents, in any dialect and any
//! field.

/// A resource name, and whether it can be anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceName {
    /// Such as `files/x` or `cachedContents/x`.
    pub name: String,
    /// Whether it is certainly a resource: `"files/x"` alone may also be a path on a local disk.
    pub certain: bool,
}

/// The kinds of resources that belong to a key.
const KINDS: [&str; 2] = ["cachedContents", "files"];

/// Returns the names found in the text of the body: JSON strings that are a resource name, or end in one as a file's
/// URI does.
pub fn names(body: &[u8]) -> Vec<ResourceName> {
    let mut names: Vec<ResourceName> = Vec::new();
    // Every body is searched, whatever its length: for the slash, which is rarer and found faster than any word.
    for slash in memchr::memchr_iter(b'/', body) {
        let Some((before, [_, rest @ ..])) = body.split_at_checked(slash) else { continue };
        // It may be escaped.
        let before = before.strip_suffix(b"\\").unwrap_or(before);
        let kind = KINDS.iter().find_map(|kind| Some((kind, before.strip_suffix(kind.as_bytes())?)));
        let Some((kind, before)) = kind.filter(|(_, before)| begins(before)) else { continue };
        if let Some(id) = id(rest) {
            let name = format!("{kind}/{id}");
            let certain = *kind != "files" || !before.ends_with(b"\"");
            if !names.iter().any(|known| known.name == name) {
                names.push(ResourceName { name, certain });
            }
        }
    }
    names
}

/// Returns the id: what follows the slash, up to the end of the string.
fn id(rest: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let length = rest.iter().position(|byte| !plain(byte))?;
    let (id, end) = rest.split_at(length);
    (length > 0 && end.first() == Some(&b'"')).then(|| std::str::from_utf8(id).ok()).flatten()
}

/// Whether a string begins here, or a version prefix of Google's API ends here.
fn begins(before: &[u8]) -> bool {
    let path = before.strip_suffix(b"/").map(|path| path.strip_suffix(b"\\").unwrap_or(path));
    before.ends_with(b"\"") || path.is_some_and(|path| path.ends_with(b"/v1beta") || path.ends_with(b"/v1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_on_a_disk_is_not_certain() {
        for (body, certain) in [
            (r#"{"path":"files/src"}"#, false),
            (r#"{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/src"}"#, true),
            (r#"{"cachedContent":"cachedContents/c"}"#, true),
        ] {
            assert_eq!(names(body.as_bytes())[0].certain, certain, "{body}");
        }
    }

    #[test]
    fn what_belongs_to_a_key() {
        for (body, expected) in [
            (r#"{"text":"look at files/x, or \"files/y\""}"#, &[][..]),
            (r#"{"cachedContent":"cachedContents/c"}"#, &["cachedContents/c"]),
            (r#"{"google":{"cached_content": "cachedContents\/c"}}"#, &["cachedContents/c"]),
            (
                r#"{"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/f-1"},{"file_id":"files/g"},{"file_id":"files/g"}"#,
                &["files/f-1", "files/g"],
            ),
            (r#"{"url":"https:\/\/h\/v1beta\/files\/f"}"#, &["files/f"]),
            (r#"{"url":"https://example.com/files/x"}"#, &[]),
            (r#"{"path":"/a//files/b/c/files/","files":"/"}"#, &[]),
            (r#"{"a":"files/"} "files/x"#, &[]),
        ] {
            let found: Vec<String> = names(body.as_bytes()).into_iter().map(|named| named.name).collect();
            assert_eq!(found, expected, "{body}");
        }
    }
}
