//! Configuration changes while the server runs: applied immediately or rejected as a whole, and never visible to a
//! request in flight.

use gemini_adapter::runtime::watch;
use serde_json::json;

use crate::harness::{ADMIN_KEY, Server, eventually, with_keys};

const KEYS: &[&str] = &["gemini-key-one-0000000000"];

fn aliased(model: &str) -> String {
    format!("{}[models]\n[models.aliases]\n\"mine\" = \"{model}\"\n", with_keys(KEYS))
}

async fn model_of(server: &Server) -> String {
    server.simulator.reset();
    let reply = server.chat(json!({ "model": "mine", "messages": [{ "role": "user", "content": "hi" }] })).await;
    if reply.status != 200 {
        return format!("{}", reply.status);
    }
    server.simulator.arrivals()[0].model.clone()
}

fn replace(server: &Server, name: &str, text: &str) {
    // As editors save: another file, then a rename.
    let other = server.path("saving.tmp");
    std::fs::write(&other, text).unwrap();
    std::fs::rename(other, server.path(name)).unwrap();
}

#[tokio::test]
async fn saving_changes_the_running_server() {
    let server = Server::configured(&aliased("gemini-2.5-flash"), &[]).await;
    let _watch = watch(server.live.clone());
    let generation = || server.live.snapshot().generation;
    assert_eq!(model_of(&server).await, "gemini-2.5-flash");

    std::fs::write(server.path("config.toml"), aliased("gemini-2.5-pro")).unwrap();
    eventually("written in place", || generation() == 2).await;
    assert_eq!(model_of(&server).await, "gemini-2.5-pro");
    for (round, model) in [(3, "gemini-3.8-flash"), (4, "gemini-2.0-flash")] {
        replace(&server, "config.toml", &aliased(model));
        eventually("renamed into place", || generation() == round).await;
        assert_eq!(model_of(&server).await, model);
    }
    std::fs::write(server.path("plugins/a.rhai"), "fn on_route(ctx) { ctx.model = \"gemini-2.5-pro\"; }").unwrap();
    eventually("a plugin dropped in", || generation() == 5).await;
    assert_eq!(model_of(&server).await, "gemini-2.5-pro");
    std::fs::remove_file(server.path("plugins/a.rhai")).unwrap();
    eventually("a plugin taken away", || generation() == 6).await;
    assert_eq!(model_of(&server).await, "gemini-2.0-flash");
    std::fs::write(server.path(".env"), "GEMINI_MAX_RETRIES=1\n").unwrap();
    eventually(".env", || generation() == 7).await;
    assert_eq!(server.live.snapshot().config.settings.upstream.attempts, 2);
}

#[tokio::test]
async fn a_bad_save_changes_nothing() {
    let server = Server::configured(&aliased("gemini-2.5-flash"), &[]).await;
    let _watch = watch(server.live.clone());
    for (name, text, line) in [
        ("config.toml", "[server\n".to_owned(), json!(1)),
        ("config.toml", format!("{}[sever]\n", aliased("gemini-2.5-pro")), json!(6)),
        ("config.toml", aliased("../x"), json!(5)),
        // An editor that finds the disk full leaves this behind.
        ("config.toml", String::new(), json!(null)),
        ("plugins/a.rhai", "fn on_request(ctx) {\n  let x = ;\n}".to_owned(), json!(2)),
    ] {
        replace(&server, name, &text);
        eventually("the save is refused", || server.live.refused().is_some()).await;
        let config = server.admin("GET", "/admin/config").await.json();
        let problem = &config["refused"]["problems"][0];
        assert_eq!(problem["source"]["file"]["line"], line, "{text}: {config:#}");
        assert_eq!(config["generation"], 1);
        assert_eq!(model_of(&server).await, "gemini-2.5-flash", "{text}");
        let metrics = server.request("GET", "/metrics", Some(ADMIN_KEY), None).await.text;
        assert!(metrics.contains("gemini_adapter_config_last_reload_successful"));
        let reload = server.admin("POST", "/admin/reload").await;
        assert_eq!(reload.status, 422, "{}", reload.text);
        assert!(reload.json()["problems"].as_array().is_some_and(|problems| !problems.is_empty()));
        let _ = std::fs::remove_file(server.path("plugins/a.rhai"));
        replace(&server, "config.toml", &aliased("gemini-2.5-flash"));
        eventually("the mistake is taken back", || server.live.refused().is_none()).await;
    }
    assert_eq!(server.live.snapshot().generation, 1, "the same content is not a new generation");
}

