//! Every field that clients may send to an endpoint, and what becomes of it: a table for each dialect. The translator's own
//! notes, about one request, come before the table's.

use serde_json::Value;

use super::verdict::{Note, Verdict};

/// A field, and what becomes of it in general.
pub struct Field {
    /// Its path; `[]` stands for each member of an array.
    pub path: &'static str,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Where it is in the Gemini request.
    pub to: &'static str,
    /// Why.
    pub why: &'static str,
    /// Whether the answer may be another one for it.
    pub loss: bool,
    /// Values, as compact JSON, that ask for nothing.
    pub neutral: &'static [&'static str],
}

const fn field(path: &'static str, verdict: Verdict, to: &'static str, why: &'static str) -> Field {
    Field { path, verdict, to, why, loss: false, neutral: &[] }
}

/// It goes on as it is.
pub const fn kept(path: &'static str, to: &'static str) -> Field {
    field(path, Verdict::Kept, to, "")
}

/// It goes on under another name, or in another form.
pub const fn renamed(path: &'static str, to: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Renamed, to, why)
}

/// Something else does its work.
pub const fn adapted(path: &'static str, to: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Emulated, to, why)
}

/// It does not go on, and nobody misses it.
pub const fn ignored(path: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Dropped, "", why)
}

/// It does not go on, and the answer may be another one for it.
pub const fn lost(path: &'static str, why: &'static str, neutral: &'static [&'static str]) -> Field {
    Field { loss: true, neutral, ..field(path, Verdict::Dropped, "", why) }
}

/// The request is refused for it.
pub const fn refused(path: &'static str, why: &'static str) -> Field {
    field(path, Verdict::Refused, "", why)
}

/// What becomes of each field of this body: the translator's notes, and the table's where it has none.
pub fn verdicts(fields: &[Field], body: &Value, noted: Vec<Note>) -> Vec<Note> {
    let mut listed = Vec::new();
    walk(body, "", "", &mut listed, fields);
    let mut noted = noted;
    for row in &mut listed {
        // Of several notes about one field, the first says what became of it, and the others why.
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
        // Of an object, its members are told; the row of its own stands for what holds none.
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
        // A value that asks for nothing loses nothing; a list of nothing is told by its own row; what the translator noted about
        // this request counts more than the table, and keeps the table's place.
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
