//! Decodes the escapes of strings.

/// Appends the text that the content of a string stands for. The escapes in it must be well-formed. None if it contains
/// half a surrogate pair.
pub(super) fn append(content: &str, out: &mut String) -> Option<()> {
    out.reserve(content.len());
    let mut rest = content;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at)?);
        let kind = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        out.push(match kind {
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => unicode(&mut rest)?,
            // A quote, a backslash or a slash.
            itself => char::from(itself),
        });
    }
    out.push_str(rest);
    Some(())
}

/// Reads what follows `\u`: four digits, and a second escape if it takes both to make a character.
fn unicode(rest: &mut &str) -> Option<char> {
    let first = unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        // None for the second half of a pair.
        return char::from_u32(first);
    }
    *rest = rest.strip_prefix("\\u")?;
    let second = unit(rest).filter(|unit| (0xdc00..0xe000).contains(unit))?;
    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
}

fn unit(rest: &mut &str) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    u32::from_str_radix(digits, 16).ok()
}
