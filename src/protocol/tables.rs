//! Generates `docs/translation.md`: all fields of all endpoints and what becomes of each.

use super::fields::Field;
use super::{
    anthropic, openai_chat, openai_completions, openai_embeddings, openai_images, openai_responses, openai_speech,
    openai_transcriptions,
};

/// The tables, with their titles.
const TABLES: &[(&str, &[Field])] = &[
    ("Chat: `POST /v1/chat/completions`", openai_chat::fields::FIELDS),
    ("Responses: `POST /v1/responses`", openai_responses::fields::FIELDS),
    ("Messages: `POST /v1/messages`, `POST /v1/messages/count_tokens`", anthropic::fields::FIELDS),
    ("Completions: `POST /v1/completions`", openai_completions::fields::FIELDS),
    ("Vectors: `POST /v1/embeddings`", openai_embeddings::FIELDS),
    ("Pictures: `POST /v1/images/generations`, `POST /v1/images/edits`", openai_images::FIELDS),
    ("Voices: `POST /v1/audio/speech`", openai_speech::FIELDS),
    (
        "Sounds written down: `POST /v1/audio/transcriptions`, `POST /v1/audio/translations`",
        openai_transcriptions::FIELDS,
    ),
];

/// Returns the page.
pub fn page() -> String {
    let mut page = String::from(INTRODUCTION);
    for (title, fields) in TABLES {
        page.push_str(&format!("\n## {title}\n\n{HEAD}"));
        for row in *fields {
            let to = if row.to.is_empty() { String::new() } else { format!("`{}`", row.to) };
            let loss = if row.loss { "yes" } else { "" };
            page.push_str(&format!("| `{}` | {} | {to} | {} | {loss} |\n", row.path, row.verdict.name(), row.why));
        }
    }
    page
}

const INTRODUCTION: &str = "<!-- Made from the tables of fields: `gemini-adapter reference --write`. -->
# What becomes of a request

Every field of a client's request, and what becomes of it on its way to Gemini. Requests in Gemini's own dialect go through as they are.

- **kept**: it goes on, under the same name;
- **renamed**: it goes on, under another name or in another form that means the same;
- **clamped**: it goes on as the nearest value that Gemini takes;
- **emulated**: Gemini has no such thing; something else does its work;
- **dropped**: it does not go on;
- **refused**: the request is answered with 400.

Where a verdict depends on the model or on a value, the one below is the usual one. What becomes of a request of yours, field by
field, and the Gemini request itself, without calling anyone:

```sh
gemini-adapter translate < request.json
gemini-adapter translate --path /v1/messages < request.json
curl localhost:8000/admin/translate?path=/v1/messages -H 'Authorization: Bearer YOUR_ADMIN_KEY' -d @request.json
```

A **loss** is what may make the answer another one. A client's `fidelity` says what happens then: `lenient` (nothing is said), `warn` (the
header `x-gemini-adapter-losses` names the fields), `strict` (400 before any quota is spent).
";

const HEAD: &str = "| field | verdict | in the Gemini request | why | loss |
|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_listed_twice() {
        for (title, fields) in TABLES {
            for (index, row) in fields.iter().enumerate() {
                assert!(!fields[..index].iter().any(|other| other.path == row.path), "{title}: {}", row.path);
            }
        }
    }
}
