//! Plugins without a server: what they see, what they can do, and which mistakes are reported.

mod bombs;
mod dialects;
mod mistakes;
mod pieces;
mod sharing;

use std::path::Path;

use bytes::Bytes;

use super::*;
use crate::reading::Reading;

/// Loads plugins from these files, and returns the problems.
fn load(files: &[(&str, &str)], settings: PluginsSettings) -> (Plugins, Problems) {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    let mut problems = Problems::new();
    let plugins =
        Plugins::load(&PluginsSettings { dir: dir.path().to_owned(), ..settings }, &Reading::default(), &mut problems);
    (plugins, problems)
}

fn session(plugins: &Plugins) -> Session {
    plugins.session(|| SessionFacts {
        id: "id".into(),
        api: "chat",
        path: "/v1/chat/completions",
        model: None,
        client: "client-1".into(),
        headers: vec![("authorization".into(), "Bearer canary".into()), ("x-team".into(), "red".into())],
    })
}

/// Runs this code as `on_request` and returns the resulting body.
fn run(code: &str, body: &str) -> Result<String, crate::error::Error> {
    let (plugins, problems) =
        load(&[("p.rhai", &format!("fn on_request(ctx) {{ {code} }}"))], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    session(&plugins).on_request(Bytes::copy_from_slice(body.as_bytes())).map(|verdict| match verdict {
        Verdict::Continue(body) => String::from_utf8(body.to_vec()).unwrap(),
        Verdict::Reply(reply) => format!("{reply:?}"),
    })
}

const BODY: &str =
    r#"{ "model":"gpt-4o",  "id":12345678901234567890, "messages":[{"role":"user","content":"hi"}], "z":1,"a":2 }"#;

#[test]
fn what_is_not_touched_stays_as_it_is_to_the_byte() {
    for code in
        ["", "let x = ctx.req.model;", "let m = ctx.req.to_map();", "if ctx.req.messages.len() == 0 { throw 1; }"]
    {
        assert_eq!(run(code, BODY).unwrap(), BODY, "{code}");
    }
    let changed = run("ctx.req.set(\"/temperature\", 0.5);", BODY).unwrap();
    assert!(changed.contains("12345678901234567890") && changed.find("\"z\"") < changed.find("\"a\""), "{changed}");
}

#[test]
fn parts_of_a_body_have_names() {
    for (code, expected) in [
        ("ctx.req.model = \"x\";", r#""model":"x""#),
        ("ctx.req.last_user_text += \"!\";", r#""content":"hi!""#),
        (
            "let t = ctx.req.last_user_text; ctx.req.last_user_text = t + ctx.req.last_user_text + ctx.req.last_user_text; ctx.req.last_user_text += t;",
            r#""content":"hihihihi""#,
        ),
        ("ctx.req.system = \"S\";", r#"{"role":"system","content":"S"}"#),
        ("ctx.req.set(\"/a/b/c\", [1, #{}]);", "\"a\":2"),
        ("ctx.req.messages[0].text = \"in place\";", r#""content":"in place""#),
        ("ctx.req.set(\"/messages/-\", #{role: \"user\", content: \"more\"});", r#"{"content":"more","role":"user"}"#),
        ("ctx.req.remove(\"/z\");", r#""a":2"#),
        ("let m = ctx.req.messages; m[0].text = \"other\"; ctx.req.messages = m;", r#""content":"other""#),
        (
            "if ctx.header(\"authorization\") == () && ctx.header(\"X-Team\") == \"red\" { ctx.req.model = \"hidden\"; }",
            r#""model":"hidden""#,
        ),
    ] {
        match run(code, BODY) {
            Ok(body) => assert!(body.contains(expected), "{code}: {body}"),
            // The pointer that leads through a number.
            Err(error) => {
                assert!(code.contains("/a/b/c") && error.code.as_deref() == Some("plugin_error"), "{code}: {error}")
            }
        }
    }
}

#[test]
fn the_order_is_priority_then_name_and_filters_hold() {
    let add = |mark: &str, header: &str| format!("{header}\nfn on_request(ctx) {{ ctx.req.model += \"{mark}\"; }}");
    let files = [
        ("b.rhai", add("b", "")),
        ("a.rhai", add("a", "")),
        ("z.rhai", add("z", "//! priority = 1")),
        ("o.rhai", add("other", "//! when = { models = [\"claude*\"] }")),
        ("c.rhai", add("c", "//! when = { models = [\"gpt*\"], clients = [\"client-*\"], paths = [\"*/chat/*\"] }")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, source)| (*name, source.as_str())).collect();
    let (plugins, problems) = load(&files, PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let Ok(Verdict::Continue(body)) = session(&plugins).on_request(Bytes::from_static(br#"{"model":"gpt-"}"#)) else {
        panic!()
    };
    assert_eq!(&body[..], br#"{"model":"gpt-zabc"}"#);
}

#[test]
fn the_page_for_authors_has_every_hook_and_every_name() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plugins.md")).unwrap();
    for row in HOOKS {
        let line = format!("| `{}` | {} | {} |", row.name, row.when, row.may);
        assert!(page.contains(&line), "docs/plugins.md lacks the line\n{line}");
    }
    let code: Vec<&str> = page.split('`').skip(1).step_by(2).collect();
    let is_word = |text: char| text.is_alphanumeric() || text == '_';
    for entry in api::ENTRIES {
        let named = code.iter().any(|code| code.split(|text| !is_word(text)).any(|word| word == entry.name));
        assert!(named, "docs/plugins.md does not name `{}`: {}", entry.name, entry.doc);
    }
    for volume in LIBRARY {
        assert!(page.contains(&format!("| `{}` |", volume.name)), "docs/plugins.md does not name `{}`", volume.name);
    }
}

#[test]
fn editors_are_told_of_all_there_is() {
    let engine = sandbox::engine(Libraries::default());
    let offered = engine.gen_fn_signatures(false);
    let name_of = |signature: &str| {
        signature
            .split('(')
            .next()
            .unwrap_or_default()
            .trim_start_matches("get$")
            .trim_start_matches("set$")
            .trim_start_matches("get ")
            .trim_start_matches("set ")
            .to_owned()
    };
    let offered: std::collections::BTreeSet<String> = offered.iter().map(|signature| name_of(signature)).collect();
    for entry in api::ENTRIES {
        assert!(offered.contains(entry.name), "`{}` is not offered; there are {offered:?}", entry.name);
    }
    let told: Vec<&str> = api::ENTRIES.iter().map(|entry| entry.name).collect();
    let untold: Vec<&String> =
        offered.iter().filter(|name| !told.contains(&name.as_str()) && name.starts_with(char::is_alphabetic)).collect();
    assert!(untold.is_empty(), "plugin/api.rs does not tell of {untold:?}");
}

#[test]
fn shipped_plugins_pass_their_own_tests() {
    let mut problems = Problems::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let settings = PluginsSettings { dir, ..PluginsSettings::default() };
    let mut reports = cases::of_folder(&settings, &Reading::default(), &mut problems);
    reports.extend(cases::of_library(&mut problems));
    assert!(problems.is_empty(), "{problems}");
    for report in &reports {
        assert_eq!(report.wrong, None, "{} {}", report.plugin, report.name);
    }
    for name in LIBRARY.iter().map(|volume| volume.name).chain(["model_mapping"]) {
        assert!(reports.iter().filter(|report| report.plugin == name).count() > 2, "`{name}` has hardly a test");
    }
    // All at once, as in a real configuration.
    let library = LIBRARY.iter().map(|volume| volume.name.to_owned()).collect();
    let plugins = Plugins::load(&PluginsSettings { library, ..settings }, &Reading::default(), &mut problems);
    assert!(problems.is_empty() && plugins.list().len() == LIBRARY.len() + 1, "{problems}");
    let asked = br#"{"model":"gpt-4o","messages":[{"role":"user","content":"The year 2024"}]}"#;
    match session(&plugins).on_request(Bytes::from_static(asked)).unwrap() {
        Verdict::Continue(body) => assert_eq!(&body[..], asked, "with no settings, nothing is touched"),
        Verdict::Reply(reply) => panic!("{reply:?}"),
    }
}
