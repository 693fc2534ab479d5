//! Whatever becomes of Redis, no request fails and none is forgotten.

use super::eventually;
use super::replica::Replica;
use super::server::Server;
use super::states::simulator;

const KEYS: &str = "gemini-key-today-00000000,gemini-key-good-000000000";

/// Some requests to each.
async fn traffic(replicas: &[Replica], when: &str) {
    for replica in replicas {
        for _ in 0..5 {
            assert_eq!(replica.chat().await, 200, "{when}");
        }
    }
}

async fn all(replicas: &[Replica], connected: bool, when: &str) {
    for replica in replicas {
        eventually(when, async || replica.connected().await == connected).await;
    }
}

/// Forgives the key whose quota is used up, and sees that all hear of it and of its next failure.
async fn is_shared(replicas: &[Replica], when: &str) {
    for replica in replicas {
        eventually(when, async || {
            if replica.of_model(0).await.0 == "resting" {
                return true;
            }
            assert_eq!(replicas[0].chat().await, 200, "{when}");
            false
        })
        .await;
    }
    replicas[1].reset(0).await;
    for replica in replicas {
        eventually(when, async || replica.of_model(0).await.0 == "ready").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_stop_die_lose_everything_or_refuse() {
    let (simulator, mut redis) = (simulator().await, Server::started().await);
    let replicas = Replica::three(KEYS, &simulator.base_url(), &redis.url()).await;
    all(&replicas, true, "at the start").await;
    is_shared(&replicas, "at the start").await;

    redis.signal("STOP");
    traffic(&replicas, "stopped").await;
    all(&replicas, false, "stopped").await;
    traffic(&replicas, "stopped, and known to be").await;
    redis.signal("CONT");
    all(&replicas, true, "going on").await;
    is_shared(&replicas, "going on").await;

    redis.kill();
    traffic(&replicas, "killed").await;
    all(&replicas, false, "killed").await;
    redis.start().await;
    traffic(&replicas, "started again").await;
    all(&replicas, true, "started again, empty").await;
    is_shared(&replicas, "started again, empty").await;

    // A replica of a server that is not there: it may be read only.
    redis.order(&["REPLICAOF", "127.0.0.1", "1"]).await;
    traffic(&replicas, "read only").await;
    all(&replicas, false, "read only").await;
    redis.order(&["REPLICAOF", "NO", "ONE"]).await;
    all(&replicas, true, "no longer read only").await;
    is_shared(&replicas, "no longer read only").await;

    redis.order(&["FLUSHALL"]).await;
    traffic(&replicas, "emptied").await;
    is_shared(&replicas, "emptied").await;
    redis.order(&["SCRIPT", "FLUSH"]).await;
    traffic(&replicas, "without scripts").await;
    is_shared(&replicas, "without scripts").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_redis_is_a_start() {
    let (simulator, mut redis) = (simulator().await, Server::absent());
    let replicas = Replica::three(KEYS, &simulator.base_url(), &redis.url()).await;
    traffic(&replicas, "without it").await;
    all(&replicas, false, "without it").await;
    redis.start().await;
    all(&replicas, true, "now that it is there").await;
    is_shared(&replicas, "now that it is there").await;
    let sent = simulator.arrivals().iter().filter(|arrival| arrival.method != "models").count() as u64;
    for replica in &replicas {
        eventually("what was used before is known", async || replica.used_today().await == sent).await;
    }
}
