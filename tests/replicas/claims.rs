//! What replicas must coordinate: a daily quota with a configured limit, and the probe after a cooldown. And how soon
//! they hear of each other's changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use gemini_adapter::config::Sources;
use gemini_adapter::environment::Environment;
use gemini_adapter::fault::{Blame, Fault, Kind};
use gemini_adapter::keys::{LeaseRequest, Tried};
use gemini_adapter::model::ModelName;
use gemini_adapter::runtime::{Live, Services};
use serde_json::{Value, json};

use crate::redis::Redis;
use crate::{GOOD, House, PATIENT, SHIPPED};

const OTHER: &str = "gemini-key-other-00000000";

/// Sixty concurrent requests at three replicas never exceed the quota of the two keys.
#[tokio::test(flavor = "multi_thread")]
async fn a_days_quota_is_never_exceeded() {
    let house = House::configured(&[GOOD, OTHER], PATIENT, &["pools.default.limits.rpd=10"]).await;
    let asked = join_all((0..60).map(|number| house.replicas[number % 3].say("hi"))).await;
    let answered = asked.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!([GOOD, OTHER].map(|key| house.arrivals_of(key)), [10, 10]);
    assert_eq!(answered, 20);
    for (_, answer) in asked.iter().filter(|(status, _)| *status != 200) {
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("daily quota"), "{answer}");
    }
    // A claim whose request was not sent does not count as usage.
    for replica in &house.replicas {
        replica.until("all know the usage", async || replica.used(0).await == 10 && replica.used(1).await == 10).await;
    }
}

/// While Redis is away, each replica may use its share of the remaining quota.
#[tokio::test(flavor = "multi_thread")]
async fn nor_is_it_while_redis_is_away() {
    let mut house = House::configured(&[GOOD], SHIPPED, &["pools.default.limits.rpd=30"]).await;
    let ask = async |count: usize| {
        let asked = join_all((0..count).map(|number| house.replicas[number % 3].say("hi"))).await;
        asked.iter().filter(|(status, _)| *status == 200).count()
    };
    assert_eq!(ask(15).await, 15);
    for replica in &house.replicas {
        replica.until("all know the usage", async || replica.used(0).await == 15).await;
    }
    house.redis.kill();
    for replica in &house.replicas {
        replica.until_redis_is("away").await;
    }
    let asked = join_all((0..60).map(|number| house.replicas[number % 3].say("hi"))).await;
    assert_eq!(asked.iter().filter(|(status, _)| *status == 200).count(), 15);
    assert_eq!(house.arrivals_of(GOOD), 30);
}

/// After a cooldown, one request of one replica probes the key for all replicas; if its client disconnects, another one
/// probes.
#[tokio::test(flavor = "multi_thread")]
async fn one_probes_for_all() {
    let house = House::configured(&[GOOD], PATIENT, &["upstream.wait=0s"]).await;
    assert_eq!(house.replicas[0].say("[[sim:429_minute times=1 retry=0.5]] hi").await.0, 429);
    for replica in &house.replicas {
        replica.until("the cooldown has ended", async || replica.states().await == ["probing"]).await;
    }
    let slow = "[[sim:slow delay_ms=60000]] hi";
    let mut asked: FuturesUnordered<_> = (0..12).map(|number| house.replicas[number % 3].say(slow)).collect();
    for _ in 0..11 {
        let (status, answer) = asked.next().await.unwrap();
        assert_eq!(status, 429, "{answer}");
    }
    // The others may be rejected before the probe arrives at Google, and the probe continues only while its client
    // waits.
    tokio::select! {
        answered = asked.next() => panic!("the probe is not slow: {answered:?}"),
        () = house.replicas[0].until("the probe arrives", async || house.arrivals_of(GOOD) > 1) => {}
    }
    assert_eq!(house.arrivals_of(GOOD), 2, "the rejected request and the probe");
    drop(asked);
    for replica in &house.replicas {
        replica.until("the key is usable again", async || replica.say("hi").await.0 == 200).await;
    }
}

/// A replica that stops publishes its usage first, including that of its last second.
#[tokio::test(flavor = "multi_thread")]
async fn who_stops_tells_all_before() {
    let mut house = House::of(&[GOOD], PATIENT).await;
    for _ in 0..3 {
        assert_eq!(house.replicas[0].say("hi").await.0, 200);
    }
    house.replicas[0].stop();
    let other = &house.replicas[1];
    other.until("the other replica knows the usage", async || other.used(0).await == 3).await;
}

/// How soon a replica hears of a cooldown. It asserts nothing:
/// `cargo test --release --test replicas -- --ignored --nocapture how_soon`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures"]
#[expect(clippy::print_stdout, reason = "its output is its result")]
async fn how_soon_peers_hear() {
    let dir = tempfile::tempdir().unwrap();
    let redis = Redis::start(dir.path(), "one");
    let (one, other) = (part(&redis).await, part(&redis).await);
    let mut delays = Vec::new();
    for number in 0..1000 {
        let model = ModelName::parse(&format!("gemini-{number}")).unwrap();
        let (pool, services) = (one.snapshot().pools["default"].clone(), one.services());
        let now = services.clock.now();
        let ask = LeaseRequest { model: &model, tried: &Tried::default(), affinity: None, may_wait: false };
        let mut lease = pool.lease(&ask, now).unwrap();
        let refused =
            Fault { retry_after: Some(Duration::from_secs(60)), ..Fault::new(Kind::RateLimited, Blame::Quota, "") };
        let begun = Instant::now();
        lease.failed(&refused, now);
        let (heard, their) = (other.snapshot().pools["default"].clone(), other.services());
        while heard.lease(&ask, their.clock.now()).is_ok() {
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        delays.push(begun.elapsed());
    }
    delays.sort();
    let at = |share: usize| delays[(delays.len() * share / 100).min(delays.len() - 1)].as_secs_f64() * 1000.0;
    println!(
        "a peer hears of a cooldown after {:.2} ms (p50), {:.2} ms (p99), {:.2} ms at most",
        at(50),
        at(99),
        at(100)
    );
}

/// Starts a replica without a listener.
async fn part(redis: &Redis) -> Arc<Live> {
    let overrides: Vec<(String, String)> = [
        ("pools.default.keys", json!([GOOD])),
        ("auth.client_keys", json!(["client-key-0123456789"])),
        ("store.dir", json!("")),
        ("store.redis", json!(redis.url())),
        ("log.level", json!("off")),
    ]
    .map(|(path, value): (&str, Value)| (path.to_owned(), value.to_string()))
    .into();
    let sources = Sources { file: None, dotenv: "absent.env".into(), process: Environment::default(), overrides };
    let live = Live::start(sources, Arc::new(Services::start())).unwrap_or_else(|problems| panic!("{problems}"));
    let snapshot = live.snapshot();
    live.services().remember(&snapshot.config.settings.store, &snapshot.config.environment).await;
    Arc::new(live)
}
