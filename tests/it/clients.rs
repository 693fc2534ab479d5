//! End-to-end tests of what clients may do: limits and budgets under concurrency, models, plugins, digests,
//! addresses; and what of it survives a reload and a restart.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{CLIENT_KEY, Reply, Server, eventually};
use crate::process::{Process, command, output, read, simulator};

const TEAM: &str = "test-team-key-000000000000";

/// A server with the client `team`, of which more is said.
async fn server(team: &str, more: &str, plugins: &[(&str, &str)]) -> Server {
    Server::configured(&config(team, more), plugins).await
}

fn config(team: &str, more: &str) -> String {
    format!(
        "{more}\n[pools.default]\nkeys = [\"gemini-key-one-0000000000\"]\n[[clients]]\nname = \"the team\"\nkey = {TEAM:?}\n{team}\n"
    )
}

async fn ask(server: &Server, path: &str, body: Value) -> Reply {
    server.request("POST", path, Some(TEAM), Some(body.to_string())).await
}

async fn say(server: &Server, prompt: &str) -> Reply {
    ask(server, "/v1/chat/completions", chat(prompt)).await
}

fn chat(prompt: &str) -> Value {
    json!({ "model": "gemini-3.8-flash", "messages": [{ "role": "user", "content": prompt }] })
}

fn statuses(replies: &[Reply]) -> BTreeMap<u16, usize> {
    let mut statuses = BTreeMap::new();
    replies.iter().for_each(|reply| *statuses.entry(reply.status).or_default() += 1);
    statuses
}

