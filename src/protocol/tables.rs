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
    ("Embeddings: `POST /v1/embeddings`", openai_embeddings::FIELDS),
    ("Images: `POST /v1/images/generations`, `POST /v1/images/edits`", openai_images::FIELDS),
    ("Speech: `POST /v1/audio/speech`", openai_speech::FIELDS),
    ("Transcriptions: `POST /v1/audio/transcriptions`, `POST /v1/audio/translations`", openai_transcriptions::FIELDS),
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

const INTRODUCTION: &str = "<!-- Generated from the field tables: `gemini-adapter reference --write`. -->
# How requests are translated

Every field of a client's request, and what happens to it on its way to Gemini. Requests to Gemini's native API are passed through unchanged.

- **kept**: passed on under the same name;
- **renamed**: passed on under another name, or in another form that means the same;
- **clamped**: passed on as the nearest value that Gemini accepts;
- **emulated**: Gemini has no equivalent; the effect is achieved in another way;
- **dropped**: not passed on;
- **refused**: the request is rejected with 400.

Where a verdict depends on the model or on a value, the table shows the usual one. To see what happens to a particular request, field by
field, and the resulting Gemini request, without contacting Google:

```sh
gemini-adapter translate < request.json
gemini-adapter translate --path /v1/messages < request.json
curl localhost:8000/admin/translate?path=/v1/messages -H 'Authorization: Bearer YOUR_ADMIN_KEY' -d @request.json
```

A **loss** is a field whose translation may change the answer. The client's `fidelity` setting decides what happens then: `lenient` (not reported), `warn`
(the header `x-gemini-adapter-losses` names the fields), `strict` (400 before any quota is spent).
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
