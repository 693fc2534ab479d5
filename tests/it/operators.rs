//! The commands that operators use: what each says, and its exit code.

use std::path::Path;

use serde_json::Value;

use crate::harness::{CLIENT_KEY, Server};
use crate::process::output;

const KEYS: &[&str] = &["gemini-key-one-0000000000", "gemini-key-two-0000000000"];

struct Said {
    code: Option<i32>,
    out: String,
}

fn said(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let done = output(dir, arguments, variables);
    Said { code: done.status.code(), out: String::from_utf8([done.stdout, done.stderr].concat()).unwrap() }
}

fn findings(dir: &Path, variables: &[(&str, &str)]) -> (Option<i32>, Vec<Value>) {
    let Said { code, out } =
        said(dir, &["doctor", "--offline", "--json", "--set", "server.listen=127.0.0.1:0"], variables);
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    (code, told["findings"].as_array().unwrap().clone())
}

fn about<'f>(findings: &'f [Value], name: &str) -> &'f Value {
    let found = findings.iter().find(|finding| finding["about"] == name);
    found.unwrap_or_else(|| panic!("nothing about {name}: {findings:#?}"))
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let good = [("GEMINI_API_KEYS", KEYS[0]), ("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY)];
    let (code, found) = findings(dir.path(), &good);
    assert_eq!(code, Some(0), "{found:#?}");
    assert_eq!(about(&found, "configuration")["state"], "good");
    assert_eq!(about(&found, "port")["state"], "good");
    assert_eq!(about(&found, "admin")["state"], "warning");
    assert!(about(&found, "admin")["fix"].as_str().unwrap().contains("SECURITY_ADMIN_API_KEYS"));
    let both = KEYS.join(",");
    let more = [
        ("GEMINI_API_KEYS", both.as_str()),
        ("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY),
        ("HTTPS_PROXY", "http://user:canary-password@proxy:3128"),
    ];
    let (code, found) = findings(dir.path(), &more);
    assert_eq!(code, Some(0));
    assert_eq!(about(&found, "shared quota")["state"], "warning");
    assert_eq!(about(&found, "proxy")["state"], "warning");
    let told = format!("{found:?}");
    assert!(!told.contains("canary-password") && !told.contains(KEYS[0]), "{told}");
    let (code, found) = findings(dir.path(), &[]);
    assert_eq!(code, Some(78), "no key at all");
    assert_eq!(about(&found, "configuration")["state"], "bad");
    let for_people = said(dir.path(), &["doctor", "--offline"], &[]);
    assert!(for_people.out.contains("✗ configuration") && for_people.out.contains("-> "), "{}", for_people.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_beyond_the_machine() {
    let server = Server::start(KEYS).await;
    let upstream = server.simulator.base_url();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("redis://:canary-password@{}", listener.local_addr().unwrap());
    drop(listener);
    let variables = [
        ("GEMINI_API_KEYS", KEYS[0]),
        ("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY),
        ("GEMINI_BASE_URL", &upstream),
        ("DATABASE_REDIS_URL", &nobody),
    ];
    let taken = format!("server.listen={}", server.url.trim_start_matches("http://"));
    let Said { code, out } = said(server.dir.path(), &["doctor", "--set", &taken], &variables);
    for line in ["✓ names", "✓ upstream", "! redis", "✓ port"] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert!(code == Some(0) && !out.contains("canary"), "{out}");
    let gone = [
        ("GEMINI_API_KEYS", KEYS[0]),
        ("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY),
        ("GEMINI_BASE_URL", "http://127.0.0.1:1"),
    ];
    let Said { code, out } = said(server.dir.path(), &["doctor"], &gone);
    assert!(code == Some(1) && out.contains("✗ upstream"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn smoke_and_models_ask_a_running_server() {
    let server = Server::start(KEYS).await;
    let dir = tempfile::tempdir().unwrap();
    let ask = |command: &[&str], key: &str| {
        let at = ["--server", &server.url, "--client-key", "env:KEY"];
        said(dir.path(), &[command, &at].concat(), &[("KEY", key)])
    };
    let smoke = ask(&["smoke", "--model", "gemini-3.8-flash"], CLIENT_KEY);
    assert!(smoke.code == Some(0) && smoke.out.matches('✓').count() == 5, "{}", smoke.out);
    let wrong = ask(&["smoke", "--json"], "wrong-key-00000000000000");
    let told: Value = serde_json::from_str(&wrong.out).unwrap();
    assert_eq!((wrong.code, &told["ok"]), (Some(1), &Value::Bool(false)), "{told:#}");
    let models = ask(&["models"], CLIENT_KEY);
    assert!(models.code == Some(0) && models.out.contains("gpt-4o"), "{}", models.out);
    let nobody = said(dir.path(), &["smoke", "--server", "http://127.0.0.1:1"], &[]);
    assert_eq!(nobody.code, Some(69), "{}", nobody.out);
}

#[test]
fn shells_and_man_know_each_command() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = said(dir.path(), &["completions", shell], &[]);
        assert!(script.code == Some(0) && script.out.contains("doctor"), "{shell}");
    }
    let page = said(dir.path(), &["man"], &[]);
    assert!(page.out.contains(".TH gemini-adapter") && page.out.contains("Exit codes"), "{}", page.out);
    assert_eq!(said(dir.path(), &["man", "pages"], &[]).code, Some(0));
    assert!(dir.path().join("pages/gemini-adapter-doctor.1").exists());
}
