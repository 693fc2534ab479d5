//! The three tasks: one publishes, one subscribes, one keeps the connection.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};

use super::breakers::{self, Line};
use super::link::{CONNECT, describe};
use super::{Op, Outgoing, Shared, claims, rows, usage};

/// How often to poll for what was missed.
const POLL: Duration = Duration::from_secs(1);
/// After this many answers on one connection, the next pause is a short one again.
const WELL: u32 = 10;

/// Redis's answer about changes: its era, its version, the number of nodes, and the changed lines.
type Since = (String, i64, u64, Vec<Vec<u8>>);

/// Publishes changes, in order.
pub async fn publish(shared: Arc<Shared>, mut queue: Receiver<Outgoing>) {
    while let Some(told) = queue.recv().await {
        match told {
            Outgoing::BreakerState(state) => {
                let call = breakers::publish(&shared.names, &state, shared.clock.now().wall);
                match shared.link.call::<Vec<u8>>(&call).await {
                    Some(line) => {
                        let better = Line::read(&line).filter(|line| line.is_news_to(&state));
                        shared.learn(better);
                    }
                    None => shared.behind.store(true, Ordering::Relaxed),
                }
            }
            Outgoing::Row(change) => {
                let call = rows::publish(&shared.names, &change);
                if shared.link.call::<i64>(&call).await.is_none() {
                    let mut missed = shared.missed.rows();
                    // A change whose answer came too late may have been made all the same: an addition is not repeated.
                    if shared.under_way.failed(&change) && !matches!(change.op, Op::Add(_)) && !missed.hold(&change) {
                        missed.keep(change);
                    }
                }
            }
            Outgoing::Released(probes, number) => {
                // If there is no answer, they expire.
                shared.link.call::<i64>(&claims::release(&shared.names, &probes, number)).await;
            }
            // If it cannot be sent, nobody is waiting any more.
            Outgoing::Mark(mark) => drop(mark.send(())),
        }
    }
}

/// Receives what other nodes publish, while the connection is up.
pub async fn subscribe(shared: Arc<Shared>) {
    let mut stands = shared.link.watch();
    loop {
        if stands.wait_for(|stands| *stands).await.is_err() {
            return;
        }
        if let Ok(Ok(mut told)) = timeout(2 * CONNECT, shared.link.client().get_async_pubsub()).await
            && told.subscribe(&[shared.names.of("news"), shared.names.of("rows")]).await.is_ok()
        {
            let (_sink, mut messages) = told.split();
            loop {
                tokio::select! {
                    message = messages.next() => match message {
                        Some(message) => shared.receive(message.get_channel_name(), message.get_payload_bytes()),
                        None => break,
                    },
                    _ = stands.wait_for(|stands| !*stands) => break,
                }
            }
            // This node does not receive what it published meanwhile.
            shared.under_way.forget();
        }
        sleep(CONNECT).await;
    }
}

/// Keeps the connection: reconnects while Redis is unavailable, and polls for what was missed while it is available.
pub async fn keep(shared: Arc<Shared>) {
    loop {
        match catch_up(&shared).await {
            Ok((era, version)) => stay(&shared, era, version).await,
            Err(why) => shared.link.missing(&why),
        }
        sleep(shared.link.pause()).await;
    }
}

/// Opens a connection, merges all that is known there, and publishes all that is known here. The first command writes,
/// so that a server that accepts no writes does not count as available.
async fn catch_up(shared: &Shared) -> Result<(String, i64), String> {
    let mut connection = shared.link.open().await?;
    let call = breakers::since(&shared.names, 0);
    let answer = timeout(CONNECT, call.invoke_async::<Since>(&mut connection)).await;
    let (era, version, nodes, lines) =
        answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| describe(&error))?;
    shared.nodes.store(nodes, Ordering::Relaxed);
    shared.learn(lines.iter().filter_map(|line| Line::read(line)));
    shared.link.install(connection);
    publish_all(shared).await;
    shared.flush_backlog();
    usage::share(shared).await;
    Ok((era, version))
}

/// Polls until the connection is lost.
async fn stay(shared: &Shared, mut era: String, mut version: i64) {
    let mut stands = shared.link.watch();
    let mut answers = 0;
    loop {
        tokio::select! {
            () = sleep(POLL) => {}
            _ = stands.wait_for(|stands| !*stands) => return,
        }
        let call = breakers::since(&shared.names, version);
        let Some((now, newest, nodes, lines)) = shared.link.call::<Since>(&call).await else { continue };
        shared.nodes.store(nodes, Ordering::Relaxed);
        shared.learn(lines.iter().filter_map(|line| Line::read(line)).filter(|line| line.n != shared.names.node));
        // Redis was emptied: the nodes know what it has lost.
        let emptied = now != era || newest < version;
        (era, version) = (now, if emptied { 0 } else { newest });
        if emptied || shared.behind.swap(false, Ordering::Relaxed) {
            publish_all(shared).await;
        }
        shared.flush_backlog();
        usage::share(shared).await;
        answers += 1;
        if answers == WELL {
            shared.link.healthy();
        }
    }
}

async fn publish_all(shared: &Shared) {
    for state in shared.holder.breaker_states() {
        // The queue is closed only when the process ends.
        let _ = shared.queue.send(Outgoing::BreakerState(state)).await;
    }
}

impl Shared {
    fn learn(&self, lines: impl IntoIterator<Item = Line>) {
        let now = self.clock.now().wall;
        let breaker_states: Vec<_> = lines.into_iter().filter_map(|line| line.state(now)).collect();
        if !breaker_states.is_empty() {
            self.holder.learn(&breaker_states);
        }
    }

    fn receive(&self, channel: &str, told: &[u8]) {
        if channel == self.names.of("news") {
            self.learn(Line::read(told).filter(|line| line.n != self.names.node));
        } else if let Some(heard) = self.under_way.heard(&self.names, told) {
            self.tables.heard(heard);
        }
    }
}
