//! Text that must never be shown: upstream keys, client keys, proxy passwords.
//! Never: `Display`, `Serialize`, or a `Debug` that reveals anything.

mod redaction;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use regex::Regex;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use redaction::Redaction;

/// Replaces a secret wherever it would have been shown.
pub const MASK: &str = "[secret]";

/// A secret. Clones share one allocation, which is wiped when the last clone is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Stores the text, without surrounding white space.
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Zeroizing::new(text.trim().to_owned())))
    }

    /// The text itself. Every call is a point where a secret leaves our control: keep them few.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The full-width digest, for look-ups and comparisons.
    pub fn digest(&self) -> Digest {
        Digest::of(self.expose())
    }

    /// `text` with every occurrence of this secret, and of anything shaped like a Google key, masked.
    pub fn scrub(&self, text: &str) -> String {
        let text = if self.expose().is_empty() { text.to_owned() } else { text.replace(self.expose(), MASK) };
        scrub_google_keys(&text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for Secret {}

/// The digest of a secret: identifies the secret without revealing it.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digests `text` in a context of our own, so the result matches no digest made elsewhere.
    pub fn of(text: &str) -> Self {
        Self(blake3::derive_key("gemini-adapter 2026 secret digest", text.as_bytes()))
    }

    /// The plain SHA-256 of `text`, as other programs compute it.
    pub fn of_sha256(text: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        Self(digest.as_ref().try_into().unwrap_or_default())
    }

    /// The notation a configuration may use in place of a key: `sha256:` and 64 hex digits.
    pub fn sha256(text: &str) -> String {
        format!("sha256:{}", Self::of_sha256(text).hex(32))
    }

    /// Parses the notation of [`Digest::sha256`]. Returns None when `text` does not start with `sha256:`.
    ///
    /// # Errors
    /// When the prefix is not followed by exactly 64 hex digits.
    pub fn read_sha256(text: &str) -> Option<Result<Self, ()>> {
        let digits = text.strip_prefix("sha256:")?;
        let mut digest = [0; 32];
        let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let mut whole = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        for (byte, pair) in digest.iter_mut().zip(pairs) {
            match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                Some(read) => *byte = read,
                None => whole = false,
            }
        }
        Some(if whole { Ok(Self(digest)) } else { Err(()) })
    }

    /// The first `bytes` bytes in lower-case hex.
    pub fn hex(&self, bytes: usize) -> String {
        self.0.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Compares in constant time, so timing does not reveal where two digests differ.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.hex(4))
    }
}

/// Whether a text is a placeholder from an example: `your-api-key`, `changeme`, `<key>`, `sk-xxxx`.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let fills = |c: char| matches!(c, 'x' | '*' | '.' | '-' | '_');
    text.starts_with("your-")
        || text.starts_with("your_")
        || text.starts_with('<')
        || matches!(text.as_str(), "changeme" | "change-me" | "secret" | "todo" | "none" | "null")
        || text.trim_start_matches("sk-").trim_start_matches("aiza").chars().all(fills)
}

/// Masks everything in `text` that looks like a Google API key: `AIza` and at least 20 more characters (real keys have
/// 35), and the newer `AQ.` form. Google's own error messages quote whole keys, so all upstream text passes through
/// here before it goes anywhere.
pub fn scrub_google_keys(text: &str) -> String {
    #[expect(clippy::expect_used, reason = "a constant pattern, which the tests compile")]
    static GOOGLE_KEY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"AIza[0-9A-Za-z_-]{20,}|AQ\.[0-9A-Za-z_-]{20,}").expect("a constant pattern compiles")
    });
    GOOGLE_KEY.replace_all(text, MASK).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        let secret = Secret::new("AIzaSyD-planted-canary-0123456789abcdef");
        assert_eq!(format!("{secret:?}"), MASK);
        assert!(!format!("{:?}", secret.digest()).contains("AIza"));
    }

    #[test]
    fn scrubs_itself_and_google_keys() {
        let secret = Secret::new(" plain-key ");
        let text = "key plain-key, AIzaSyD0123456789012345678901234567890123 and AQ.Ab8RN6J0123456789012345.";
        assert_eq!(secret.scrub(text), "key [secret], [secret] and [secret].");
    }

    #[test]
    fn placeholders_are_told_from_keys() {
        for text in ["your-gemini-key", "YOUR_API_KEY", "changeme", "<key>", "sk-xxxxxxxx", "AIza...", "xxx"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["AIzaSyD0123456789", "sk-live-1234567890abcdef", "demo-client-key"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn digests_of_other_programs_are_read() {
        // printf %s abc | sha256sum
        let known = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::sha256("abc"), known);
        assert_eq!(Digest::read_sha256(known), Some(Ok(Digest::of_sha256("abc"))));
        assert_eq!(
            Digest::read_sha256(&known.to_uppercase().replace("SHA", "sha")),
            Some(Ok(Digest::of_sha256("abc")))
        );
        for wrong in ["sha256:", "sha256:abc", &known[..70], &format!("{known}0"), &known.replace("ba", "x1")] {
            assert_eq!(Digest::read_sha256(wrong), Some(Err(())), "{wrong}");
        }
        assert_eq!(Digest::read_sha256("a-key-of-a-client"), None);
    }

    #[test]
    fn equal_by_text() {
        assert_eq!(Secret::new("a"), Secret::new(" a\n"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
    }
}
