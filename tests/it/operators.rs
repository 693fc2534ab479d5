//! The commands for operators: their output and exit codes.

use std::os::unix::fs::PermissionsExt;
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

/// The file of variables may have another name than `.env`.
#[test]
fn the_doctor_sees_keys_that_others_can_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own.env");
    std::fs::write(&file, format!("GEMINI_API_KEYS=AIza{}\n", "x".repeat(35))).unwrap();
    let asked = ["doctor", "--offline", "--env-file", "own.env"];
    for (mode, seen) in [(0o644, true), (0o640, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let out = said(dir.path(), &asked, &[("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY)]).out;
        assert_eq!(out.contains("chmod 640 own.env"), seen, "{out}");
    }
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
    assert!(smoke.code == Some(0) && smoke.out.matches('✓').count() == 7, "{}", smoke.out);
    let wrong = ask(&["smoke", "--json"], "wrong-key-00000000000000");
    let told: Value = serde_json::from_str(&wrong.out).unwrap();
    assert_eq!((wrong.code, &told["ok"]), (Some(1), &Value::Bool(false)), "{told:#}");
    let models = ask(&["models"], CLIENT_KEY);
    assert!(models.code == Some(0) && models.out.contains("gpt-4o"), "{}", models.out);
    let nobody = said(dir.path(), &["smoke", "--server", "http://127.0.0.1:1"], &[]);
    assert_eq!(nobody.code, Some(69), "{}", nobody.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn top_prints_how_a_running_server_stands() {
    let config =
        format!("{}[telemetry]\nrequests = 10\n", crate::harness::with_keys(&[KEYS[0], "gemini-key-minute-0000000"]));
    let server = Server::configured(&config, &[]).await;
    for _ in 0..4 {
        server.say("hi").await;
    }
    let dir = tempfile::tempdir().unwrap();
    let once = |more: &[&str], key: &str| {
        let at =
            ["top", "--once", "--columns", "80", "--lines", "24", "--server", &server.url, "--admin-key", "env:KEY"];
        said(dir.path(), &[&at, more].concat(), &[("KEY", key)])
    };
    let Said { code, out } = once(&[], crate::harness::ADMIN_KEY);
    let lines: Vec<&str> = out.lines().collect();
    assert!(code == Some(0) && lines.len() == 24 && lines.iter().all(|line| line.chars().count() <= 80), "{out}");
    assert!(lines[0].starts_with("gemini-adapter ") && lines[0].contains("configuration 1-"), "{out}");
    for words in
        ["2 of 2 can serve", "3.8-flash", "● ", "◔ ", "In flight: 0", "Finished, latest first: 4", " 200 ", "q quit"]
    {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(!out.contains("gemini-key") && !out.contains(CLIENT_KEY), "{out}");
    let Said { out, .. } = once(&["--filter", "nothing-of-this-name"], crate::harness::ADMIN_KEY);
    assert!(out.contains("0 of 0 can serve") && out.contains("Finished, latest first: 0"), "{out}");
    assert_eq!(once(&[], "wrong-key-00000000000000").code, Some(1));
    assert_eq!(
        said(
            dir.path(),
            &["top", "--once", "--server", "http://127.0.0.1:1", "--admin-key", "env:KEY"],
            &[("KEY", "x")]
        )
        .code,
        Some(69)
    );
    let piped = said(
        dir.path(),
        &["top", "--server", &server.url, "--admin-key", "env:KEY"],
        &[("KEY", crate::harness::ADMIN_KEY)],
    );
    assert!(piped.code == Some(1) && piped.out.contains("--once"), "{}", piped.out);
}

/// Answers each command as a Redis does that has nothing to say.
fn obliging(mut stream: impl std::io::Read + std::io::Write) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        let commands = buffer[..read].iter().filter(|byte| **byte == b'*').count();
        if stream.write_all("+OK\r\n".repeat(commands).as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn the_doctor_finds_a_redis_at_a_socket_and_in_tls() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("redis.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(obliging));
    let doctor = |url: &str, more: &[(&str, &str)]| {
        let variables = [
            ("GEMINI_API_KEYS", KEYS[0]),
            ("SECURITY_ADAPTER_API_KEYS", CLIENT_KEY),
            ("GEMINI_BASE_URL", "http://127.0.0.1:1"),
            ("DATABASE_REDIS_URL", url),
        ];
        said(dir.path(), &["doctor"], &[&variables, more].concat()).out
    };
    let out = doctor(&format!("redis+unix://{}", socket.display()), &[]);
    assert!(out.contains("✓ redis") && out.contains("redis.sock answers"), "{out}");
    let out = doctor("redis+unix:///nowhere/redis.sock", &[]);
    assert!(out.contains("! redis") && out.contains("No such file"), "{out}");
    let (config, issuer) = crate::tls::stand_in(dir.path());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rediss://:canary-password@localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = tokio_rustls::rustls::ServerConnection::new(config.clone()).unwrap();
            std::thread::spawn(move || obliging(tokio_rustls::rustls::StreamOwned::new(connection, stream)));
        }
    });
    let out = doctor(&url, &[("SSL_CERT_FILE", &issuer)]);
    assert!(out.contains("✓ redis") && out.contains("localhost") && !out.contains("canary"), "{out}");
    let out = doctor(&url, &[]);
    assert!(out.contains("! redis") && out.contains("certificate") && !out.contains("canary"), "{out}");
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
