//! Scripts that are wrong, and scripts that are hostile.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;

use super::*;

/// The plugins of these files, and what was wrong with them.
fn load(files: &[(&str, &str)], settings: PluginsSettings) -> (Plugins, Problems) {
    let dir = tempfile::tempdir().unwrap();
    for (name, source) in files {
        std::fs::write(dir.path().join(name), source).unwrap();
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
        client: "client-1".into(),
        headers: vec![("authorization".into(), "Bearer canary".into()), ("x-team".into(), "red".into())],
    })
}

/// What `on_request` with this code makes of a body.
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
        ("ctx.req.system = \"S\";", r#"{"role":"system","content":"S"}"#),
        ("ctx.req.set(\"/a/b/c\", [1, #{}]);", "\"a\":2"),
        ("ctx.req.set(\"/messages/-\", #{role: \"user\", content: \"more\"});", r#"{"content":"more","role":"user"}"#),
        ("ctx.req.remove(\"/z\");", r#""a":2"#),
        ("let m = ctx.req.messages; m[0].content = \"other\"; ctx.req.messages = m;", r#""content":"other""#),
        (
            "if ctx.header(\"authorization\") == () && ctx.header(\"X-Team\") == \"red\" { ctx.req.model = \"hidden\"; }",
            r#""model":"hidden""#,
        ),
    ] {
        match run(code, BODY) {
            Ok(body) => assert!(body.contains(expected), "{code}: {body}"),
            // The one that leads through a number.
            Err(error) => {
                assert!(code.contains("/a/b/c") && error.code.as_deref() == Some("plugin_error"), "{code}: {error}")
            }
        }
    }
}

#[test]
fn mistakes_are_found_at_load_with_their_place() {
    for (source, words, line) in [
        ("fn on_request(ctx) {\n  let x = ;\n}", "", Some(2)),
        ("fn on_reqest(ctx) { }", "`on_reqest` is no hook", None),
        ("fn on_request(a, b) { }", "must take one argument", None),
        ("//! colour = 1\nfn on_request(ctx) { }", "header is wrong", Some(1)),
        ("//! name = \"x\"\n//! api = 2\nfn on_request(ctx) { }", "version 2", None),
        ("//! hooks = [\"on_chunk\"]\nfn on_request(ctx) { }", "`on_chunk`", None),
        ("fn on_request(ctx) { unknown_variable }", "", Some(1)),
        ("fn on_request(ctx) { import \"x\" as y; }", "", Some(1)),
        ("fn on_request(ctx) { eval(\"1\") }", "", Some(1)),
        ("let x = 1 / 0;", "top level fails", Some(1)),
        ("loop { }", "top level", None),
        ("fn on_request(ctx) { ctx.req.default }", "", Some(1)),
    ] {
        let (_, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
        let problem = problems.iter().next().unwrap_or_else(|| panic!("nothing is wrong with {source}"));
        assert!(problem.message.contains(words), "{source}: {problem}");
        let Some(crate::problem::Source::File { file, line: found, .. }) = &problem.source else { panic!("{problem}") };
        assert!(file.ends_with(Path::new("p.rhai")) && (line.is_none() || *found == line), "{source}: {problem}");
    }
    let (_, problems) =
        load(&[("a.rhai", "//! name = \"x\""), ("b.rhai", "//! name = \"x\"")], PluginsSettings::default());
    assert!(problems.to_string().contains("is the name of"), "{problems}");
}

#[test]
fn settings_have_types_and_defaults() {
    let source = "//! name = \"p\"\n//! [config.limit]\n//! type = \"number\"\n//! default = 3\nfn on_request(ctx) { ctx.req.set(\"/limit\", ctx.config.limit); }";
    let with = |settings: serde_json::Value| {
        let serde_json::Value::Object(map) = settings else { panic!("no table") };
        load(
            &[("p.rhai", source)],
            PluginsSettings { settings: [("p".to_owned(), map)].into(), ..PluginsSettings::default() },
        )
    };
    for (settings, expected) in
        [(serde_json::json!({}), "\"limit\":3"), (serde_json::json!({ "limit": 5 }), "\"limit\":5")]
    {
        let (plugins, problems) = with(settings);
        assert!(problems.is_empty(), "{problems}");
        let Ok(Verdict::Continue(body)) = session(&plugins).on_request(Bytes::from_static(b"{}")) else {
            panic!("no body")
        };
        assert!(String::from_utf8_lossy(&body).contains(expected));
    }
    assert!(
        with(serde_json::json!({ "limit": "five" }))
            .1
            .to_string()
            .contains("plugins.settings.p.limit: must be a number")
    );
    assert!(with(serde_json::json!({ "limmit": 5 })).1.to_string().contains("the plugin has `limit`"));
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

/// Of the bombs, those that the language itself makes harmless.
const HARMLESS: &[&str] = &["1 << 1000;"];

/// Each of these would hang, eat the memory or end the process without limits. Each must come back as an error, in time.
#[test]
fn bombs_go_off_inside() {
    const BOMBS: &[&str] = &[
        "loop { }",
        "while true { let x = 1; }",
        "let s = \"x\"; loop { s += s; }",
        "let s = \"aaaaaaaa\"; for i in 0..30 { s = s.replace(\"a\", s); }",
        "let s = \"a\"; for i in 0..40 { s = s + s; }",
        "let a = []; loop { a.push(a.len()); }",
        "let a = [1]; loop { a += a; }",
        "let a = []; a.pad(1_000_000_000, 0);",
        "let m = #{}; let i = 0; loop { m[\"k\" + i] = i; i += 1; }",
        "fn f(n) { f(n + 1) } f(0);",
        "let f = |f| f.call(f); f.call(f);",
        "let a = [3, 1, 2]; a.sort(|x, y| { loop { } });",
        "let a = []; for i in 0..5000 { a.push(i); } a.dedup(|x, y| { loop { } });",
        "let a = []; for i in 0..9000 { a.push(i); } a.map(|x| { loop { } });",
        "let a = []; a.push(a); loop { a.push(a); }",
        "let y = 0; for i in 0..1_000_000_000_000 { y += i; }",
        "sleep(10);",
        "let s = \"x\".split(\"\");",
        "regex_match(\"(a{1000}){1000}\", \"a\");",
        "regex_replace(\"a\", \"aaaaaaaaaaaaaaaa\", \"$0$0$0$0\").len(); regex_match(\"(\", \"\");",
        "let s = \"[\"; for i in 0..14 { s += s; } json_parse(s);",
        "json_parse(\"{\");",
        "throw #{ status: \"x\" };",
        "throw 42;",
        "throw #{ status: 99999999999, code: 5, message: #{} };",
        "let x = 9223372036854775807; x += 1;",
        "let x = -9223372036854775808; x / -1;",
        "1 << 1000;",
        "let a = [1]; a[99999999999];",
        "ctx.req.set(\"no pointer\", 1);",
        "ctx.req.get(5);",
        "ctx.chunk.text;",
        "ctx.model = \"x\";",
        "hash_bucket(\"x\", 0);",
        "print(ctx.nothing);",
        "let i = 0; loop { log_info(\"x\"); i += 1; }",
        "let s = \"ab\"; loop { s = s.to_upper() + s; }",
        "let a = [[]]; for i in 0..60 { a = [a, a]; } a.len(); let t = a == a; loop { }",
    ];
    let mut harmless = Vec::new();
    for bomb in BOMBS {
        // Functions cannot be inside of functions.
        let (function, code) = match bomb.split_once("} f(") {
            Some((function, rest)) if bomb.starts_with("fn ") => (format!("{function}}}"), format!("f({rest}")),
            _ => (String::new(), (*bomb).to_owned()),
        };
        let settings = PluginsSettings { timeout: Duration::from_millis(200), ..PluginsSettings::default() };
        let source = format!("{function}\nfn on_request(ctx) {{ {code} }}");
        let (plugins, problems) = load(&[("p.rhai", &source)], settings);
        if !problems.is_empty() {
            continue;
        }
        let result = session(&plugins).on_request(Bytes::from_static(BODY.as_bytes()));
        match result {
            Err(error) => assert!((400..600).contains(&error.status), "{bomb}: {error:?}"),
            Ok(_) => harmless.push(*bomb),
        }
    }
    assert_eq!(harmless, HARMLESS);
}

#[test]
fn the_page_for_authors_has_every_hook() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plugins.md")).unwrap_or_default();
    for row in HOOKS {
        let line = format!("| `{}` | {} | {} |", row.name, row.when, row.may);
        assert!(page.contains(&line), "docs/plugins.md lacks the line\n{line}");
    }
}

#[test]
fn shipped_plugins_load() {
    for folder in ["plugins", "plugins/examples"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut problems = Problems::new();
        let plugins =
            Plugins::load(&PluginsSettings { dir, ..PluginsSettings::default() }, &Reading::default(), &mut problems);
        assert!(problems.is_empty() && !plugins.list().is_empty(), "{folder}: {problems}");
    }
}