#[cfg(unix)]
#[tokio::test]
async fn symbolic_links_that_are_swapped_are_seen() {
    use std::os::unix::fs::symlink;
    let server = Server::configured(&aliased("gemini-2.5-flash"), &[]).await;
    // As a ConfigMap is mounted: a link to a folder that is replaced under another name.
    for (folder, model) in [("v1", "gemini-2.5-flash"), ("v2", "gemini-2.5-pro"), ("v3", "gemini-3.8-flash")] {
        std::fs::create_dir(server.path(folder)).unwrap();
        std::fs::write(server.path(folder).join("config.toml"), aliased(model)).unwrap();
    }
    symlink("v1", server.path("..data")).unwrap();
    std::fs::remove_file(server.path("config.toml")).unwrap();
    symlink("..data/config.toml", server.path("config.toml")).unwrap();
    let _watch = watch(server.live.clone());
    for (round, folder) in [(2, "v2"), (3, "v3")] {
        symlink(folder, server.path("..new")).unwrap();
        std::fs::rename(server.path("..new"), server.path("..data")).unwrap();
        eventually("a link was swapped", || server.live.snapshot().generation == round).await;
    }
    assert_eq!(model_of(&server).await, "gemini-3.8-flash");
}

#[tokio::test]
async fn what_needs_a_restart_is_named_and_refused() {
    let server = Server::configured(&aliased("gemini-2.5-flash"), &[]).await;
    replace(&server, "config.toml", &format!("{}[server]\nheader_timeout = \"3s\"\n", aliased("gemini-2.5-pro")));
    let reload = server.admin("POST", "/admin/reload").await;
    assert_eq!(reload.status, 422);
    assert_eq!(reload.json()["problems"][0]["path"], "server.header_timeout");
    replace(&server, "config.toml", &format!("{}[log]\nformat = \"pretty\"\n", aliased("gemini-2.5-pro")));
    assert_eq!(server.admin("POST", "/admin/reload").await.json()["problems"][0]["path"], "log.format");
    assert_eq!(model_of(&server).await, "gemini-2.5-flash");
}

#[tokio::test]
async fn keys_keep_their_state_over_a_reload() {
    let server = Server::start(&["gemini-key-invalid-000000", "gemini-key-good-000000000"]).await;
    for _ in 0..3 {
        assert_eq!(server.say("hi").await.status, 200);
    }
    let text =
        format!("{}[upstream]\nattempts = 3\n", with_keys(&["gemini-key-good-000000000", "gemini-key-invalid-000000"]));
    replace(&server, "config.toml", &text);
    assert_eq!(server.admin("POST", "/admin/reload").await.json()["changed"], true);
    server.simulator.reset();
    for _ in 0..4 {
        assert_eq!(server.say("hi").await.status, 200);
    }
    assert_eq!(server.calls().get("gemini-key-invalid-000000"), None, "a dead key was brought back by a reload");
}

#[tokio::test]
async fn of_two_who_change_at_once_the_second_is_told() {
    let server = Server::configured(&aliased("gemini-2.5-flash"), &[]).await;
    let ask = async |path: &str, seen: &str| {
        let key = ("authorization", format!("Bearer {ADMIN_KEY}"));
        server.send("POST", path, &[key, ("if-match", seen.to_owned())], None).await
    };
    let seen = server.admin("GET", "/admin/config").await.headers["x-gemini-adapter-config"].clone();
    replace(&server, "config.toml", &aliased("gemini-2.5-pro"));
    assert_eq!(ask("/admin/reload", &format!("\"{seen}\"")).await.json()["generation"], 2);
    for path in ["/admin/reload", "/admin/config/rollback/1"] {
        let late = ask(path, &seen).await;
        assert_eq!((late.status, late.error()["code"].as_str()), (412, Some("precondition_failed")), "{}", late.text);
        assert!(late.text.contains(&server.live.snapshot().version()), "{}", late.text);
    }
    assert_eq!(model_of(&server).await, "gemini-2.5-pro");
    assert_eq!(ask("/admin/config/rollback/1", "*").await.json()["generation"], 3, "`*` is any");
}
