//! Each endpoint, who may use it, and the headers of every answer.

use gemini_adapter::clients::Needs;
use gemini_adapter::server::ENDPOINTS;
use serde_json::json;

use crate::harness::{ADMIN_KEY, CLIENT_KEY, METRICS_KEY, Server};

const KEYS: &[&str] = &["gemini-key-one-0000000000"];

/// Every route, without a key, with a wrong one, with one of another role: only who may passes.
#[tokio::test]
async fn every_route_has_a_door() {
    let server = Server::start(KEYS).await;
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace("{prefix}", "nobody").replace("{*id}", "gpt-4o").replace("{id}", "resp_0");
        for (key, role) in [
            (None, "nobody"),
            (Some("wrong-key-000000000000000"), "stranger"),
            (Some(CLIENT_KEY), "client"),
            (Some(METRICS_KEY), "metrics"),
            (Some(ADMIN_KEY), "admin"),
        ] {
            let headers: Vec<_> = key.iter().map(|key| ("authorization", format!("Bearer {key}"))).collect();
            let (mut reply, rest) = server.begun(endpoint.method, &path, &headers, None).await;
            // The feed of the dashboard does not end by itself.
            if reply.headers["content-type"] != "text/event-stream" {
                reply.text = rest.text().await.unwrap_or_default();
            }
            let may = match endpoint.needs {
                Needs::Nothing => true,
                Needs::Client => role == "client",
                Needs::Metrics => matches!(role, "client" | "metrics" | "admin"),
                Needs::Admin => role == "admin",
            };
            let refused = matches!(reply.status, 401 | 403);
            assert_eq!(refused, !may, "{} {path} as {role}: {} {}", endpoint.method, reply.status, reply.text);
            if refused {
                let error = reply.json()["error"].clone();
                assert_eq!(reply.status, if matches!(role, "nobody" | "stranger") { 401 } else { 403 });
                assert!(!error["message"].as_str().unwrap().contains("wrong-key"));
            }
            assert!(reply.headers.contains_key("x-request-id"), "{path}");
        }
    }
}

/// However its path is spelled, a route has its door, and nothing breaks at it.
#[tokio::test]
async fn no_spelling_of_a_path_leads_round_its_door() {
    let server = Server::start(KEYS).await;
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.needs != Needs::Nothing) {
        let path = endpoint.path.replace("{prefix}", "nobody").replace("{*id}", "gpt-4o").replace("{id}", "resp_0");
        let rest = path.trim_start_matches('/');
        for spelled in [
            format!("{path}/"),
            format!("/{path}"),
            format!("/v1{path}"),
            format!("/v1/v1{path}"),
            format!("/{rest}?key={CLIENT_KEY}"),
            format!("/x/%2e%2e/{rest}"),
            format!("/x/..%2f{rest}"),
            format!("/{}", rest.to_uppercase()),
            format!("/{}", rest.replacen('a', "%61", 1)),
            format!("/{rest};admin"),
            path.replacen("/v1/", "/", 1),
        ] {
            for method in [endpoint.method, "HEAD", "OPTIONS", "PUT", "TRACE"] {
                let headers = [("x-forwarded-for", "127.0.0.1".to_owned()), ("x-original-url", "/livez".to_owned())];
                let reply = server.send(method, &spelled, &headers, None).await;
                let public = ENDPOINTS.iter().any(|other| other.needs == Needs::Nothing && other.is_at(&spelled));
                let preflight = method == "OPTIONS" && reply.status == 200 && reply.text.is_empty();
                assert!(public || preflight || (400..500).contains(&reply.status), "{method} {spelled}: {reply:?}");
            }
        }
    }
    for path in ["/v1/models", "/v1beta/models", "/stats", "/metrics"] {
        assert_eq!(
            server.get(path).await.headers["cache-control"],
            "no-store",
            "{path}: no cache may show it to another"
        );
    }
}

