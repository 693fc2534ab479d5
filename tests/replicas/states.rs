//! What one replica learns, all know.

use futures_util::future::join_all;
use gemini_adapter::simulator::{Options, Simulator};
use tokio::net::TcpListener;

use super::eventually;
use super::replica::Replica;
use super::server::Server;

const KEYS: &str = "gemini-key-today-00000000,gemini-key-invalid-000000,gemini-key-good-000000000";

pub async fn simulator() -> Simulator {
    Simulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Options::default()).unwrap()
}

/// How often a key was refused that is marked so.
fn refused(simulator: &Simulator, mark: &str) -> usize {
    simulator.arrivals().iter().filter(|arrival| arrival.key.contains(mark)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_key_was_refused_nobody_tries_again() {
    let (simulator, redis) = (simulator().await, Server::started().await);
    let [first, second, third] = Replica::three(KEYS, &simulator.base_url(), &redis.url()).await;
    while refused(&simulator, "today") + refused(&simulator, "invalid") < 2 {
        assert_eq!(first.chat().await, 200);
    }
    for peer in [&second, &third] {
        eventually("a peer knows it", async || {
            peer.of_model(0).await.0 == "resting" && peer.keys().await[1]["state"] == "dead"
        })
        .await;
        for _ in 0..10 {
            assert_eq!(peer.chat().await, 200);
        }
    }
    assert_eq!((refused(&simulator, "today"), refused(&simulator, "invalid")), (1, 1));
    // A replica that comes later knows it from its first request on, once it is connected.
    let late = Replica::start(KEYS, &simulator.base_url(), &redis.url()).await;
    eventually("the late one is connected", async || late.connected().await).await;
    assert_eq!(late.of_model(0).await.0, "resting");
    // What is forgiven in one place is forgiven everywhere.
    second.reset(1).await;
    for peer in [&first, &third, &late] {
        eventually("a peer knows that too", async || peer.keys().await[1]["state"] != "dead").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_over_all_replicas_is_one_strike_and_everything_is_counted_once() {
    let (simulator, redis) = (simulator().await, Server::started().await);
    let replicas =
        Replica::three("gemini-key-today-00000000,gemini-key-good-000000000", &simulator.base_url(), &redis.url())
            .await;
    for replica in &replicas {
        eventually("all are connected", async || replica.connected().await).await;
    }
    let statuses = join_all((0..32).map(|number| replicas[number % 3].chat())).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let sent = simulator.arrivals().iter().filter(|arrival| arrival.method != "models").count() as u64;
    for replica in &replicas {
        eventually("each knows what all have used", async || replica.used_today().await == sent).await;
        assert_eq!(replica.of_model(0).await, ("resting".to_owned(), 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_in_redis() {
    let (simulator, redis) = (simulator().await, Server::started().await);
    let replica = Replica::start(KEYS, &simulator.base_url(), &redis.url()).await;
    let mut connection = redis.connection().await;
    for _ in 0..6 {
        assert_eq!(replica.chat().await, 200);
    }
    let mut seen = String::new();
    eventually("words and sums are there", async || {
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
        seen = keys.join(" ");
        for key in &keys {
            let fields: Result<Vec<String>, _> = redis::cmd("HGETALL").arg(key).query_async(&mut connection).await;
            seen += &fields.unwrap_or_default().join(" ");
            let lives: i64 = redis::cmd("TTL").arg(key).query_async(&mut connection).await.unwrap();
            assert!(lives != -1, "{key} would stay for ever");
        }
        seen.contains("day_quota") && seen.contains("key_invalid") && seen.contains(":usage:")
    })
    .await;
    assert!(!seen.contains("gemini-key"), "{seen}");
}