async fn used(server: &Server) -> Value {
    let clients = server.admin("GET", "/admin/clients").await.json();
    let clients = clients["clients"].as_array().unwrap();
    clients.iter().find(|client| client["name"] == "the team").unwrap()["used"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_exactly_as_many_pass_as_may() {
    for limit in ["rpm = 20", "rpd = 20"] {
        let server = server(limit, "", &[]).await;
        let replies = join_all((0..60).map(|_| say(&server, "hi"))).await;
        assert_eq!(statuses(&replies), BTreeMap::from([(200, 20), (429, 40)]), "{limit}");
        assert_eq!(server.calls().values().sum::<usize>(), 20);
        let refused = replies.iter().find(|reply| reply.status == 429).unwrap();
        assert_eq!(refused.error()["code"], "rate_limit_exceeded");
        assert_eq!(refused.error()["type"], "requests");
        let header = |name: &str| refused.headers.get(name).cloned().unwrap_or_default();
        assert_eq!(
            (header("x-ratelimit-limit-requests"), header("x-ratelimit-remaining-requests")),
            ("20".into(), "0".into())
        );
        assert!(header("retry-after").parse::<u64>().unwrap() > 0);
        assert!(!server.simulator.arrivals().is_empty());
        // Nobody else is limited, and no header speaks of limits that are not there.
        let other = server.say("hi").await;
        assert_eq!(other.status, 200);
        assert!(!other.headers.keys().any(|name| name.starts_with("x-ratelimit")), "{:?}", other.headers);
        let metrics = server.get("/metrics").await.text;
        let counted = "gemini_adapter_client_rejections_total{client=\"the team\",why=\"rate_limit_exceeded\"} 40";
        assert!(metrics.contains("gemini_adapter_client_rejections_total{client=\"the team\""), "{counted}: {metrics}");
    }
}

#[tokio::test]
async fn limits_are_told_in_each_vendors_words() {
    let server = server("rpm = 4\ntpm = 100000", "", &[]).await;
    let first = say(&server, "hi").await;
    let told = |name: &str| first.headers.get(&format!("x-ratelimit-{name}")).cloned().unwrap_or_default();
    assert_eq!(["limit-requests", "remaining-requests", "limit-tokens"].map(told), ["4", "3", "100000"]);
    assert!((1..100_000).contains(&told("remaining-tokens").parse::<u64>().unwrap()), "{:?}", first.headers);
    assert!(told("reset-requests").ends_with('s'));
    let messages =
        json!({ "model": "gemini-3.8-flash", "max_tokens": 99, "messages": [{ "role": "user", "content": "hi" }] });
    let anthropic = ask(&server, "/v1/messages", messages.clone()).await;
    assert_eq!(anthropic.headers["anthropic-ratelimit-requests-remaining"], "2");
    assert!(anthropic.headers["anthropic-ratelimit-requests-reset"].ends_with('Z'), "{:?}", anthropic.headers);
    for _ in 0..2 {
        assert_eq!(say(&server, "hi").await.status, 200);
    }
    let refused = ask(&server, "/v1/messages", messages).await;
    assert_eq!((refused.status, refused.json()["error"]["type"].as_str()), (429, Some("rate_limit_error")));
    let native = json!({ "contents": [{ "parts": [{ "text": "hi" }] }] });
    let refused = ask(&server, "/v1beta/models/gemini-3.8-flash:generateContent", native).await;
    assert_eq!((refused.status, refused.json()["error"]["status"].as_str()), (429, Some("RESOURCE_EXHAUSTED")));
    // A reload changes the limit, not the count.
    std::fs::write(server.path("config.toml"), config("rpm = 5", "")).unwrap();
    assert_eq!(server.admin("POST", "/admin/reload").await.status, 200);
    assert_eq!([say(&server, "hi").await.status, say(&server, "hi").await.status], [200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_at_once_and_no_more() {
    let server = server("concurrency = 3", "", &[]).await;
    for stream in [false, true] {
        let mut body = chat("[[sim:slow delay_ms=700]] hi");
        body["stream"] = stream.into();
        let replies = join_all((0..10).map(|_| ask(&server, "/v1/chat/completions", body.clone()))).await;
        assert_eq!(statuses(&replies), BTreeMap::from([(200, 3), (429, 7)]));
    }
    // Whoever leaves gives its place free.
    let slow = chat("[[sim:slow delay_ms=60000]] hi");
    let mut slow: Vec<_> = (0..3).map(|_| Box::pin(ask(&server, "/v1/chat/completions", slow.clone()))).collect();
    let arrived = || server.simulator.arrivals().len() == 9;
    tokio::select! {
        _ = join_all(slow.iter_mut()) => panic!("they are slow"),
        () = eventually("they are under way", arrived) => {}
    }
    assert_eq!(say(&server, "hi").await.status, 429);
    drop(slow);
    for _ in 0..3000 {
        if used(&server).await["in_flight"] == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(say(&server, "hi").await.status, 200);
}

fn tokens(reply: &Reply) -> u64 {
    reply.json()["usage"]["total_tokens"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_is_booked_to_the_token_and_a_budget_ends() {
    let server = server("monthly_tokens = 2000\ntpm = 1000000", "", &[]).await;
    let prompts: Vec<String> = (0..20).map(|number| format!("[[sim:long chunks={}]]", 1 + number % 5)).collect();
    let replies = join_all(prompts.iter().map(|prompt| say(&server, prompt))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let mut sum: u64 = replies.iter().map(tokens).sum();
    assert!(sum > 0 && sum < 2000, "{sum}");
    assert_eq!(used(&server).await["tokens_this_month"], sum);
    let refused = loop {
        let reply = say(&server, "[[sim:long chunks=9]]").await;
        if reply.status != 200 {
            break reply;
        }
        assert!(sum < 2000, "it was spent before");
        sum += tokens(&reply);
    };
    assert!(sum >= 2000, "{sum}");
    assert_eq!(used(&server).await["tokens_this_month"], sum);
    assert_eq!((refused.status, refused.error()["code"].as_str()), (429, Some("insufficient_quota")));
    assert_eq!(refused.headers["x-should-retry"], "false");
    // Streams are booked too, and nobody pays for what is refused.
    assert_eq!(
        used(&server).await["requests_today"].as_u64().unwrap() as usize,
        server.calls().values().sum::<usize>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_in_money() {
    let prices = "[models.prices.\"gemini-3.8-*\"]\ninput = 100.0\noutput = 200.0\n";
    let server = server("monthly_usd = 1.0", prices, &[]).await;
    let mut stream = chat("[[sim:long chunks=5]]");
    stream["stream"] = true.into();
    stream["stream_options"] = json!({ "include_usage": true });
    let streamed = ask(&server, "/v1/chat/completions", stream).await;
    let whole = say(&server, "[[sim:long chunks=5]]").await;
    let cost = |usage: &Value| {
        (usage["prompt_tokens"].as_u64().unwrap() * 100 + usage["completion_tokens"].as_u64().unwrap() * 200) as f64
            / 1e6
    };
    let usage_of_stream = streamed.events().0.last().unwrap()["usage"].clone();
    let expected = cost(&whole.json()["usage"]) + cost(&usage_of_stream);
    let spent = used(&server).await["usd_this_month"].as_f64().unwrap();
    assert!((spent - expected).abs() < 1e-9 && spent > 0.0, "{spent} {expected}");
    let unpriced = ask(
        &server,
        "/v1/chat/completions",
        json!({ "model": "gemini-unheard-of", "messages": chat("x")["messages"] }),
    )
    .await;
    assert_eq!((unpriced.status, unpriced.error()["code"].as_str()), (403, Some("price_unknown")));
    let mut last = 200;
    for _ in 0..200 {
        last = say(&server, "[[sim:long chunks=40 size=200]]").await.status;
        if last != 200 {
            break;
        }
    }
    assert_eq!(last, 429);
    assert!(used(&server).await["usd_this_month"].as_f64().unwrap() >= 1.0);
}

#[tokio::test]
async fn a_client_has_its_models_and_its_plugins() {
    const LOUD: &str = "//! name = \"loud\"\nfn on_text(ctx) { ctx.text = ctx.text.to_upper(); }\n";
    let team = "models = [\"gpt-4o\", \"gemini-2.5-*\"]\nplugins = []";
    let server = server(team, "", &[("loud.rhai", LOUD)]).await;
    for (model, status) in [
        ("gpt-4o", 200),
        ("gemini-2.5-flash", 200),
        ("models/gemini-2.5-flash", 200),
        ("gemini-3.8-flash", 404),
        ("gpt-4o-mini", 404),
        ("anything", 404),
    ] {
        let reply =
            ask(&server, "/v1/chat/completions", json!({ "model": model, "messages": chat("quiet")["messages"] }))
                .await;
        assert_eq!(reply.status, status, "{model}: {}", reply.text);
        if status == 404 {
            assert_eq!(reply.error()["code"], "model_not_found");
        } else {
            assert!(reply.json()["choices"][0]["message"]["content"].as_str().unwrap().contains("quiet"));
        }
    }
    // Google's own list shows what may be used, and so does each model of it.
    let key = |path: &'static str| server.request("GET", path, Some(TEAM), None);
    let listed = key("/v1beta/models?pageSize=1000").await.json();
    let names: Vec<&str> =
        listed["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert!(names.len() > 1 && names.iter().all(|name| name.starts_with("models/gemini-2.5-")), "{names:?}");
    for (path, status) in [
        ("/v1beta/models/gemini-2.5-flash", 200),
        ("/v1beta/models/gpt-4o", 200),
        ("/v1beta/models/gemini-3.8-flash", 404),
    ] {
        assert_eq!(key(path).await.status, status, "{path}");
    }
    let native = json!({ "contents": [{ "parts": [{ "text": "hi" }] }] });
    let path = "/v1beta/models/gemini-3.8-flash:generateContent";
    assert_eq!(ask(&server, path, native).await.status, 404);
    let listed = server.request("GET", "/v1/models", Some(TEAM), None).await.json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"gpt-4o") && !ids.contains(&"gpt-4o-mini") && !ids.contains(&"gemini-3.8-flash"), "{ids:?}");
    // The others have all of both.
    let loud = server.say("quiet").await;
    assert!(loud.json()["choices"][0]["message"]["content"].as_str().unwrap().contains("QUIET"), "{}", loud.text);
}

#[tokio::test]
async fn a_digest_is_as_good_as_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let made = output(dir.path(), &["clients", "new", "the team"], &[]);
    let made = String::from_utf8(made.stdout).unwrap();
    let key = made.split_whitespace().find(|word| word.starts_with("gk_")).unwrap().to_owned();
    let table = made.split_once('\n').unwrap().1;
    assert!(table.contains("sha256:") && !table.contains(&key), "{made}");
    let mut child =
        command(dir.path()).args(["clients", "digest"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{key}\n").as_bytes()).unwrap();
    let digest = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(table.contains(digest.trim()), "{digest} is not in {table}");
    let config = format!("[pools.default]\nkeys = [\"gemini-key-one-0000000000\"]\n{table}");
    let server = Server::configured(&config, &[]).await;
    let ask = async |key: &str| {
        server.request("POST", "/v1/chat/completions", Some(key), Some(chat("hi").to_string())).await.status
    };
    assert_eq!([ask(&key).await, ask(CLIENT_KEY).await, ask(&key.to_lowercase()).await], [200, 200, 401]);
    // Who reads the configuration has no key by that.
    assert_eq!(ask(digest.trim()).await, 401);
}

#[tokio::test]
async fn mistakes_about_clients_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[[clients]]\nname = \"a\"\nkey = \"env:NOT_SET\"\nrpm = 0\n[[clients]]\nname = \"a\"\nkey = \"sha256:12\"\nplugins = [\"nobody\"]\n\
                addresses = [\"here\"]\nmonthly_usd = -1.0\n[auth]\nallow = [\"x\"]\n[rate_limit]\nrequests = 0\n";
    std::fs::write(dir.path().join("bad.toml"), text).unwrap();
    let variables = [("GEMINI_API_KEYS", "k"), ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789")];
    let found = output(dir.path(), &["check", "--config", "bad.toml"], &variables);
    let told = String::from_utf8(found.stderr).unwrap();
    for expected in [
        "clients[0].key: contains no key (env:NOT_SET)",
        "clients[0].rpm: must be at least 1",
        "clients[1].name: is another client's name",
        "clients[1].key: needs 64 hex digits",
        "clients[1].plugins[0]: there is no plugin `nobody`",
        "clients[1].addresses[0]: is not an address",
        "clients[1].monthly_usd: must be more than 0",
        "auth.allow[0]: is not an address",
        "rate_limit.requests: must be at least 1",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
}

#[tokio::test]
async fn everybody_has_the_common_limit() {
    let common = "[rate_limit]\nenabled = true\nrequests = 2\nwindow = \"1h\"\n";
    let server = server("rpm = 1000", common, &[]).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(server.say("hi").await.status);
        assert_eq!(say(&server, "hi").await.status, 200, "it has a limit of its own");
    }
    assert_eq!(others, [200, 200, 429]);
}

#[tokio::test]
async fn addresses_that_show_wrong_keys_are_held_off_and_others_not() {
    let rules =
        "[auth]\ntrusted_proxies = [\"127.0.0.0/8\"]\ndeny = [\"198.51.100.0/24\"]\n[auth.blocking]\nfailures = 5\n";
    let server = server("addresses = [\"192.0.2.0/24\"]", rules, &[]).await;
    let from = async |address: &str, key: &str| {
        let headers = [("authorization", format!("Bearer {key}")), ("x-forwarded-for", address.to_owned())];
        server.send("POST", "/v1/chat/completions", &headers, Some(chat("hi").to_string())).await
    };
    let wrong: Vec<Reply> = join_all((0..5).map(|_| from("203.0.113.7", "a-wrong-key-00000000000"))).await;
    assert!(wrong.iter().all(|reply| reply.status == 401 && reply.text == wrong[0].text));
    // Whatever the key is now, it is not looked at.
    for key in ["a-wrong-key-00000000000", CLIENT_KEY] {
        let held_off = from("203.0.113.7", key).await;
        assert_eq!((held_off.status, held_off.error()["code"].as_str()), (429, Some("rate_limit_exceeded")));
        assert!(held_off.headers.contains_key("retry-after"));
    }
    // What a client says before the proxy is nobody's word.
    assert_eq!(from("192.0.2.1, 203.0.113.7", CLIENT_KEY).await.status, 429);
    assert_eq!(from("203.0.113.8", CLIENT_KEY).await.status, 200);
    assert_eq!(from("198.51.100.9", CLIENT_KEY).await.status, 403);
    assert_eq!([from("192.0.2.9", TEAM).await.status, from("203.0.113.9", TEAM).await.status], [200, 403]);
    assert_eq!(server.request("GET", "/livez", None, None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_is_known_after_a_restart() {
    let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
    std::fs::create_dir(dir.path().join("config")).unwrap();
    let client = |limit: &str| format!("[[clients]]\nname = \"the team\"\nkey = \"client-key-0123456789\"\n{limit}\n");
    std::fs::write(dir.path().join("config/config.toml"), client("rpd = 3")).unwrap();
    let upstream = simulator.base_url();
    let variables = [("GEMINI_API_KEYS", "gemini-key-one-0000000000"), ("GEMINI_BASE_URL", upstream.as_str())];
    let status = |process: &Process| read(process.chat("hi", false)).get(9..12).unwrap().to_owned();
    let stats = |process: &Process| {
        let request = "GET /stats HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client-key-0123456789\r\nconnection: close\r\n\r\n";
        let answer = read(process.ask(request));
        serde_json::from_str::<Value>(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    let settled = |process: &Process| {
        for _ in 0..3000 {
            let stats = stats(process);
            if stats["store"]["disk"]["unwritten"] == 0 && stats["clients"][0]["used"]["in_flight"] == 0 {
                return stats;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("never written");
    };
    let before = {
        let process = Process::start(dir.path(), &variables);
        assert_eq!([status(&process), status(&process)], ["200", "200"]);
        settled(&process)
        // Killed.
    };
    assert_eq!(
        before["usage"]["days"].as_object().unwrap().values().next().unwrap()["requests"],
        2,
        "keys are counted once"
    );
    let process = Process::start(dir.path(), &variables);
    assert_eq!(settled(&process)["clients"], before["clients"]);
    assert_eq!([status(&process), status(&process)], ["200", "429"]);
    drop(process);
    // A budget too: all tokens of this month are spent.
    std::fs::write(dir.path().join("config/config.toml"), client("monthly_tokens = 1")).unwrap();
    let process = Process::start(dir.path(), &variables);
    assert_eq!(status(&process), "429");
}
