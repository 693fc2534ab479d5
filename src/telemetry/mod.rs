//! Logs, metrics and traces. Each event of interest is one method of [`Telemetry`], which holds its log line, its
//! metrics and its entry in `/stats` together.
//! Never: request or response bodies, unless the operator enables capsules; the text of a key; a label whose values a
//! client could multiply.

mod cache_counts;
mod durations;
mod journal;
mod labels;
mod log_hook;
mod log_writer;
pub mod logs;
mod metrics;
pub mod panics;
mod request;
mod series;
pub mod settings;
#[cfg(feature = "otel")]
mod spans;
#[cfg(not(feature = "otel"))]
#[path = "no_spans.rs"]
mod spans;
mod summary;
mod tally;
mod timeline;

use std::sync::Arc;

pub use cache_counts::{CacheCounts, CacheTally};
pub use durations::{Durations, Latencies};
pub use journal::{AnswerBody, Arrived, AttemptBodies, Bodies, Journal, Page, RequestView, Rest, Trace, Tried};
pub use labels::ModelLabels;
pub use metrics::Exporter;
pub use request::{Outcome, RequestRecord};
pub use settings::{LogSettings, TelemetrySettings};
pub use summary::{Costs, PluginCost, RequestSummary, Tags};
pub use tally::Tally;
pub use timeline::Timeline;

use crate::fault::Fault;
use crate::problem::Problems;
use series::Series;
use spans::Spans;

/// The destination of all events. Clones share it.
#[derive(Clone, Debug)]
pub struct Telemetry {
    tally: Arc<Tally>,
    timeline: Arc<Timeline>,
    journal: Arc<Journal>,
    kept: Arc<CacheTally>,
    labels: Arc<ModelLabels>,
    exporter: Exporter,
    series: Arc<Series>,
    spans: Spans,
}

impl Telemetry {
    /// Starts counting.
    pub fn start() -> Self {
        let exporter = Exporter::install();
        let (tally, timeline, journal, kept, labels) = Default::default();
        Self {
            tally,
            timeline,
            journal,
            kept,
            labels,
            exporter,
            series: Series::new().into(),
            spans: Default::default(),
        }
    }

    /// Starts exporting traces if configured. A failure is logged and does not prevent the start.
    pub fn begin_traces(&self, settings: &TelemetrySettings) {
        let Some(otel) = &settings.otel else { return };
        match self.spans.begin(otel) {
            Ok(()) => tracing::info!(endpoint = otel.endpoint, ratio = otel.ratio, "sending traces"),
            Err(why) => tracing::error!(endpoint = otel.endpoint, why, "cannot send traces"),
        }
    }

    /// Exports the remaining traces. Blocks.
    pub fn end_traces(&self) {
        self.spans.end();
    }

    /// The counts for `/stats`.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The counts of the answer cache.
    pub fn kept(&self) -> &CacheTally {
        &self.kept
    }

    /// The activity of the last few minutes.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Requests in flight and the most recent finished ones.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The model names allowed as labels.
    pub fn labels(&self) -> &ModelLabels {
        &self.labels
    }

    /// The text of `/metrics`.
    pub fn exposition(&self) -> String {
        self.exporter.render()
    }

    /// Starts the record of a new request.
    pub fn begin(&self, id: &str, api: &'static str) -> RequestRecord {
        RequestRecord::begin(self.clone(), id, api)
    }

    /// An attempt on a key failed.
    pub fn attempt_failed(&self, id: &str, pool: &str, key: &str, model: &str, fault: &Fault) {
        ::metrics::counter!(
            "gemini_adapter_upstream_attempts",
            "pool" => pool.to_owned(), "model" => self.labels.label(model).to_owned(), "outcome" => fault.kind.name()
        )
        .increment(1);
        tracing::warn!(
            request_id = id,
            pool,
            key,
            model,
            fault = fault.kind.name(),
            status = fault.status,
            retry_after_s = fault.retry_after.map(|rest| rest.as_secs_f64()),
            quota_id = fault.quota_id,
            "an attempt failed"
        );
    }

    /// A failure led to a cooldown.
    pub fn rests(&self, pool: &str, fault: &Fault) {
        ::metrics::counter!("gemini_adapter_key_cooldowns", "pool" => pool.to_owned(), "reason" => fault.kind.name())
            .increment(1);
    }

    /// An attempt on a key was answered.
    pub fn attempt_succeeded(&self, pool: &str, model: &str) {
        self.labels.learn(model);
        self.series.answered(pool, self.labels.label(model)).increment(1);
    }

    /// A client was rejected because it has reached a limit.
    pub fn client_refused(&self, client: &str, why: &str) {
        ::metrics::counter!(
            "gemini_adapter_client_rejections", "client" => client.to_owned(), "why" => why.to_owned()
        )
        .increment(1);
    }

    /// An address was blocked for a while after too many wrong keys.
    pub fn address_blocked(&self, address: std::net::IpAddr) {
        ::metrics::counter!("gemini_adapter_addresses_blocked").increment(1);
        let hint = "if it is a proxy, add it to `auth.trusted_proxies`";
        tracing::warn!(%address, hint, "address blocked after too many wrong keys");
    }

    /// The cache result of a call: `hit`, `joined`, `miss`, `refresh` or `bypass`.
    pub fn cached(&self, result: &'static str) {
        self.kept.add(result);
        ::metrics::counter!("gemini_adapter_cache_requests", "result" => result).increment(1);
    }

