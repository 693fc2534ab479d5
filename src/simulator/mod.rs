//! The stand-in Gemini: speaks v1beta on loopback, validates requests as strictly as Google does, and fails on
//! demand.
//!
//! It shares no types with the translation, so that a mistake in one shows in the other. [`shape`] and [`rules`]
//! validate a request, [`scenario`] selects what happens to it, [`answer`] composes the answer, [`transmit`] sends
//! it.
//! Never: use a real quota; check a key with Google.

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

/// The options of a simulator.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The scenario for requests that select none themselves: `503 times=2`.
    pub scenario: Option<String>,
    /// A folder of recorded answers, or a capsule file.
    pub replay: Option<PathBuf>,
}

/// Checks whether Gemini would accept this `generateContent` request.
///
/// # Errors
/// Returns what is wrong with it, in Google's wording.
pub fn judge(model: &str, request: &Value) -> Result<(), String> {
    let judged = shape::check("GenerateContentRequest", request).and_then(|request| rules::check(model, &request));
    judged.map_err(|failure| failure.body["error"]["message"].as_str().unwrap_or_default().to_owned())
}

/// A running simulator. It stops on drop.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    state: Arc<http::State>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Starts serving on the listener.
    ///
    /// # Errors
    /// Fails if the listener, the scenario, or the recorded answers are unusable.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Arc::new(http::State::new(options)?);
        let router = http::router(state.clone());
        let task = tokio::spawn(async move {
            // Ends with the task; accepting connections does not fail permanently on loopback.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, state, task })
    }

    /// Returns its URL, as needed for `upstream.base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the requests so far, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.state.arrivals.all()
    }

    /// Clears the recorded requests and the counts of faults.
    pub fn reset(&self) {
        self.state.arrivals.clear();
    }

    /// Returns the number of streams that are currently open.
    pub fn open_streams(&self) -> usize {
        self.state.arrivals.open()
    }

    /// Returns the number of streams whose client disconnected before the end.
    pub fn abandoned_streams(&self) -> usize {
        self.state.arrivals.abandoned()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}
