//! Every field that clients may send to an endpoint and what becomes of it: one table per dialect. The translator's
//! notes about a particular request take precedence over the table.

use serde_json::Value;

use super::verdict::{Note, Verdict};

/// A field and what becomes of it in general.
pub struct Field {
    /// Its path; `[]` stands for any element of an array.
    pub path: &'static str,
    /// What becomes of it.
    pub verdict: Verdict,
    /// The corresponding field of the Gemini request.
    pub to: &'static str,
    /// The reason.
    pub why: &'static str,
    /// Whether the answer may differ because of it.
    pub loss: bool,
    /// Values, as compact JSON, that have no effect.
    pub neutral: &'static [&'static str],
}

const fn field(path: &'static str, verdict: Verdict, to: &'static str, why: &'static str) -> Field {
    Field { path, verdict, to, why, loss: false, neutral: &[] }
}

/// The field is passed on unchanged.
pub const fn kept(path: &'static str, to: &'static str) -> Field {
    field(path, Verdict::Kept, to, "")
}

/// The field is passed on under another name or in another form.
pub const fn renamed(path: &'static str, to: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Renamed, to, why)
}

/// The field's effect is achieved by other means.
pub const fn adapted(path: &'static str, to: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Emulated, to, why)
}

/// The field is not passed on, which has no consequences.
pub const fn ignored(path: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Dropped, "", why)
}

/// The field is not passed on, and the answer may differ because of it.
pub const fn lost(path: &'static str, why: &'static str, neutral: &'static [&'static str]) -> Field {
    Field { loss: true, neutral, ..field(path, Verdict::Dropped, "", why) }
}

/// The request is rejected because of the field.
pub const fn refused(path: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Refused, "", why)
}

/// Returns the verdict on each field of this body: from the translator's notes, or else from the table.
pub fn verdicts(fields: &[Field], body: &Value, noted: Vec<Note>) -> Vec<Note> {
    let mut listed = Vec::new();
    walk(body, "", "", &mut listed, fields);
    let mut noted = noted;
    for row in &mut listed {
        // If a field has several notes, the first states what became of it, and the others give reasons.
        if let Some(at) = noted.iter().position(|note| note.field == row.field) {
            let note = noted.remove(at);
            *row = Note { to: std::mem::take(&mut row.to), ..note };
        }
    }
    listed.extend(noted);
    listed
}

fn walk(value: &Value, path: &str, pattern: &str, listed: &mut Vec<Note>, fields: &[Field]) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let join = |base: &str| if base.is_empty() { name.clone() } else { format!("{base}.{name}") };
                member(value, &join(path), &join(pattern), listed, fields);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                member(item, &format!("{path}[{index}]"), &format!("{pattern}[]"), listed, fields);
            }
        }
        _ => {}
    }
}

fn member(value: &Value, path: &str, pattern: &str, listed: &mut Vec<Note>, fields: &[Field]) {
    if value.is_null() {
        return;
    }
    let below = |row: &Field| row.path.strip_prefix(pattern).is_some_and(|rest| rest.starts_with(['.', '[']));
    let row = fields.iter().find(|row| row.path == pattern);
    let deeper = value.is_object() || value.is_array();
    if deeper && fields.iter().any(below) {
        // An object or array is reported by its members; its own row applies only when none of them is reported.
        let before = listed.len();
        walk(value, path, pattern, listed, fields);
        if listed.len() > before || row.is_none() {
            return;
        }
    }
    let field = path.to_owned();
    listed.push(match row {
        Some(row) => {
            let asks = !row.neutral.contains(&value.to_string().as_str());
            let (to, why) = (row.to.to_owned(), row.why.to_owned());
            Note { field, verdict: row.verdict, to, why, loss: row.loss && asks }
        }
        None => {
            let why = "the endpoint has no such field".to_owned();
            Note { field, verdict: Verdict::Dropped, to: String::new(), why, loss: true }
        }
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_of_a_body_is_told_once() {
        let table = [
            kept("model", "the URL"),
            renamed("top_p", "topP", ""),
            adapted("n", "", "several calls"),
            ignored("user", "nobody asks"),
            lost("style", "say it in words", &["\"plain\""]),
            refused("mask", "there is none"),
            ignored("tools", "there are none"),
            kept("tools[].name", "declarations"),
        ];
        let noted = |field: &str, verdict, why: &str| Note {
            field: field.into(),
            verdict,
            to: String::new(),
            why: why.into(),
            loss: true,
        };
        let told = |body, notes| {
            let told = verdicts(&table, &body, notes).into_iter();
            told.map(|note| (note.field, note.verdict, note.to, note.why, note.loss)).collect::<Vec<_>>()
        };
        let row =
            |field: &str, verdict, to: &str, why: &str, loss| (field.into(), verdict, to.into(), why.into(), loss);
        let body = json!({
            "model": "m", "top_p": 1, "n": 2, "user": "u", "style": "vivid", "mask": {}, "tools": [{ "name": "f", "odd": 1 }], "gone": null,
        });
        assert_eq!(
            told(body, Vec::new()),
            [
                row("model", Verdict::Kept, "the URL", "", false),
                row("top_p", Verdict::Renamed, "topP", "", false),
                row("n", Verdict::Emulated, "", "several calls", false),
                row("user", Verdict::Dropped, "", "nobody asks", false),
                row("style", Verdict::Dropped, "", "say it in words", true),
                row("mask", Verdict::Refused, "", "there is none", false),
                row("tools[0].name", Verdict::Kept, "declarations", "", false),
                row("tools[0].odd", Verdict::Dropped, "", "the endpoint has no such field", true),
            ]
        );
        // A neutral value is not a loss. An empty list is reported by its own row. The translator's note about this
        // request overrides the table and keeps the position of the table's row.
        let notes =
            vec![noted("top_p", Verdict::Clamped, "1 at most"), noted("messages[0]", Verdict::Emulated, "made up")];
        assert_eq!(
            told(json!({ "style": "plain", "tools": [], "top_p": 7 }), notes),
            [
                row("style", Verdict::Dropped, "", "say it in words", false),
                row("tools", Verdict::Dropped, "", "there are none", false),
                row("top_p", Verdict::Clamped, "topP", "1 at most", true),
                row("messages[0]", Verdict::Emulated, "", "made up", true),
            ]
        );
    }
}