    /// A new snapshot is live. `changes` describes the differences, with secrets masked.
    pub fn reloaded(&self, generation: u64, hash: &str, changes: &[String], warnings: &Problems) {
        ::metrics::counter!("gemini_adapter_config_reloads", "result" => "ok").increment(1);
        ::metrics::gauge!("gemini_adapter_config_last_reload_successful").set(1.0);
        ::metrics::gauge!("gemini_adapter_config_last_reload_success_timestamp_seconds")
            .set(jiff::Timestamp::now().as_duration().as_secs_f64());
        ::metrics::gauge!("gemini_adapter_config_generation").set(generation as f64);
        for problem in warnings.iter() {
            tracing::warn!(%problem, "the configuration has a problem");
        }
        let changed = (!changes.is_empty()).then(|| first(changes));
        tracing::info!(generation, hash, changed, "configuration loaded");
    }

    /// A change was rejected; the old snapshot stays live.
    pub fn reload_refused(&self, problems: &Problems) {
        ::metrics::counter!("gemini_adapter_config_reloads", "result" => "refused").increment(1);
        ::metrics::gauge!("gemini_adapter_config_last_reload_successful").set(0.0);
        for problem in problems.iter() {
            tracing::error!(%problem, "new configuration rejected");
        }
        tracing::error!(problems = problems.len(), "the previous configuration stays live");
    }

    /// Sets whether the server runs on the last accepted configuration because the current one was rejected at startup.
    pub fn last_good_in_use(&self, in_use: bool) {
        ::metrics::gauge!("gemini_adapter_config_last_good_in_use").set(f64::from(u8::from(in_use)));
        if in_use {
            tracing::error!("CONFIGURATION REJECTED AT STARTUP: the last accepted one is used until it is fixed");
        }
    }

    /// The number of a pool's keys in each state.
    pub fn pool_keys(&self, pool: &str, states: [(&'static str, usize); 4]) {
        for (state, count) in states {
            ::metrics::gauge!("gemini_adapter_pool_keys", "pool" => pool.to_owned(), "state" => state)
                .set(count as f64);
        }
    }

    /// The number of a pool's keys in each state for a model.
    pub fn pool_model_keys(&self, pool: &str, model: &str, states: [(&'static str, usize); 4]) {
        for (state, count) in states {
            let labels = [("pool", pool.to_owned()), ("model", model.to_owned()), ("state", state.to_owned())];
            ::metrics::gauge!("gemini_adapter_pool_model_keys", &labels).set(count as f64);
        }
    }

    /// The expiry of the listener's certificate.
    pub fn certificate(&self, until: jiff::Timestamp) {
        ::metrics::gauge!("gemini_adapter_certificate_expiry_timestamp_seconds").set(until.as_second() as f64);
    }

    /// The state of the store on disk.
    pub fn store_disk(&self, open: bool, unwritten: usize, failures: u64) {
        ::metrics::gauge!("gemini_adapter_store_disk_open").set(if open { 1.0 } else { 0.0 });
        ::metrics::gauge!("gemini_adapter_store_disk_unwritten_changes").set(unwritten as f64);
        ::metrics::counter!("gemini_adapter_store_disk_failures").absolute(failures);
    }

    /// The state of the store shared by replicas: requests to Redis that were answered and that failed, and changes
    /// that could not be published.
    pub fn store_redis(&self, shared: bool, nodes: u64, [answered, failed, dropped]: [u64; 3]) {
        ::metrics::gauge!("gemini_adapter_store_redis_shared").set(if shared { 1.0 } else { 0.0 });
        ::metrics::gauge!("gemini_adapter_store_redis_nodes").set(nodes as f64);
        for (outcome, count) in [("answered", answered), ("failed", failed)] {
            ::metrics::counter!("gemini_adapter_store_redis_queries", "outcome" => outcome).absolute(count);
        }
        ::metrics::counter!("gemini_adapter_store_redis_dropped_changes").absolute(dropped);
    }

    /// The number of cached answers and their total size in bytes.
    pub fn cache_size(&self, entries: u64, bytes: u64) {
        ::metrics::gauge!("gemini_adapter_cache_entries").set(entries as f64);
        ::metrics::gauge!("gemini_adapter_cache_bytes").set(bytes as f64);
    }

    /// How often a plugin's hook was called so far, and how often it failed, by kind of failure.
    pub fn plugin(&self, plugin: &str, hook: &'static str, calls: u64, failures: &[(&'static str, u64)]) {
        let label = || plugin.to_owned();
        ::metrics::counter!("gemini_adapter_plugin_calls", "plugin" => label(), "hook" => hook).absolute(calls);
        for (kind, count) in failures {
            ::metrics::counter!("gemini_adapter_plugin_errors", "plugin" => label(), "hook" => hook, "kind" => *kind)
                .absolute(*count);
        }
    }

    /// Whether a plugin is active.
    pub fn plugin_state(&self, plugin: &str, state: &'static str) {
        let live = if state == "off" { 0.0 } else { 1.0 };
        ::metrics::gauge!("gemini_adapter_plugin_enabled", "plugin" => plugin.to_owned()).set(live);
    }
}

/// Increments a plugin's own counter. The caller bounds the names and labels.
pub fn plugin_counted(plugin: &str, name: &str, label: &str, by: u64) {
    ::metrics::counter!(
        "gemini_adapter_plugin_events",
        "plugin" => plugin.to_owned(), "name" => name.to_owned(), "label" => label.to_owned()
    )
    .increment(by);
}

/// The histogram of a plugin hook's duration. Looked up once, when the plugin is compiled.
pub fn plugin_durations(plugin: &str, hook: &'static str) -> ::metrics::Histogram {
    ::metrics::histogram!("gemini_adapter_plugin_duration_seconds", "plugin" => plugin.to_owned(), "hook" => hook)
}

/// Joins as many changes as fit a log line.
fn first(changes: &[String]) -> String {
    const MOST: usize = 20;
    let more = changes.len().saturating_sub(MOST);
    let shown = changes.iter().take(MOST).cloned().collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}
