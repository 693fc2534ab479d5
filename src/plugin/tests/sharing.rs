//! What plugins share (libraries, state, the machine), and shadow mode.

use serde_json::json;

use super::*;
use crate::fault::{Blame, Fault, Kind};

fn continued(plugins: &Plugins, body: &'static str) -> String {
    match session(plugins).on_request(Bytes::from_static(body.as_bytes())).unwrap() {
        Verdict::Continue(body) => String::from_utf8(body.to_vec()).unwrap(),
        Verdict::Reply(reply) => panic!("{reply:?}"),
    }
}

#[test]
fn libraries_are_imported_and_nothing_else_is() {
    let files = [
        ("p.rhai", "import \"words\" as w;\nfn on_request(ctx) { ctx.req.model = w::twice(\"a\"); }"),
        ("lib/words.rhai", "import \"signs\" as s;\nfn twice(x) { x + s::dash() + x }"),
        ("lib/signs.rhai", "const DASH = \"-\";\nfn dash() { global::DASH }"),
    ];
    let (plugins, problems) = load(&files, PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(continued(&plugins, r#"{"model":"x"}"#), r#"{"model":"a-a"}"#);
    for path in ["../p", "/etc/passwd", "lib/words", "words.rhai", "", "nothing"] {
        let source = format!("fn on_request(ctx) {{ import \"{path}\" as x; }}");
        let (_, problems) = load(&[("p.rhai", &source), ("lib/words.rhai", "")], PluginsSettings::default());
        assert!(problems.to_string().contains("there is no library"), "{path}: {problems}");
    }
    // A name that is only computed at run time finds nothing else either.
    let source = "fn on_request(ctx) { let p = \"../secret\"; import p as x; }";
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty() && session(&plugins).on_request(Bytes::from_static(b"{}")).is_err());
}

#[test]
fn libraries_that_are_wrong_are_told_once() {
    for (one, two, words) in [
        ("import \"two\" as t; fn f() { }", "import \"one\" as o; fn g() { }", "imports itself"),
        ("fn f( { }", "", "lib/one.rhai:1:"),
        ("loop { }", "", "lib/one.rhai"),
        ("let x = 1 / 0;", "", "Division by zero"),
    ] {
        let (_, problems) = load(&[("lib/one.rhai", one), ("lib/two.rhai", two)], PluginsSettings::default());
        assert!(problems.has_errors() && problems.to_string().contains(words), "{one}: {problems}");
    }
}

#[test]
fn plugins_remember_each_for_itself() {
    let count = "fn on_request(ctx) { ctx.req.set(\"/n\", ctx.state.incr(\"n\", 1, 60)); if ctx.state.get(\"seen\") == () { ctx.state.set(\"seen\", #{ a: [1] }); } else { ctx.req.set(\"/seen\", ctx.state.get(\"seen\")); } }";
    let other = "fn on_request(ctx) { ctx.req.set(\"/other\", ctx.state.get(\"n\") == ()); }";
    let (plugins, problems) = load(&[("a.rhai", count), ("b.rhai", other)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(continued(&plugins, "{}"), r#"{"n":1,"other":true}"#);
    assert_eq!(continued(&plugins, "{}"), r#"{"n":2,"seen":{"a":[1]},"other":true}"#);
    let table = crate::store::Table::new(STATE);
    let (plugins, _) = load(&[("a.rhai", count)], PluginsSettings::default());
    table.put("a/n", "41".into());
    plugins.remember_in(&table);
    assert_eq!(continued(&plugins, "{}"), r#"{"n":42}"#);
}

#[test]
fn one_in_shadow_changes_nothing_and_is_counted() {
    let source = "//! shadow = true\nfn on_request(ctx) { ctx.vars.n = 1; ctx.req.model = \"other\"; if ctx.req.last_user_text == \"bad\" { reject(403, \"no\", \"No.\"); } }\n\
                  fn on_route(ctx) { ctx.model = \"other\" + ctx.vars.n; }\nfn on_text(ctx) { ctx.replace(\"a\", \"b\"); }";
    let watcher = "fn on_request(ctx) { if \"n\" in ctx.vars { ctx.req.set(\"/leak\", true); } }";
    let (plugins, problems) = load(&[("p.rhai", source), ("q.rhai", watcher)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(continued(&plugins, BODY), BODY);
    let session = session(&plugins);
    session.on_request(Bytes::from_static(br#"{"messages":[{"role":"user","content":"bad"}]}"#)).unwrap();
    let mut route = RouteView { asked: "a".into(), model: "m".into(), fallback: Vec::new(), pool: "p".into() };
    session.on_route(&mut route).unwrap();
    assert_eq!(route.model, "m");
    let said = Bytes::from_static(br#"{"candidates":[{"content":{"parts":[{"text":"aa"}]},"finishReason":"STOP"}]}"#);
    assert_eq!(session.on_chunk(said.clone()).unwrap().unwrap(), said);
    let status = plugins.list().remove(0);
    let shadowed: Vec<u64> = status.hooks.iter().map(|hook| hook.shadowed).collect();
    assert_eq!((status.state, shadowed), ("shadow", vec![2, 1, 1]));
    let settings = PluginsSettings { shadow: vec!["q".into(), "x".into()], ..PluginsSettings::default() };
    let (plugins, problems) = load(&[("q.rhai", watcher)], settings);
    assert!(
        plugins.list()[0].state == "shadow" && problems.to_string().contains("there is no plugin `x`"),
        "{problems}"
    );
}

#[test]
fn one_in_shadow_that_changes_only_fallbacks_is_counted() {
    let source = "//! shadow = true\nfn on_route(ctx) { ctx.fallback = [\"other\"]; }";
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let mut route = RouteView { asked: "a".into(), model: "m".into(), fallback: Vec::new(), pool: "p".into() };
    session(&plugins).on_route(&mut route).unwrap();
    assert!(route.fallback.is_empty());
    assert_eq!(plugins.list().remove(0).hooks[0].shadowed, 1);
}

#[test]
fn failed_attempts_have_verdicts() {
    let source = r#"fn on_upstream_error(ctx) {
        if ctx.failure.kind == "rate_limited" { return cool_down(90); }
        if ctx.failure.status == 500 { return retry(); }
        if ctx.failure.message.contains("hopeless") { return fail(); }
        if ctx.failure.kind == "timeout" { reject(503, "later", "Later."); }
    }"#;
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let judge = |kind: Kind, status: Option<u16>, message: &str| {
        session(&plugins).on_upstream_error(&Fault { status, ..Fault::new(kind, Blame::Model, message) })
    };
    let rest = std::time::Duration::from_secs(90);
    assert_eq!(judge(Kind::RateLimited, Some(429), "").unwrap(), Some(AfterFailure::CoolDown(rest)));
    assert_eq!(judge(Kind::UpstreamError, Some(500), "").unwrap(), Some(AfterFailure::Retry));
    assert_eq!(judge(Kind::Unknown, None, "hopeless").unwrap(), Some(AfterFailure::Fail));
    assert_eq!(judge(Kind::Overloaded, None, "").unwrap(), None);
    assert_eq!(judge(Kind::Timeout, None, "").unwrap_err().status, 503);
}

#[test]
fn models_are_filtered_and_renamed() {
    let source = r#"fn on_models(ctx) {
        let kept = [];
        for model in ctx.models { if !glob("*secret*", model.id) { model.owned_by = "us"; kept.push(model); } }
        ctx.models = kept;
    }"#;
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let models =
        vec![json!({ "id": "a", "owned_by": "google", "created": 1 }), json!({ "id": "b-secret", "owned_by": "x" })];
    assert_eq!(session(&plugins).on_models(models).unwrap(), [json!({ "created": 1, "id": "a", "owned_by": "us" })]);
}

/// On a server with one worker thread, a long hook loops until another request sets a value. That never happens
/// unless the hook leaves the worker thread to the other request.
#[test]
fn a_long_hook_stops_no_other_request() {
    let source = "//! timeout_ms = 10000\n//! max_operations = 10000000\n\
                  fn on_request(ctx) { while ctx.state.get(\"go\") == () { } ctx.req.model = \"went\"; }";
    let (plugins, problems) = load(&[("p.rhai", source)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let table = crate::store::Table::new(STATE);
    plugins.remember_in(&table);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_stack_size(4 << 20).build().unwrap();
    runtime.block_on(async {
        let long = tokio::spawn(async move { continued(&plugins, r#"{"model":"x"}"#) });
        let other = tokio::spawn(async move { table.put("p/go", "true".into()) });
        other.await.unwrap();
        assert_eq!(long.await.unwrap(), r#"{"model":"went"}"#);
    });
}

#[test]
fn the_model_that_was_asked_for_is_the_clients_whoever_looks_first() {
    let edits = "//! priority = 1\nfn on_request(ctx) { ctx.req.model = \"edited\"; }";
    let looks = "fn on_request(ctx) { ctx.req.set(\"/seen\", ctx.asked + ctx.model); ctx.model += \"\"; }";
    let late = "fn on_error(ctx) { ctx.error.message = ctx.asked + \"|\" + ctx.model; }";
    let (plugins, problems) =
        load(&[("e.rhai", edits), ("l.rhai", looks), ("x.rhai", late)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(continued(&plugins, r#"{"model":"m"}"#), r#"{"model":"edited","seen":"mm"}"#);
    assert_eq!(continued(&plugins, r#"{"model":7}"#), r#"{"model":"edited","seen":""}"#);
    let (plugins, _) = load(&[("e.rhai", edits), ("x.rhai", late)], PluginsSettings::default());
    let session = session(&plugins);
    let told = || {
        let mut error = crate::error::Error::internal("why");
        session.on_error(&mut error);
        error.message
    };
    assert_eq!(told(), "|", "there was no request yet");
    session.on_request(Bytes::from_static(br#"{"model":"m"}"#)).unwrap();
    assert_eq!(told(), "m|", "there is no route yet");
    let (pool, fallback) = ("p".into(), Vec::new());
    session.on_route(&mut RouteView { asked: "n".into(), model: "g".into(), fallback, pool }).unwrap();
    assert_eq!(told(), "n|g");
}

#[test]
fn a_filter_follows_the_model() {
    let of_a = "//! when = { models = [\"a*\"] }\nfn on_upstream_request(ctx) { ctx.up.set(\"/a\", true); }";
    let of_b = "//! when = { models = [\"b*\"] }\nfn on_upstream_request(ctx) { ctx.up.set(\"/b\", true); }";
    let renames = "//! priority = 1\nfn on_request(ctx) { if ctx.header(\"x-rename\") == \"1\" { ctx.req.model = \"b-1\"; } }\n\
                   fn on_route(ctx) { if ctx.model == \"a-2\" { ctx.model = \"b-2\"; } }";
    let (plugins, problems) =
        load(&[("a.rhai", of_a), ("b.rhai", of_b), ("r.rhai", renames)], PluginsSettings::default());
    assert!(problems.is_empty(), "{problems}");
    let named = |headers| {
        let (id, client) = ("id".to_owned(), "c".to_owned());
        plugins.session(|| SessionFacts { id, api: "native", path: "/x", model: Some("a-1".into()), client, headers })
    };
    let sent = |session: &Session| session.on_upstream_request(1, Bytes::from_static(b"{}")).unwrap();
    let routed = |session: &Session, asked: &str, model: &str| {
        let (pool, fallback) = ("p".into(), Vec::new());
        session.on_route(&mut RouteView { asked: asked.into(), model: model.into(), fallback, pool }).unwrap();
    };
    // The first plugin changes the name in the URL, after a filter that saw the old one.
    let renamed = named(vec![("x-rename".into(), "0".into()), ("x-rename".into(), "1".into())]);
    assert_eq!(sent(&renamed), "{}", "nothing is known yet");
    renamed.on_request(Bytes::from_static(b"{}")).unwrap();
    assert_eq!((renamed.renamed().as_deref(), &sent(&renamed)[..]), (Some("b-1"), &br#"{"b":true}"#[..]));
    // The route changes it; a client's restriction holds whatever the model is.
    let session = named(Vec::new());
    session.on_request(Bytes::from_static(b"{}")).unwrap();
    assert_eq!((session.renamed(), &sent(&session)[..]), (None, &br#"{"a":true}"#[..]));
    routed(&session, "other", "a-2");
    assert_eq!(sent(&session), r#"{"b":true}"#);
    routed(&session, "a-1", "b-3");
    assert_eq!(sent(&session), r#"{"a":true,"b":true}"#);
    let session = session.only(Some(vec!["b".to_owned()].into()));
    assert_eq!(sent(&session), r#"{"b":true}"#);
}
