//! Prometheus metrics: one recorder per process, with buckets suited to models that think for minutes.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Histogram bounds in seconds: OpenTelemetry's recommendation for GenAI durations, extended to the timeout of the
/// SDKs.
const SECONDS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 600.0];

/// Bounds for plugin hooks, which take microseconds or are aborted.
const HOOK_SECONDS: &[f64] = &[
    0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0,
    10.0,
];
/// How often recorded samples are sorted into buckets. Until then they accumulate in a list, and there may be no
/// scraper to trigger it.
const SORTED_EVERY: Duration = Duration::from_secs(5);

/// Renders the metrics. Clones share the recorder.
#[derive(Clone)]
pub struct Exporter(PrometheusHandle);

impl Exporter {
    /// Returns the process's recorder, installing it on first use.
    pub fn install() -> Self {
        static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
        let handle = INSTALLED.get_or_init(|| {
            #[expect(clippy::expect_used, reason = "it says no to no buckets, and there are some")]
            let builder = PrometheusBuilder::new()
                .with_recommended_naming(true)
                .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)
                .and_then(|builder| {
                    let hooks = Matcher::Full("gemini_adapter_plugin_duration_seconds".into());
                    builder.set_buckets_for_metric(hooks, HOOK_SECONDS)
                })
                .expect("the buckets are not empty");
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            // Fails only when this library runs in a process that has a recorder already, which then takes precedence.
            let _ = metrics::set_global_recorder(recorder);
            describe();
            sort(handle.clone());
            handle
        });
        Self(handle.clone())
    }

    /// Renders the metrics in the exposition format.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Exporter")
    }
}

/// Starts a thread that sorts recorded samples into buckets at intervals.
fn sort(handle: PrometheusHandle) {
    let sorting = move || loop {
        std::thread::sleep(SORTED_EVERY);
        handle.run_upkeep();
    };
    let thread = std::thread::Builder::new().name("metrics".to_owned()).spawn(sorting);
    if let Err(error) = thread {
        tracing::warn!(%error, "without a thread, what histograms were told is sorted when it is asked for only");
    }
}

/// Registers the help texts.
fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("gemini_adapter_requests", "Requests answered, by API, model and HTTP status.");
    describe_counter!("gemini_adapter_upstream_attempts", "Attempts on a key, by pool, model and what came of them.");
    describe_counter!("gemini_adapter_tokens", "Tokens of answered requests, by model and kind.");
    describe_counter!("gemini_adapter_config_reloads", "Configurations loaded, by result.");
    describe_counter!("gemini_adapter_plugin_calls", "Calls of a plugin's hook.");
    describe_counter!(
        "gemini_adapter_plugin_errors",
        "Calls of a plugin's hook that failed, by how: `error`, `limits`, `crowded`, `crash`."
    );
    describe_counter!("gemini_adapter_plugin_events", "What plugins have counted, by plugin, name and label.");
    describe_counter!("gemini_adapter_client_refusals", "Requests of clients that have used what they may use.");
    describe_counter!("gemini_adapter_addresses_held_off", "Addresses held off for wrong keys.");
    describe_counter!("gemini_adapter_cache_requests", "Calls by what kept answers had to do with them.");
    describe_gauge!("gemini_adapter_cache_entries", "Answers that are kept.");
    describe_gauge!("gemini_adapter_cache_bytes", "All kept answers.");
    describe_counter!("gemini_adapter_request_tags_lost", "Requests whose `on_log` was left out: too many at once.");
    describe_counter!(
        "gemini_adapter_log_lines_lost",
        "Log lines that were left out: what reads them did not keep up."
    );
    describe_histogram!(
        "gemini_adapter_request_duration_seconds",
        "From a request's arrival to the end of its answer."
    );
    describe_histogram!("gemini_adapter_time_to_first_token_seconds", "From a request's arrival to its first content.");
    describe_histogram!(
        "gemini_adapter_stream_gap_seconds",
        "The longest pause of each stream, between two pieces as they come from Google."
    );
    describe_gauge!("gemini_adapter_inflight_requests", "Requests that are being answered: whole, or as a stream.");
    describe_gauge!("gemini_adapter_pool_keys", "Keys of a pool, by state.");
    describe_gauge!("gemini_adapter_pool_model_keys", "Keys of a pool that may serve a model, by their state for it.");
    describe_counter!("gemini_adapter_key_cooldowns", "Rests that failures led to, by pool and fault.");
    describe_gauge!(
        "gemini_adapter_certificate_expiry_timestamp_seconds",
        "Until when the certificate of the listener is good, in Unix time."
    );
    describe_gauge!("gemini_adapter_config_generation", "Generation of the live configuration.");
    describe_gauge!(
        "gemini_adapter_config_stands_on_last_good",
        "1 while the last accepted configuration stands in for one that was refused at the start."
    );
    describe_gauge!(
        "gemini_adapter_config_last_reload_successful",
        "1 when the last change was taken, 0 when it was refused."
    );
    describe_gauge!(
        "gemini_adapter_config_last_reload_success_timestamp_seconds",
        "When the live configuration was loaded, in Unix time."
    );
    describe_gauge!("gemini_adapter_plugin_on", "1 while a plugin is on, 0 once its fuse has blown.");
    describe_histogram!("gemini_adapter_plugin_duration_seconds", "How long calls of a plugin's hook take.");
    describe_gauge!("gemini_adapter_store_disk_open", "1 when what outlives a restart is written to disk.");
    describe_gauge!("gemini_adapter_store_disk_unwritten_changes", "Changes that are not on disk yet.");
    describe_counter!("gemini_adapter_store_disk_failures", "Times the file could not be used.");
    describe_gauge!(
        "gemini_adapter_store_redis_shared",
        "1 when Redis is there, 0 when this replica goes on by itself."
    );
    describe_gauge!("gemini_adapter_store_redis_nodes", "Replicas around the Redis, as it said last.");
    describe_counter!("gemini_adapter_store_redis_questions", "Questions to Redis, by outcome.");
    describe_counter!("gemini_adapter_store_redis_dropped_changes", "Changes that replicas were not told of.");
    describe_gauge!("gemini_adapter_build_info", "Always 1; the version is a label.");
    metrics::gauge!("gemini_adapter_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}
