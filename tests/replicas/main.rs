//! Three replicas that share one Redis: what one learns, all know; and no request fails, whatever happens to Redis.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod claims;
mod merge;
mod redis;
mod replica;

use futures_util::future::join_all;
use gemini_adapter::simulator::{Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use redis::Redis;
use replica::Replica;

const TODAY: &str = "gemini-key-today-00000000";
const MINUTE: &str = "gemini-key-minute-0000000";
const INVALID: &str = "gemini-key-invalid-000000";
const GOOD: &str = "gemini-key-good-000000000";
/// A timeout long enough for a busy machine.
const PATIENT: &str = "10s";
/// The default timeout.
const SHIPPED: &str = "20ms";

struct House {
    simulator: Simulator,
    redis: Redis,
    replicas: Vec<Replica>,
    _dir: TempDir,
}

impl House {
    async fn of(keys: &[&str], cap: &str) -> Self {
        Self::configured(keys, cap, &[]).await
    }

    async fn configured(keys: &[&str], cap: &str, settings: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, Options::default()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let redis = Redis::start(dir.path(), "one");
        let start = |_| Replica::configured(&simulator.base_url(), keys, &redis.url(), cap, settings);
        let replicas = (0..3).map(start).collect();
        let house = Self { simulator, redis, replicas, _dir: dir };
        house.together().await;
        house
    }

    /// Waits until all replicas share Redis.
    async fn together(&self) {
        for replica in &self.replicas {
            replica.until_redis_is("shared").await;
            replica.until("Redis has three nodes", async || replica.redis().await["nodes"].as_u64() >= Some(3)).await;
        }
    }

    /// Waits until every replica has received everything that any of them has published so far: changes arrive in
    /// order, so it is enough to wait for a new one.
    async fn all_is_heard(&self) {
        for one in &self.replicas {
            let id = one.key(0).await["id"].as_str().unwrap().to_owned();
            for (action, disabled) in [("disable", true), ("enable", false)] {
                one.post(&format!("/admin/keys/{id}/{action}")).await;
                for replica in &self.replicas {
                    let heard = async || (replica.key(0).await["state"] == "disabled") == disabled;
                    replica.until(&format!("{action} has arrived"), heard).await;
                }
            }
        }
    }

    fn arrivals_of(&self, key: &str) -> usize {
        self.simulator.arrivals().iter().filter(|arrival| arrival.key == key).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_learns_of_a_key_all_know() {
    let house = House::of(&[TODAY, INVALID, GOOD], PATIENT).await;
    for _ in 0..3 {
        assert_eq!(house.replicas[0].say("hi").await.0, 200);
    }
    for replica in &house.replicas {
        replica.until("the states are known", async || replica.states().await == ["resting", "dead", "ready"]).await;
        for _ in 0..3 {
            assert_eq!(replica.say("hi").await.0, 200);
        }
    }
    assert_eq!([TODAY, INVALID].map(|key| house.arrivals_of(key)), [1, 1], "no replica tries these keys again");
    // A replica that starts later knows the states from the start.
    let late = Replica::start(&house.simulator.base_url(), &[TODAY, INVALID, GOOD], &house.redis.url(), PATIENT);
    late.until("the states are known", async || late.states().await == ["resting", "dead", "ready"]).await;
    let kept = house.redis.dump();
    assert!(kept.contains("day_quota") && !kept.contains("gemini-key"), "ids only");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_speaks_to_all() {
    let house = House::of(&[INVALID, GOOD], PATIENT).await;
    for _ in 0..2 {
        assert_eq!(house.replicas[0].say("hi").await.0, 200);
    }
    for replica in &house.replicas {
        replica.until("the key is dead", async || replica.states().await == ["dead", "ready"]).await;
    }
    house.replicas[1].post("/admin/reset-key/gemini-key-invalid").await;
    for replica in &house.replicas {
        replica.until("the key is usable again", async || replica.states().await == ["ready", "ready"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_failures_at_once_are_one_strike() {
    let house = House::of(&[MINUTE], PATIENT).await;
    let asked = (0..32).map(|number| house.replicas[number % 3].say("hi"));
    for (status, answer) in join_all(asked).await {
        assert_eq!(status, 429, "{answer}");
    }
    house.all_is_heard().await;
    for replica in &house.replicas {
        let model = replica.key(0).await["models"]["gemini-3.8-flash"].clone();
        assert_eq!((&model["state"], &model["strikes"]), (&json!("resting"), &json!(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_have_used_each_knows() {
    let house = House::of(&[GOOD], PATIENT).await;
    for sent in [7, 14] {
        let asked = (0..7).map(|number| house.replicas[number % 3].say("hi"));
        join_all(asked).await.iter().for_each(|(status, answer)| assert_eq!(*status, 200, "{answer}"));
        for replica in &house.replicas {
            replica.until("it knows the usage of all", async || replica.used(0).await == sent).await;
        }
        // Lost sums are restored by the next usage that is published.
        house.redis.ask("FLUSHALL");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_goes_on_at_another_replica() {
    let house = House::of(&[GOOD], PATIENT).await;
    let asked = tool_loop(&house.replicas[0]).await;
    let told = async || house.redis.dump().contains("gemini-adapter:signature:");
    house.replicas[0].until("the signature is published", told).await;
    // One that has received the signature, and one that starts later and has to fetch it.
    let late = Replica::start(&house.simulator.base_url(), &[GOOD], &house.redis.url(), PATIENT);
    for replica in [&house.replicas[1], &late] {
        let (status, answer) = replica.chat(&asked).await;
        assert_eq!(status, 200, "{answer}");
        signed(&house);
    }
}

/// Clients of other protocols lose the field that carries the signature, too.
#[tokio::test(flavor = "multi_thread")]
async fn so_it_does_in_other_dialects() {
    let house = House::of(&[GOOD], PATIENT).await;
    let parameters = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let prompt = json!({ "role": "user", "content": "[[sim:tool]] go" });

    let path = "/v1/messages";
    let tools = json!([{ "name": "weather", "input_schema": parameters }]);
    let mut body = json!({ "model": "gemini-3.8-flash", "max_tokens": 1000, "messages": [prompt], "tools": tools });
    let (status, answer) = house.replicas[0].ask(path, &body).await;
    assert_eq!(status, 200, "{answer}");
    let of_kind = |list: &Value, kind: &str| -> Vec<Value> {
        list.as_array().unwrap().iter().filter(|one| one["type"] == kind).cloned().collect()
    };
    let calls = of_kind(&answer["content"], "tool_use");
    let results: Vec<Value> =
        calls.iter().map(|call| json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "21" })).collect();
    body["messages"] =
        json!([prompt, { "role": "assistant", "content": calls }, { "role": "user", "content": results }]);
    goes_on_elsewhere(&house, path, &body).await;

    let path = "/v1/responses";
    let tools = json!([{ "type": "function", "name": "weather", "parameters": parameters }]);
    let mut body = json!({ "model": "gemini-3.8-flash", "input": [prompt], "tools": tools, "store": false });
    let (status, answer) = house.replicas[0].ask(path, &body).await;
    assert_eq!(status, 200, "{answer}");
    let calls = of_kind(&answer["output"], "function_call");
    let output = |call: &Value| json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "21" });
    let outputs: Vec<Value> = calls.iter().map(output).collect();
    body["input"] = [vec![prompt.clone()], calls, outputs].concat().into();
    goes_on_elsewhere(&house, path, &body).await;
}

async fn goes_on_elsewhere(house: &House, path: &str, body: &Value) {
    let told = async || house.redis.dump().contains("gemini-adapter:signature:");
    house.replicas[0].until("the signature is published", told).await;
    let late = Replica::start(&house.simulator.base_url(), &[GOOD], &house.redis.url(), PATIENT);
    late.until_redis_is("shared").await;
    let (status, answer) = late.ask(path, body).await;
    assert_eq!(status, 200, "{answer}");
    signed(house);
    house.redis.ask("FLUSHALL");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_while_redis_was_away_is_told_when_it_is_back() {
    let mut house = House::of(&[GOOD], SHIPPED).await;
    house.redis.kill();
    house.replicas[0].until_redis_is("away").await;
    let asked = tool_loop(&house.replicas[0]).await;
    house.redis.restart();
    house.together().await;
    let told = async || house.redis.dump().contains("gemini-adapter:signature:");
    house.replicas[0].until("the signature is published", told).await;
    let late = Replica::start(&house.simulator.base_url(), &[GOOD], &house.redis.url(), PATIENT);
    assert_eq!(late.chat(&asked).await.0, 200);
    signed(&house);
}

/// Starts a tool loop and returns the request that continues it, without the signature, which the client has lost.
async fn tool_loop(replica: &Replica) -> Value {
    let tools = json!([{ "type": "function", "function": { "name": "weather", "parameters": {
        "type": "object", "properties": { "city": { "type": "string" } } } } }]);
    let mut messages = vec![json!({ "role": "user", "content": "[[sim:tool]] go" })];
    let body = json!({ "model": "gemini-3.8-flash", "messages": messages, "tools": tools });
    let (status, answer) = replica.chat(&body).await;
    assert_eq!(status, 200, "{answer}");
    let mut message = answer["choices"][0]["message"].clone();
    let calls = message["tool_calls"].as_array().unwrap().clone();
    for call in message["tool_calls"].as_array_mut().unwrap() {
        call.as_object_mut().unwrap().remove("extra_content");
    }
    messages.push(message);
    messages.extend(
        calls.iter().map(|call| json!({ "role": "tool", "tool_call_id": call["id"], "content": "{\"degrees\":21}" })),
    );
    json!({ "model": "gemini-3.8-flash", "messages": messages, "tools": tools })
}

/// Checks that the last request has the signature that the stand-in issued, not Google's placeholder for a lost one.
fn signed(house: &House) {
    let arrivals = house.simulator.arrivals();
    let last = arrivals.last().unwrap();
    let parts = last.body["contents"].as_array().unwrap().iter().flat_map(|turn| turn["parts"].as_array().unwrap());
    let signatures: Vec<_> = parts.filter_map(|part| part["thoughtSignature"].as_str()).collect();
    let escape = |signature: &&&str| signature.contains("context_engineering") || signature.contains("skip_thought");
    assert!(!signatures.is_empty() && !signatures.iter().any(|signature| escape(&signature)), "{signatures:?}");
}

/// Whatever happens to Redis, no request fails, and the shared state is restored.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_to_redis_no_request_fails() {
    let mut house = House::of(&[TODAY, GOOD], SHIPPED).await;
    async fn all_answer(house: &House) {
        for _ in 0..5 {
            for (status, answer) in join_all(house.replicas.iter().map(|replica| replica.say("hi"))).await {
                assert_eq!(status, 200, "{answer}");
            }
        }
    }
    async fn away(house: &House) {
        for replica in &house.replicas {
            replica.until_redis_is("away").await;
        }
    }
    all_answer(&house).await;
    assert!(house.arrivals_of(TODAY) <= 3);
    let known = |dump: String| dump.contains("day_quota");

    house.redis.ask("SCRIPT FLUSH");
    all_answer(&house).await;

    // Redis accepts connections and never answers.
    house.redis.signal("STOP");
    all_answer(&house).await;
    away(&house).await;
    all_answer(&house).await;
    house.redis.signal("CONT");
    house.together().await;

    house.redis.ask("FLUSHALL");
    all_answer(&house).await;
    house.replicas[0].until("the flushed state is published again", async || known(house.redis.dump())).await;

    house.redis.ask("REPLICAOF 127.0.0.1 1");
    all_answer(&house).await;
    away(&house).await;
    all_answer(&house).await;
    house.redis.ask("REPLICAOF NO ONE");
    house.together().await;

    house.redis.kill();
    all_answer(&house).await;
    away(&house).await;
    house.redis.restart();
    house.together().await;
    house.replicas[0].until("the lost state is published again", async || known(house.redis.dump())).await;
    all_answer(&house).await;
    assert!(house.arrivals_of(TODAY) <= 3, "no replica tries a key again that it knows to be cooling down");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_redis() {
    let simulator = Simulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("redis+unix://{}", dir.path().join("one.sock").display());
    let replica = Replica::start(&simulator.base_url(), &[TODAY, GOOD], &url, SHIPPED);
    for _ in 0..3 {
        assert_eq!(replica.say("hi").await.0, 200);
    }
    assert_eq!(replica.redis().await["state"], Value::from("away"));
    let redis = Redis::start(dir.path(), "one");
    replica.until_redis_is("shared").await;
    replica.until("what was learnt meanwhile is published", async || redis.dump().contains("day_quota")).await;
}

/// A client's usage counts towards its limits at all replicas: requests per day within about a second, requests per
/// minute as soon as they are published.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_uses_counts_at_all_replicas() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::start(listener, Options::default()).unwrap();
    for (limit, sent) in [("rpd = 9", 9), ("monthly_tokens = 100", 3), ("rpm = 9", 9)] {
        let dir = tempfile::tempdir().unwrap();
        let redis = Redis::start(dir.path(), "one");
        let client = format!("clients=[{{ name = \"the team\", key = \"client-key-0123456789\", {limit} }}]");
        let settings = ["auth.client_keys=[]", client.as_str()];
        let replicas =
            [0, 1].map(|_| Replica::configured(&simulator.base_url(), &[GOOD], &redis.url(), PATIENT, &settings));
        for replica in &replicas {
            replica.until_redis_is("shared").await;
        }
        let prompt = "[[sim:long chunks=8]] hi";
        for _ in 0..sent {
            assert_eq!(replicas[0].say(prompt).await.0, 200, "{limit}");
        }
        assert_eq!(replicas[0].say(prompt).await.0, 429, "{limit}");
        let before = simulator.arrivals().len();
        replicas[1].until("the other replica knows the usage", async || replicas[1].say(prompt).await.0 == 429).await;
        let passed = simulator.arrivals().len() - before;
        assert!(passed <= sent, "{limit}: {passed} passed at the other replica meanwhile");
        assert!(!redis.dump().contains("client-key"), "no key is stored in Redis");
    }
}

/// An answer cached by one replica is served by all, until an admin clears the cache at any of them.
#[tokio::test(flavor = "multi_thread")]
async fn kept_answers_are_shared_and_forgotten_together() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let simulator = Simulator::start(listener, Options::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), "one");
    let replica =
        || Replica::configured(&simulator.base_url(), &[GOOD], &redis.url(), PATIENT, &["cache.enabled=true"]);
    let replicas = [replica(), replica()];
    for replica in &replicas {
        replica.until_redis_is("shared").await;
    }
    let messages = json!([{ "role": "user", "content": "[[sim:long chunks=40 size=200]]" }]);
    let body = json!({ "model": "gemini-3.8-flash", "temperature": 0, "messages": messages });
    let says = |(status, answer): (u16, Value)| {
        assert_eq!(status, 200, "{answer}");
        answer["choices"][0]["message"]["content"].clone()
    };
    let said = says(replicas[0].chat(&body).await);
    replicas[1]
        .until("the other serves it too", async || {
            let before = simulator.arrivals().len();
            says(replicas[1].chat(&body).await) == said && simulator.arrivals().len() == before
        })
        .await;
    replicas[0].post("/admin/cache/clear").await;
    let asks = async |replica: &Replica| {
        let before = simulator.arrivals().len();
        says(replica.chat(&body).await);
        simulator.arrivals().len() > before
    };
    replicas[1].until("the cache is cleared there too", async || asks(&replicas[1]).await).await;
    // A replica that starts later knows of the clearing, and serves what was cached since.
    let late = replica();
    late.until_redis_is("shared").await;
    late.until("it serves what was cached since", async || !asks(&late).await).await;
}
