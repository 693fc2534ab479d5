//! The stand-in Gemini: speaks v1beta on loopback, checks requests as strictly as Google does, and fails on demand.
//!
//! It shares no type with the translator, so that a mistake in one shows in the other. [`shape`] and [`rules`] judge a request,
//! [`scenario`] says what happens to it, [`answer`] what is said, [`transmit`] how that goes over the wire.
//! Never: a quota spent, a key checked with anyone.

mod answer;
mod arrivals;
mod caches;
mod embed;
mod failure;
mod files;
mod http;
mod keys;
mod modalities;
mod models;
mod replay;
mod resources;
mod rules;
mod scenario;
mod shape;
mod signature;
mod sound;
mod storage;
mod transmit;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use arrivals::Arrival;
pub use scenario::{SCENARIOS, ScenarioRow};

/// How it behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What happens to requests that do not say it themselves: `503 times=2`.
    pub scenario: Option<String>,
    /// A folder of recorded answers, or a capsule.
    pub replay: Option<PathBuf>,
}

/// Whether Gemini would take this `generateContent` request.
///
/// # Errors
/// In Google's words, what is wrong with it.
pub fn judge(model: &str, request: &Value) -> Result<(), String> {
    let judged = shape::check("GenerateContentRequest", request).and_then(|request| rules::check(model, &request));
    judged.map_err(|failure| failure.body["error"]["message"].as_str().unwrap_or_default().to_owned())
}

/// A stand-in Gemini that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<http::State>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the listener is unusable, or the folder of recorded answers is.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Arc::new(http::State::new(options)?);
        let router = http::router(state.clone());
        let task = tokio::spawn(async move {
            // Ends with the task; accepting does not fail for good on loopback.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, state, task })
    }

    /// Where it listens, as `upstream.base_url` wants it.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.state.arrivals.all()
    }

    /// Forgets them, and how often each fault has happened.
    pub fn reset(&self) {
        self.state.arrivals.clear();
    }

    /// Streams that are open now.
    pub fn open_streams(&self) -> usize {
        self.state.arrivals.open()
    }

    /// Streams whose client left before the end.
    pub fn abandoned_streams(&self) -> usize {
        self.state.arrivals.abandoned()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}
