//! Requests during valid and invalid reloads: none fails, none is cut off, and none is answered by two
//! configurations.
//!
//! A plugin marks each request and each piece of each answer with a word from the configuration, and a header of
//! the answer names the generation that produced it: the three must agree. `scripts/reload_load` runs a longer
//! version.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::{Reply, Server, with_keys};

const MARKING: &str = r#"//! name = "marking"
//! [config.mark]
//! type = "string"
//! default = ""
fn on_request(ctx) {
    ctx.req.set("/messages/0/content", ctx.req.get("/messages/0/content") + " <in " + ctx.config.mark + ">");
}
fn on_response(ctx) {
    ctx.res.text = ctx.res.text + " <out " + ctx.config.mark + ">";
}
fn on_chunk(ctx) {
    let text = ctx.chunk.text;
    if text != "" {
        ctx.chunk.text = text + " <out " + ctx.config.mark + ">";
    }
}
"#;

fn configuration(mark: &str) -> String {
    let model = if mark.len().is_multiple_of(2) { "gemini-2.5-flash" } else { "gemini-2.5-pro" };
    let keys = with_keys(&["gemini-key-one-0000000000"]);
    format!("{keys}[models.aliases]\nmine = \"{model}\"\n[plugins.settings.marking]\nmark = \"{mark}\"\n")
}

/// Ways to save something bad. Each gets the folder and a good text.
type Spoil = fn(&Path, &str);

const SPOILED: &[(&str, Spoil)] = &[
    ("broken off", |dir, good| save(dir, &good[..good.len() - 5])),
    ("a table that does not end", |dir, good| save(dir, &format!("{good}[server\n"))),
    ("an unknown section", |dir, good| save(dir, &format!("{good}[sever]\n"))),
    ("an unknown setting", |dir, good| save(dir, &format!("{good}[upstream]\natempts = 1\n"))),
    ("a wrong type", |dir, good| save(dir, &format!("{good}[upstream]\nattempts = \"many\"\n"))),
    ("out of range", |dir, good| save(dir, &format!("{good}[upstream]\nattempts = 99\n"))),
    ("no duration", |dir, good| save(dir, &format!("{good}[cooldown]\nbase = \"soon\"\n"))),
    ("a table twice", |dir, good| save(dir, &format!("{good}[models.aliases]\n"))),
    ("a pool that is not there", |dir, good| {
        save(dir, &good.replace("[models.aliases]", "[models]\npool = \"no\"\n[models.aliases]"))
    }),
    ("a pool without keys", |dir, good| save(dir, &format!("{good}[pools.second]\nkeys = []\n"))),
    ("no model's name", |dir, good| save(dir, &good.replace("gemini-2.5", "../gemini"))),
    ("a variable that is not set", |dir, good| save(dir, &good.replace("gemini-key-one-0000000000", "env:NO_SUCH"))),
    ("a secret file that is not there", |dir, good| {
        save(dir, &good.replace("gemini-key-one-0000000000", "file:no/such"))
    }),
    ("what needs a restart", |dir, good| save(dir, &format!("{good}[server]\nheader_timeout = \"77s\"\n"))),
    ("a file that is not there to include", |dir, good| save(dir, &format!("include = [\"absent.toml\"]\n{good}"))),
    ("no text", |dir, _| std::fs::write(dir.join("config.toml"), b"\xff\xfe").unwrap()),
    ("no file", |dir, _| std::fs::remove_file(dir.join("config.toml")).unwrap()),
    ("a folder", |dir, _| {
        std::fs::remove_file(dir.join("config.toml")).unwrap();
        std::fs::create_dir(dir.join("config.toml")).unwrap();
    }),
    ("a plugin that is none", |dir, good| {
        save(dir, good);
        std::fs::write(dir.join("plugins/spoiled.rhai"), "fn on_request(ctx) { let").unwrap();
    }),
    ("a plugin with no such hook", |dir, good| {
        save(dir, good);
        std::fs::write(dir.join("plugins/spoiled.rhai"), "fn on_reqest(ctx) { }").unwrap();
    }),
];

/// As editors save: another file, then a rename.
fn save(dir: &Path, text: &str) {
    let _ = std::fs::remove_dir(dir.join("config.toml"));
    let _ = std::fs::remove_file(dir.join("plugins/spoiled.rhai"));
    std::fs::write(dir.join("saving.tmp"), text).unwrap();
    std::fs::rename(dir.join("saving.tmp"), dir.join("config.toml")).unwrap();
}

