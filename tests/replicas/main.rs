//! Three replicas as processes, and a real redis-server that is stopped, killed, emptied and made read-only under them. Run by
//! `scripts/test`, which installs redis-server; `cargo test` alone leaves it out.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod figures;
mod replica;
mod server;
mod states;
mod weather;

use std::time::Duration;

/// Waits until it holds; fails after a minute.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not within a minute: {what}");
}
