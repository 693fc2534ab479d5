//! How soon a peer hears. Figures, not a test: `cargo test --release --test replicas -- --ignored --nocapture how_soon`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gemini_adapter::secret::Secret;
use gemini_adapter::store::{Holder, Redis, Scope, Standing, Used, Witness};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::eventually;
use super::server::Server;

struct Listener(UnboundedSender<u64>);

impl Holder for Listener {
    fn learn(&self, standings: &[Standing]) {
        for standing in standings {
            let _ = self.0.send(standing.epoch);
        }
    }

    fn recall(&self, _: &[Used]) {}

    fn standings(&self) -> Vec<Standing> {
        Vec::new()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and judges nothing"]
async fn how_soon_a_peer_hears() {
    const ROUNDS: u64 = 1000;
    let server = Server::started().await;
    let url = Secret::new(&server.url());
    let (told, mut heard) = unbounded_channel();
    let (own, _own) = unbounded_channel();
    let peer = Redis::start(&url, Arc::new(Listener(told)), &[]).unwrap();
    let teller = Redis::start(&url, Arc::new(Listener(own)), &[]).unwrap();
    eventually("both are connected", async || peer.status().connected && teller.status().connected).await;
    let mut delays: Vec<Duration> = Vec::new();
    for epoch in 1..=ROUNDS {
        let scope = Scope::Key("aaaaaaaaaaaa".into());
        let until = Some(jiff::Timestamp::now());
        let began = Instant::now();
        teller.stands(&Standing {
            scope,
            epoch,
            strikes: 1,
            until,
            dead: false,
            disabled: false,
            why: None,
            quota_id: None,
        });
        // What the slow look found again is no news.
        while heard.recv().await.unwrap() < epoch {}
        delays.push(began.elapsed());
    }
    delays.sort();
    let of = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    println!("peer hears after p50 {:?}, p99 {:?}, at most {:?}", of(0.5), of(0.99), of(1.0));
}