#[tokio::test]
async fn credentials_in_any_header_but_not_two() {
    let server = Server::start(KEYS).await;
    for (name, value) in [
        ("authorization", format!("Bearer {CLIENT_KEY}")),
        ("authorization", format!("bearer {CLIENT_KEY}")),
        ("x-api-key", CLIENT_KEY.into()),
        ("x-goog-api-key", CLIENT_KEY.into()),
    ] {
        assert_eq!(server.send("GET", "/v1/models", &[(name, value)], None).await.status, 200, "{name}");
    }
    let two = [("authorization", format!("Bearer {CLIENT_KEY}")), ("x-api-key", "another".to_owned())];
    assert_eq!(server.send("GET", "/v1/models", &two, None).await.status, 400);
    let same = [("authorization", format!("Bearer {CLIENT_KEY}")), ("x-api-key", CLIENT_KEY.to_owned())];
    assert_eq!(server.send("GET", "/v1/models", &same, None).await.status, 200);
    assert_eq!(server.send("GET", &format!("/v1/models?key={CLIENT_KEY}"), &[], None).await.status, 401);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_openais_shape() {
    let server = Server::start(KEYS).await;
    for (method, path, status) in [
        ("GET", "/nope", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("PUT", "/", 405),
        ("GET", "/admin/nothing", 404),
    ] {
        let reply = server.request(method, path, Some(CLIENT_KEY), None).await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.error()["type"], "invalid_request_error");
        assert_eq!(reply.headers["x-gemini-adapter-config"], server.live.snapshot().version(), "{method} {path}");
    }
}

/// An error is told in the words of the vendor whose clients use the path, wherever it comes from.
#[tokio::test]
async fn errors_at_the_door_are_told_in_the_dialects_words() {
    let server = Server::start(KEYS).await;
    let anthropic = [("anthropic-version", "2023-06-01".to_owned())];
    let unknown = server.send("POST", "/v1/messages/nothing", &[], None).await;
    assert_eq!((unknown.status, unknown.json()["error"]["type"].as_str()), (404, Some("not_found_error")));
    assert_eq!(unknown.json()["request_id"], unknown.headers["request-id"]);
    let stranger = server.send("GET", "/v1/models", &anthropic, None).await;
    assert_eq!((stranger.status, stranger.json()["error"]["type"].as_str()), (401, Some("authentication_error")));
    let google = server.send("GET", "/v1beta/nothing", &[], None).await;
    assert_eq!((google.status, google.json()["error"]["status"].as_str()), (404, Some("NOT_FOUND")));
    let ours = server.send("GET", "/v1/models", &[], None).await;
    assert_eq!((ours.status, ours.error()["type"].as_str()), (401, Some("invalid_request_error")));
    assert_eq!(ours.headers["content-length"], ours.text.len().to_string());
}

#[tokio::test]
async fn base_urls_with_v1_missing_or_doubled() {
    let server = Server::start(KEYS).await;
    for path in ["/v1/models", "/models", "/v1/v1/models", "/v1/models/", "/v1/models/gpt-4o", "/models/gpt-4o"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn models_are_aliases_and_googles() {
    let config = format!(
        "{}[models]\n[models.aliases]\n\"gpt-4o\" = \"gemini-pro-latest\"\n\"gpt-*\" = \"gemini-flash-latest\"\n",
        crate::harness::with_keys(KEYS)
    );
    let server = Server::configured(&config, &[]).await;
    let models = server.get("/v1/models").await.json();
    assert_eq!(models["object"], "list");
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"gpt-4o") && ids.contains(&"gemini-2.5-flash") && !ids.contains(&"gpt-*"), "{ids:?}");
    let one = server.get("/v1/models/gpt-4o").await.json();
    assert_eq!((one["object"].as_str(), one["id"].as_str()), (Some("model"), Some("gpt-4o")));
    let anthropic = [("x-api-key", CLIENT_KEY.to_owned()), ("anthropic-version", "2023-06-01".to_owned())];
    let theirs = server.send("GET", "/v1/models?limit=1000", &anthropic, None).await.json();
    let alias = theirs["data"].as_array().unwrap().iter().find(|model| model["id"] == "gpt-4o").unwrap();
    assert_eq!((alias["type"].as_str(), alias["display_name"].as_str()), (Some("model"), Some("gpt-4o")));
    assert_eq!((theirs["has_more"].as_bool(), &theirs["first_id"]), (Some(false), &theirs["data"][0]["id"]));
    let none = server.get("/v1/models/nothing").await;
    assert_eq!((none.status, none.error()["code"].as_str()), (404, Some("model_not_found")));
}

#[tokio::test]
async fn request_ids_come_back_when_they_are_harmless() {
    let server = Server::start(KEYS).await;
    let id = |value: &str| [("x-request-id", value.to_owned())];
    assert_eq!(server.send("GET", "/livez", &id("mine-1"), None).await.headers["x-request-id"], "mine-1");
    assert_ne!(server.send("GET", "/livez", &id("two words"), None).await.headers["x-request-id"], "two words");
    assert_ne!(server.send("GET", "/livez", &id(&"x".repeat(200)), None).await.headers["x-request-id"].len(), 200);
}

#[tokio::test]
async fn what_operators_see() {
    let server = Server::start(&["gemini-key-one-0000000000", "gemini-key-invalid-000000"]).await;
    for _ in 0..4 {
        server.say("hi").await;
    }
    let stats = server.get("/stats").await;
    let json = stats.json();
    assert_eq!(json["requests"]["answered"], 4);
    assert!(json["latencies"]["p50_ms"].is_number() && json["uptime_seconds"].is_number());
    assert_eq!(json["config"]["generation"], 1);
    assert_eq!(json["pools"]["default"]["counts"]["dead"], 1);
    let metrics = server.request("GET", "/metrics", Some(METRICS_KEY), None).await;
    for expected in [
        "gemini_adapter_requests_total{",
        "gemini_adapter_pool_keys{",
        "gemini_adapter_request_duration_seconds_bucket{",
        "gemini_adapter_config_last_reload_successful 1",
    ] {
        assert!(metrics.text.contains(expected), "{expected} is not in\n{}", metrics.text);
    }
    let config = server.admin("GET", "/admin/config").await;
    assert_eq!(config.json()["settings"]["pools"]["default"]["keys"][0]["key"], "[secret]");
    for page in [&stats, &metrics, &config] {
        assert!(!page.text.contains("gemini-key") && !page.text.contains("test-client-key"), "{}", page.text);
    }
    let info = server.request("GET", "/", None, None).await.json();
    assert_eq!(info["name"], "gemini-adapter");
    assert_eq!(server.request("GET", "/health", None, None).await.json()["keys"]["usable"], 1);
    assert_eq!(server.request("GET", "/readyz", None, None).await.status, 200);
}

/// Metrics are of the whole process, which other tests share: so these are of a pool and a plugin that are this test's alone.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_rests_pauses_and_what_plugins_take() {
    let config = "[pools.observed]\nkeys = [\"gemini-key-one-0000000000\", \"gemini-key-two-0000000000\"]\n[models]\npool = \"observed\"\n[models.aliases]\npro = \"gemini-2.5-pro\"\n";
    let plugin = "//! name = \"observer\"\n//! api = 1\nfn on_request(ctx) { if ctx.req.texts[0] == \"fail\" { throw \"no\"; } }\n";
    let server = Server::configured(config, &[("observer.rhai", plugin)]).await;
    let messages = json!([{ "role": "user", "content": "[[sim:429_minute retry=100 times=1]]" }]);
    assert_eq!(server.chat(json!({ "model": "gemini-2.5-pro", "messages": messages })).await.status, 429);
    let streamed = server.stream("[[sim:long chunks=3 gap_ms=1]]").await;
    assert!(streamed.events().1, "{}", streamed.text);
    server.say("fail").await;
    let text = server.get("/metrics").await.text;
    for line in [
        "gemini_adapter_key_cooldowns_total{pool=\"observed\",reason=\"rate_limited\"} 2",
        "gemini_adapter_pool_model_keys{pool=\"observed\",model=\"gemini-2.5-pro\",state=\"resting\"} 2",
        "gemini_adapter_pool_model_keys{pool=\"observed\",model=\"gemini-3.8-flash\",state=\"usable\"} 2",
        "gemini_adapter_pool_keys{pool=\"observed\",state=\"usable\"} 2",
        "gemini_adapter_plugin_duration_seconds_count{plugin=\"observer\",hook=\"on_request\"} 3",
        "gemini_adapter_plugin_errors_total{plugin=\"observer\",hook=\"on_request\",kind=\"error\"} 1",
        "gemini_adapter_plugin_errors_total{plugin=\"observer\",hook=\"on_request\",kind=\"limits\"} 0",
        "gemini_adapter_stream_gap_seconds_count{api=\"chat\",model=\"gemini-3.8-flash\"}",
        "gemini_adapter_inflight_requests{kind=\"stream\"}",
        "gemini_adapter_inflight_requests{kind=\"whole\"}",
    ] {
        let found: Vec<&str> = text.lines().filter(|found| found.contains(line.split('{').next().unwrap())).collect();
        assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{}", found.join("\n"));
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_not_call_unless_they_may() {
    let config = format!("{}[server]\ncors_origins = [\"https://chat.example\"]\n", crate::harness::with_keys(KEYS));
    let server = Server::configured(&config, &[]).await;
    let origin = |value: &str| [("origin", value.to_owned())];
    let allowed = server.send("GET", "/livez", &origin("https://chat.example"), None).await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://chat.example");
    let other = server.send("GET", "/livez", &origin("https://evil.example"), None).await;
    assert!(!other.headers.contains_key("access-control-allow-origin"));
}
