//! Follows the event feed of a running server, and reports when the connection is lost and restored.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use crate::cli::remote::{AdminClient, Failure, RunningArgs};
use crate::config::Sources;

const EVENTS: &str = "/admin/events";
/// How long to wait before reconnecting.
const PAUSE: Duration = Duration::from_secs(1);

/// A message from the feed.
#[derive(Debug)]
pub enum FeedMessage {
    /// An event with this name and document.
    Event(String, Value),
    /// The connection to the server is lost.
    Lost,
}

/// Starts following the feed, and returns the URL of the server.
///
/// # Errors
/// Fails if the server does not answer or rejects the key.
pub async fn begin(running: &RunningArgs, sources: &Sources, tell: Sender<FeedMessage>) -> Result<String, Failure> {
    let admin = running.admin(sources)?;
    let first = admin.request(Method::GET, EVENTS).await?;
    let server = admin.server.clone();
    tokio::spawn(follow(admin, first, tell));
    Ok(server)
}

async fn follow(admin: AdminClient, first: reqwest::Response, tell: Sender<FeedMessage>) {
    let mut next = Some(first);
    loop {
        if let Some(mut answer) = next.take() {
            let mut frames = Frames::default();
            while let Ok(Some(piece)) = answer.chunk().await {
                for (name, document) in frames.take(&piece) {
                    if tell.send(FeedMessage::Event(name, document)).await.is_err() {
                        return;
                    }
                }
            }
        }
        if tell.send(FeedMessage::Lost).await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
        next = admin.request(Method::GET, EVENTS).await.ok();
    }
}

/// Parses events from bytes that may be split anywhere.
#[derive(Debug, Default)]
pub struct Frames(Vec<u8>);

impl Frames {
    /// Adds bytes and returns the events that are now complete.
    pub fn take(&mut self, piece: &[u8]) -> Vec<(String, Value)> {
        self.0.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = memchr::memmem::find(&self.0, b"\n\n") {
            let frame: Vec<u8> = self.0.drain(..end + 2).collect();
            let text = String::from_utf8_lossy(&frame);
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(name), Some(data)) = (field("event: "), field("data: "))
                && let Ok(document) = serde_json::from_str(data)
            {
                events.push((name.to_owned(), document));
            }
        }
        events
    }
}
