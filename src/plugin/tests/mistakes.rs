//! Mistakes in scripts and settings: found at load, with position and hint.

use super::*;

#[test]
fn mistakes_are_found_at_load_with_their_place() {
    for (source, words, line) in [
        ("fn on_request(ctx) {\n  let x = ;\n}", "", Some(2)),
        ("fn on_reqest(ctx) { }", "`on_reqest` is not a hook", Some(1)),
        ("fn on_request(a, b) { }", "must take one argument", Some(1)),
        ("//! colour = 1\nfn on_request(ctx) { }", "header is wrong", Some(1)),
        ("//! name = \"x\"\n//! api = 2\nfn on_request(ctx) { }", "version 2", Some(2)),
        ("//! hooks = [\"on_chunk\"]\nfn on_request(ctx) { }", "`on_chunk`", Some(1)),
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
    for (source, hint) in [
        ("//! tiemout_ms = 5", "did you mean `timeout_ms`?"),
        ("//! when = { model = [\"a\"] }", "did you mean `models`?"),
        ("fn on_reqest(ctx) { }", "did you mean `on_request`?"),
        ("import \"txet\" as t;", "did you mean `text`?"),
        ("//! hooks = [\"on_request\"]", "remove it from the header"),
    ] {
        let (_, problems) = load(&[("p.rhai", source), ("lib/text.rhai", "fn f() { }")], PluginsSettings::default());
        assert!(problems.to_string().contains(hint), "{source}: {problems}");
    }
    for (header, words, place) in [
        ("//! [config.a]\n//! type = \"number\"\n//! default = \"x\"", "the default of `a` must be a number", (1, 5)),
        ("//! [config.a]\n//! type = \"strong\"", "unknown variant `strong`", (2, 12)),
        ("//! name = \"a\"\n  //!   api = 7", "version 7", (2, 9)),
        ("//! timeout_ms = 0", "between 1 and 10000", (1, 5)),
        ("//! max_operations = 0", "between 1 and 10000000", (1, 5)),
        ("//! name = ", "header is wrong", (1, 12)),
    ] {
        let (_, problems) = load(&[("p.rhai", header)], PluginsSettings::default());
        let problem = problems.iter().next().unwrap_or_else(|| panic!("nothing is wrong with {header}"));
        let Some(crate::problem::Source::File { line, column, .. }) = problem.source else { panic!("{problem}") };
        assert!(problem.message.contains(words), "{header}: {problem}");
        assert_eq!((line, column), (Some(place.0), Some(place.1)), "{header}: {problem}");
    }
    let (_, problems) =
        load(&[("a.rhai", "//! name = \"x\""), ("b.rhai", "//! name = \"x\"")], PluginsSettings::default());
    assert!(problems.to_string().contains("is also the name of"), "{problems}");
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
    assert!(with(serde_json::json!({ "limmit": 5 })).1.to_string().contains("did you mean `limit`?"));
}

#[test]
fn a_plugin_looks_at_its_settings_before_it_is_live() {
    let source = "fn on_load(ctx) { if ctx.config.url == \"\" { throw #{ message: \"give it a url\" }; } let x = 1 / ctx.config.n; }";
    let source = format!(
        "//! [config.url]\n//! type = \"string\"\n//! default = \"\"\n//! [config.n]\n//! type = \"integer\"\n//! default = 1\n{source}"
    );
    let with = |settings: serde_json::Value| {
        let serde_json::Value::Object(map) = settings else { panic!("no table") };
        let settings = [("p".to_owned(), map)].into();
        load(&[("p.rhai", &source)], PluginsSettings { settings, ..PluginsSettings::default() }).1.to_string()
    };
    assert!(with(serde_json::json!({})).contains("give it a url"));
    assert_eq!(with(serde_json::json!({ "url": "x" })), "");
    let failing = with(serde_json::json!({ "url": "x", "n": 0 }));
    assert!(failing.contains("its `on_load` fails: Division by zero"), "{failing}");
}

#[test]
fn its_own_tests_must_pass_unless_nobody_asks() {
    let plugin = ("p.rhai", "fn on_request(ctx) { ctx.req.model = \"b\"; }");
    let case = |expected: &str| {
        format!(
            "[[case]]\nname = \"good\"\n\n[[case]]\nname = \"it\"\nrequest = {{ model = \"a\" }}\nexpect.request = {{ model = \"{expected}\" }}\n"
        )
    };
    let (_, problems) = load(&[plugin, ("tests/p.toml", &case("b"))], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let wrong = [plugin, ("tests/p.toml", &case("c"))];
    let (_, problems) = load(&wrong, PluginsSettings::default());
    let told = problems.to_string();
    assert!(
        told.contains("tests/p.toml:4:1: error: the test `it` of `p` fails")
            && told.contains("must be \"c\", is \"b\""),
        "{told}"
    );
    let (_, problems) = load(&wrong, PluginsSettings { run_tests: false, ..PluginsSettings::default() });
    assert!(problems.is_empty(), "{problems}");
    let (_, problems) = load(&[plugin, ("tests/q.toml", "")], PluginsSettings::default());
    assert!(!problems.has_errors() && problems.to_string().contains("there is no plugin `q.rhai`"), "{problems}");
    let (_, problems) = load(&[plugin, ("tests/p.toml", "[[case]]\nname = 1")], PluginsSettings::default());
    assert!(problems.to_string().contains("tests/p.toml:2:8: error"), "{problems}");
}

#[test]
fn a_name_that_is_none_is_told_with_the_nearest_one() {
    for (code, near) in [
        ("ctx.req.last_user_txt += 1;", "did you mean `last_user_text`?"),
        ("regex_mach(`a`, `b`);", "did you mean `regex_match`?"),
        ("ctx.confg.x;", "did you mean `config`?"),
        ("ctx.config.nothing;", "Property not found"),
    ] {
        let source = format!("fn on_load(ctx) {{ }} fn on_request(ctx) {{ {code} }}");
        let case = "[[case]]\nname = \"it\"\nrequest = {}";
        let (_, problems) = load(&[("p.rhai", &source), ("tests/p.toml", case)], PluginsSettings::default());
        assert!(problems.to_string().contains(near), "{code}: {problems}");
    }
}
