//! The documentation page of a plugin, as Markdown, from its header and doc comments.

use super::header::Header;
use super::script::Script;

/// Returns the page.
pub fn page(script: &Script) -> String {
    let header = &script.header;
    let version = header.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut page = format!("## {}{version}\n", header.name);
    if !header.about.is_empty() {
        page.push_str(&format!("\n{}\n", header.about));
    }
    let hooks: Vec<String> = script.hooks().map(|hook| format!("`{}`", hook.name())).collect();
    page.push_str(&format!("\nHooks: {}.\n", hooks.join(", ")));
    settings(header, &mut page);
    for hook in script.hooks() {
        let comment = script.comments.get(hook.name()).map(|comment| plain(comment)).unwrap_or_default();
        if !comment.is_empty() {
            page.push_str(&format!("\n- `{}`: {comment}", hook.name()));
        }
    }
    page.push('\n');
    page
}

fn settings(header: &Header, page: &mut String) {
    if header.fields.is_empty() {
        return;
    }
    page.push_str(&format!("\nSettings, in `[plugins.settings.{}]`:\n\n", header.name));
    page.push_str("| setting | type | default | |\n|---|---|---|---|\n");
    for (name, field) in &header.fields {
        let default = if field.default.is_null() { "none".to_owned() } else { format!("`{}`", field.default) };
        let doc = field.doc.replace('|', "\\|");
        page.push_str(&format!("| `{name}` | {} | {default} | {doc} |\n", field.type_name()));
    }
}

/// Joins the text of `///` lines into one line.
fn plain(comment: &str) -> String {
    let lines = comment.lines().map(|line| line.trim().trim_start_matches("///").trim());
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}