fn from_environment(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The generation an answer says it was made by, and the mark it bears; or what is wrong with it.
fn judged(number: usize, stream: bool, reply: &Reply) -> Result<(u64, String), String> {
    let wrong = |what: &str| format!("{number}: {what}: {} {}", reply.status, reply.text);
    if reply.status != 200 {
        return Err(wrong("failed"));
    }
    let text = if stream {
        let (text, finish) = reply.gathered();
        if !(reply.events().1 && finish.as_deref() == Some("stop")) {
            return Err(wrong("cut off"));
        }
        text
    } else {
        reply.json()["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
    };
    let version =
        reply.headers.get("x-gemini-adapter-config").and_then(|version| version.split('-').next()?.parse().ok());
    let mark = text.rsplit("<out ").next().and_then(|rest| rest.split('>').next()).unwrap_or_default().to_owned();
    // Without what was added to the answer, it is the request as this configuration marks it.
    let said = text.replace(&format!(" <out {mark}>"), "");
    match version {
        Some(generation) if said == format!("You said: number {number} <in {mark}>") => Ok((generation, mark)),
        _ => Err(wrong("two configurations")),
    }
}

async fn ask(server: &Server, number: usize) -> Result<(u64, String), String> {
    let stream = number % 10 < 3;
    let messages = json!([{ "role": "user", "content": format!("number {number}") }]);
    let reply = server.chat(json!({ "model": "mine", "stream": stream, "messages": messages })).await;
    judged(number, stream, &reply)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_feels_a_reload() {
    let (requests, reloads) = (from_environment("RELOAD_REQUESTS", 2_000), from_environment("RELOADS", 40));
    assert!(reloads >= 2 * SPOILED.len(), "RELOADS must be at least {}", 2 * SPOILED.len());
    let server = Arc::new(Server::configured(&configuration("0"), &[("marking.rhai", MARKING)]).await);
    let next = Arc::new(AtomicUsize::new(0));
    let work = || {
        let (server, next) = (server.clone(), next.clone());
        tokio::spawn(async move {
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= requests {
                    return answers;
                }
                answers.push(ask(&server, number).await);
            }
        })
    };
    let workers: Vec<_> = (0..16).map(|_| work()).collect();
    let mut marks = BTreeMap::from([(1, "0".to_owned())]);
    let (mut refused, every) = (0, reloads / SPOILED.len());
    for round in 1..=reloads {
        // One after so many requests, so that all of them fall among the traffic.
        while next.load(Ordering::Relaxed) < requests / (reloads + 2) * round {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mark = round.to_string();
        let spoiled = if round.is_multiple_of(every) { SPOILED.get(round / every - 1) } else { None };
        match spoiled {
            Some((_, spoil)) => spoil(server.dir.path(), &configuration(&mark)),
            None => save(server.dir.path(), &configuration(&mark)),
        }
        let reload = server.admin("POST", "/admin/reload").await;
        let expected = if spoiled.is_some() { 422 } else { 200 };
        assert_eq!(reload.status, expected, "{:?}: {}", spoiled.map(|(name, _)| name), reload.text);
        match spoiled {
            Some(_) => refused += 1,
            None => _ = marks.insert(reload.json()["generation"].as_u64().unwrap(), mark),
        }
    }
    let mut answers = Vec::new();
    for worker in workers {
        answers.extend(worker.await.unwrap());
    }
    let mut wrong: Vec<String> = Vec::new();
    let mut seen = BTreeMap::new();
    for answer in &answers {
        match answer {
            Ok((generation, mark)) if marks.get(generation) == Some(mark) => *seen.entry(*generation).or_insert(0) += 1,
            Ok((generation, mark)) => wrong.push(format!("generation {generation} answers with the mark {mark}")),
            Err(what) => wrong.push(what.clone()),
        }
    }
    assert_eq!((answers.len(), refused), (requests, SPOILED.len()));
    assert!(wrong.is_empty(), "{} of {requests}:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    eprintln!(
        "{requests} requests over {reloads} reloads, {refused} of them refused: all whole, each by one of {} configurations",
        seen.len()
    );
}
