//! Repairs common mistakes of models in JSON: code fences, text before and after, trailing commas, unclosed brackets
//! and quotes. Valid JSON keeps its exact bytes.

/// Returns the repaired JSON document in a text, or the text unchanged if it contains none or cannot be repaired.
pub fn json_repair(text: &str) -> String {
    let inner = unfenced(text);
    if is_json(inner) {
        return inner.to_owned();
    }
    let Some(start) = inner.find(['{', '[']) else { return text.to_owned() };
    let mended = mended(inner.get(start..).unwrap_or_default());
    if is_json(&mended) { mended } else { text.to_owned() }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Returns the text between the first code fence and the last one.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some((_, rest)) = text.split_once("```") else { return text };
    let body = rest.split_once('\n').map_or(rest, |(language, body)| if language.len() < 16 { body } else { rest });
    body.rsplit_once("```").map_or(body, |(body, _)| body).trim()
}

/// Returns the first value in a text, without trailing commas, and with everything closed that was left open.
fn mended(text: &str) -> String {
    let mut out = String::new();
    let mut open = Vec::new();
    let mut quoted = false;
    let mut escaped = false;
    for character in text.chars() {
        if quoted {
            match character {
                // Control characters that are not allowed unescaped in a string.
                '\n' if !escaped => out.push_str("\\n"),
                '\r' if !escaped => out.push_str("\\r"),
                '\t' if !escaped => out.push_str("\\t"),
                other => out.push(other),
            }
            quoted = escaped || character != '"';
            escaped = character == '\\' && !escaped;
            continue;
        }
        match character {
            '"' => quoted = true,
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                without_comma(&mut out);
                if open.pop() != Some(character) {
                    return out;
                }
            }
            _ => {}
        }
        out.push(character);
        if open.is_empty() {
            return out;
        }
    }
    if escaped {
        out.pop();
    }
    if quoted {
        out.push('"');
    }
    without_comma(&mut out);
    if out.ends_with(':') {
        out.push_str("null");
    }
    out.extend(open.iter().rev());
    out
}

fn without_comma(out: &mut String) {
    out.truncate(out.trim_end().len());
    if out.ends_with(',') {
        out.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_mended_is() {
        for (text, expected) in [
            ("{ \"a\" : 1 }", "{ \"a\" : 1 }"),
            ("```json\n{\"a\":1}\n```", "{\"a\":1}"),
            ("Here you are:\n```\n[1,2]\n```\nAnything else?", "[1,2]"),
            ("Sure! {\"a\": [1, 2,], } Bye.", "{\"a\": [1, 2]}"),
            ("{\"a\": \"two\nlines", "{\"a\": \"two\\nlines\"}"),
            ("{\"a\": {\"b\": [true, \"c\\\"d\"", "{\"a\": {\"b\": [true, \"c\\\"d\"]}}"),
            ("{\"a\":", "{\"a\":null}"),
            ("no JSON at all", "no JSON at all"),
            ("{]", "{]"),
            ("\"a\"", "\"a\""),
        ] {
            assert_eq!(json_repair(text), expected, "{text}");
        }
    }
}
