//! Converts forms to JSON: each field becomes a string, each file an object with its name, media type and bytes as
//! base64, which is also how Gemini takes them. A name that occurs several times, or ends in `[]`, becomes an array.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use multer::{Field, Multipart};
use serde_json::{Map, Value, json};

use crate::error::Error;

/// Maximum number of fields in a form.
const MOST: usize = 200;

/// Whether a body of this media type is a form.
pub fn is_form(media_type: &str) -> bool {
    let start = media_type.get(..10).unwrap_or_default();
    start.eq_ignore_ascii_case("multipart/")
}

/// Converts a form to JSON.
///
/// # Errors
/// 400 when it is not a valid form.
pub async fn into_json(content: Bytes, media_type: &str) -> Result<Bytes, Error> {
    let boundary = multer::parse_boundary(media_type).map_err(|error| unreadable(&error))?;
    let mut form = Multipart::new(stream::iter([Ok::<_, std::convert::Infallible>(content)]), boundary);
    let mut fields: Vec<(String, Value)> = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| unreadable(&error))? {
        if fields.len() == MOST {
            return Err(Error::invalid(format!("The form has more than {MOST} fields.")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(Error::invalid("A field of the form has no name."));
        }
        let value = read(&name, field).await?;
        fields.push((name, value));
    }
    let mut document = Map::new();
    for (name, value) in fields {
        let bare = name.strip_suffix("[]").unwrap_or(&name);
        match document.get_mut(bare) {
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
            None if bare != name => drop(document.insert(bare.to_owned(), Value::Array(vec![value]))),
            None => drop(document.insert(name, value)),
        }
    }
    Ok(Value::Object(document).to_string().into())
}

async fn read(name: &str, field: Field<'_>) -> Result<Value, Error> {
    let filename = field.file_name().map(str::to_owned);
    let content_type = field.content_type().map(ToString::to_string);
    let bytes = field.bytes().await.map_err(|error| unreadable(&error))?;
    if let Some(filename) = filename {
        let data = STANDARD.encode(&bytes);
        return Ok(json!({ "filename": filename, "content_type": content_type.unwrap_or_default(), "data": data }));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        let shown: String = name.chars().take(64).collect::<String>().escape_debug().collect();
        Error::invalid(format!("Invalid '{shown}': the field is neither a file nor UTF-8."))
    })?;
    Ok(text.into())
}

fn unreadable(error: &multer::Error) -> Error {
    Error::invalid(format!(
        "We could not read your request as a form (multipart/form-data): {error}. Let an SDK or `curl -F` build it."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x";

    fn part(head: &str, body: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
    }

    #[tokio::test]
    async fn fields_files_and_lists() {
        let form = [
            part("name=\"model\"", "m"),
            part("name=\"image[]\"; filename=\"a.png\"\r\nContent-Type: image/png", "A"),
            part("name=\"image[]\"; filename=\"b.png\"", "B"),
            part("name=\"tag\"", "1"),
            part("name=\"tag\"", "2"),
        ]
        .concat()
            + "--x--\r\n";
        let document: Value = serde_json::from_slice(&into_json(form.into(), TYPE).await.unwrap()).unwrap();
        assert_eq!(
            document,
            json!({
                "model": "m",
                "image": [
                    { "filename": "a.png", "content_type": "image/png", "data": "QQ==" },
                    { "filename": "b.png", "content_type": "", "data": "Qg==" },
                ],
                "tag": ["1", "2"],
            })
        );
    }

    #[tokio::test]
    async fn what_is_no_form() {
        let many: String = (0..=MOST).map(|_| part("name=\"a\"", "")).collect();
        for (body, media_type) in [
            (String::new(), TYPE),
            ("nonsense".to_owned(), TYPE),
            (part("name=\"a\"", "never closed"), TYPE),
            (part("filename=\"x\"", "no name") + "--x--", TYPE),
            (part("name=\"a\"", "") + "--x--", "multipart/form-data"),
            (many + "--x--", TYPE),
        ] {
            let error = into_json(body.clone().into(), media_type).await.unwrap_err();
            assert_eq!(error.status, 400, "{body}");
        }
        assert!(is_form("Multipart/Form-Data; boundary=x") && !is_form("application/json") && !is_form("é"));
    }
}
