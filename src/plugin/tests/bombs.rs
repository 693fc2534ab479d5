//! Hostile scripts.

use super::*;

/// The bombs that the language itself makes harmless.
const HARMLESS: &[&str] = &["1 << 1000;", "let m = #{}; for i in 0..3000 { m[\"k\" + i] = i; }"];

/// All bombs.
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
    "import \"../p\" as p;",
    "import \"p\" + 1 as p;",
    "ctx.state.set(\"x\", 1, 0);",
    "ctx.state.set(\"x\", 1, -5);",
    "let k = \"k\"; for i in 0..10 { k += k; } ctx.state.set(k, 1);",
    "for i in 0..100_000_000 { ctx.state.set(\"k\" + i, \"v\"); }",
    "for i in 0..100_000_000 { metric(\"n\", \"l\" + i); }",
    "metric(\"bad name\");",
    "metric(\"n\", \"l\", -1);",
    "ctx.text = \"x\";",
    "ctx.hold(1);",
    "ctx.req.texts = [];",
    "ctx.req.messages = [1];",
    "ctx.req.messages[99].text;",
    "let m = ctx.req.messages; ctx.req.messages = []; m[0].text = \"x\";",
    "let x = (); x.y.z;",
    "let s = \"a\"; for i in 0..19 { s += s; } regex_find_all(\"a\", s);",
    "let s = \"a\"; for i in 0..19 { s += s; } for i in 0..1000 { regex_replace(\"(a*)*b\", s, \"\"); }",
    "let m = #{}; for i in 0..3000 { m[\"k\" + i] = i; }",
    "let m = ctx.req.to_map(); for i in 0..100 { m = #{ a: m, b: m, c: m, d: m }; } ctx.req.set(\"/x\", m);",
    "let f = Fn(\"on_request\"); f.call(ctx);",
    "ctx.vars = #{ a: ctx }; ctx.req.set(\"/x\", ctx.vars);",
    "ctx.req.set(\"/\" + ctx.req.system, ctx);",
    "let a = []; for i in 0..2000 { a.push(a); }",
    "let a = [[]]; for i in 0..60 { a = [a, a]; } a.len(); let t = a == a; loop { }",
];

/// Without limits, each of these would hang, exhaust memory or crash the process. Each must fail with an error in
/// time.
#[test]
fn bombs_go_off_inside() {
    let mut harmless = Vec::new();
    for bomb in BOMBS {
        // Functions cannot be nested, so they move to the top level.
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

/// The deepest nesting that a script can have, at the deepest recursion, on a stack of the size that the server's
/// threads have.
#[test]
fn the_deepest_nesting_fits_the_stack() {
    let nested = |depth: usize| {
        let inner =
            (0..depth).fold("f(n + 1)".to_owned(), |inner, _| format!("if true {{ 1 + {inner} }} else {{ 0 }}"));
        format!("fn f(n) {{ {inner} }}\nfn on_request(ctx) {{ f(0); }}")
    };
    let compiles = |source: &String| !load(&[("p.rhai", source)], PluginsSettings::default()).1.has_errors();
    let source = (1..40).rev().map(nested).find(compiles).unwrap();
    let deep = move || {
        let (plugins, problems) = load(&[("p.rhai", &source)], PluginsSettings::default());
        assert!(problems.is_empty(), "{problems}");
        assert!(session(&plugins).on_request(Bytes::from_static(b"{}")).is_err());
    };
    std::thread::Builder::new().stack_size(4 * 1024 * 1024).spawn(deep).unwrap().join().unwrap();
}
