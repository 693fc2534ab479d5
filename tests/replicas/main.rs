//! Three replicas around one Redis: what one learns, all know; and whatever happens to Redis, no request fails.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

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
/// All the time of a busy machine.
const PATIENT: &str = "10s";
/// As it is shipped.
const SHIPPED: &str = "20ms";

struct House {
    simulator: Simulator,
    redis: Redis,
    replicas: Vec<Replica>,
    _dir: TempDir,
}

impl House {
    async fn of(keys: &[&str], cap: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, Options::default()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let redis = Redis::start(dir.path(), "one");
        let replicas = (0..3).map(|_| Replica::start(&simulator.base_url(), keys, &redis.url(), cap)).collect();
        let house = Self { simulator, redis, replicas, _dir: dir };
        house.together().await;
        house
    }

    /// Until all share.
    async fn together(&self) {
        for replica in &self.replicas {
            replica.until_redis_is("shared").await;
            replica.until("three nodes are there", async || replica.redis().await["nodes"].as_u64() >= Some(3)).await;
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
    assert_eq!([TODAY, INVALID].map(|key| house.arrivals_of(key)), [1, 1], "nobody asks again");
    // Who comes later knows it from the start.
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
        replica.until("the key is back", async || replica.states().await == ["ready", "ready"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_failures_at_once_are_one_strike() {
    let house = House::of(&[MINUTE], PATIENT).await;
    let asked = (0..32).map(|number| house.replicas[number % 3].say("hi"));
    for (status, answer) in join_all(asked).await {
        assert_eq!(status, 429, "{answer}");
    }
    let strikes = async |replica: &Replica| {
        let keys = replica.get("/admin/keys").await;
        keys["pools"]["default"]["keys"][0]["models"]["gemini-3.8-flash"]["strikes"].clone()
    };
    for replica in &house.replicas {
        replica.until("the key rests", async || replica.states().await == ["resting"]).await;
        // A while later too: what all have told is joined by then.
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        assert_eq!(strikes(replica).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_have_used_each_knows() {
    let house = House::of(&[GOOD], PATIENT).await;
    let used = async |replica: &Replica| {
        let keys = replica.get("/admin/keys").await;
        keys["pools"]["default"]["keys"][0]["models"]["gemini-3.8-flash"]["today"]["requests"].as_u64()
    };
    for sent in [7, 14] {
        let asked = (0..7).map(|number| house.replicas[number % 3].say("hi"));
        join_all(asked).await.iter().for_each(|(status, answer)| assert_eq!(*status, 200, "{answer}"));
        for replica in &house.replicas {
            replica.until("it knows what all have used", async || used(replica).await == Some(sent)).await;
        }
        // Lost sums are mended by the next that are told.
        house.redis.ask("FLUSHALL");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_loop_goes_on_at_another_replica() {
    let house = House::of(&[GOOD], PATIENT).await;
    let tools = json!([{ "type": "function", "function": { "name": "weather", "parameters": {
        "type": "object", "properties": { "city": { "type": "string" } } } } }]);
    let mut messages = vec![json!({ "role": "user", "content": "[[sim:tool]] go" })];
    let body = json!({ "model": "gemini-3.8-flash", "messages": messages, "tools": tools });
    let (status, answer) = house.replicas[0].chat(&body).await;
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
    let told = async || house.redis.dump().contains("gemini-adapter:signature:");
    house.replicas[0].until("the signature is told", told).await;
    // One that has heard of it, and one that comes later and has to ask.
    let late = Replica::start(&house.simulator.base_url(), &[GOOD], &house.redis.url(), PATIENT);
    for replica in [&house.replicas[1], &late] {
        let body = json!({ "model": "gemini-3.8-flash", "messages": messages, "tools": tools });
        let (status, answer) = replica.chat(&body).await;
        assert_eq!(status, 200, "{answer}");
        signed(&house);
    }
}

/// The last request has the signature that the stand-in gave, not Google's word for one that is lost.
fn signed(house: &House) {
    let arrivals = house.simulator.arrivals();
    let last = arrivals.last().unwrap();
    let parts = last.body["contents"].as_array().unwrap().iter().flat_map(|turn| turn["parts"].as_array().unwrap());
    let signatures: Vec<_> = parts.filter_map(|part| part["thoughtSignature"].as_str()).collect();
    let escape = |signature: &&&str| signature.contains("context_engineering") || signature.contains("skip_thought");
    assert!(!signatures.is_empty() && !signatures.iter().any(|signature| escape(&signature)), "{signatures:?}");
}

/// Whatever happens to Redis: no request fails, and what was known is known again.
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

    // It accepts, and never answers.
    house.redis.signal("STOP");
    all_answer(&house).await;
    away(&house).await;
    all_answer(&house).await;
    house.redis.signal("CONT");
    house.together().await;

    house.redis.ask("FLUSHALL");
    all_answer(&house).await;
    house.replicas[0].until("what was flushed is told again", async || known(house.redis.dump())).await;

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
    house.replicas[0].until("what was lost is told again", async || known(house.redis.dump())).await;
    all_answer(&house).await;
    assert!(house.arrivals_of(TODAY) <= 3, "nobody asks a key again that it has learnt to rest");
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
    replica.until("what was learnt meanwhile is told", async || redis.dump().contains("day_quota")).await;
}
