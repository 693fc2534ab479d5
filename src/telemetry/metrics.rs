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
            #[expect(
                clippy::expect_used,
                reason = "it fails only on an empty list of buckets, and the lists are not empty"
            )]
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
        tracing::warn!(%error, "cannot start the metrics thread: histogram samples are sorted only when metrics are requested");
    }
}

/// Registers the help texts.
fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("gemini_adapter_requests", "Answered requests, by API, model and HTTP status.");
    describe_counter!("gemini_adapter_upstream_attempts", "Upstream attempts, by pool, model and outcome.");
    describe_counter!("gemini_adapter_tokens", "Tokens of answered requests, by model and kind.");
    describe_counter!("gemini_adapter_config_reloads", "Attempts to load a configuration, by result.");
    describe_counter!("gemini_adapter_plugin_calls", "Calls of plugin hooks.");
    describe_counter!(
        "gemini_adapter_plugin_errors",
        "Failed calls of plugin hooks, by cause: `error`, `limits`, `crowded`, `crash`."
    );
    describe_counter!(
        "gemini_adapter_plugin_events",
        "Events counted by plugins with `metric()`, by plugin, name and label."
    );
    describe_counter!(
        "gemini_adapter_client_rejections",
        "Requests rejected because the client had reached one of its limits."
    );
    describe_counter!("gemini_adapter_addresses_blocked", "Client addresses blocked for sending wrong keys.");
    describe_counter!("gemini_adapter_cache_requests", "Calls by the result of the cache lookup.");
    describe_gauge!("gemini_adapter_cache_entries", "Answers in the cache.");
    describe_gauge!("gemini_adapter_cache_bytes", "Size of the cached answers in bytes.");
    describe_counter!(
        "gemini_adapter_request_tags_lost",
        "Requests whose `on_log` was skipped because too many were waiting."
    );
    describe_counter!("gemini_adapter_log_lines_lost", "Log lines dropped because their reader did not keep up.");
    describe_histogram!(
        "gemini_adapter_request_duration_seconds",
        "Time from a request's arrival to the end of its answer."
    );
    describe_histogram!(
        "gemini_adapter_time_to_first_token_seconds",
        "Time from a request's arrival to its first content."
    );
    describe_histogram!(
        "gemini_adapter_stream_gap_seconds",
        "The longest pause in each stream between two chunks from Google."
    );
    describe_gauge!("gemini_adapter_inflight_requests", "Requests in flight: streamed or not.");
    describe_gauge!("gemini_adapter_pool_keys", "Keys of a pool, by state.");
    describe_gauge!(
        "gemini_adapter_pool_model_keys",
        "Keys of a pool that may serve a model, by state for that model."
    );
    describe_counter!("gemini_adapter_key_cooldowns", "Cooldowns caused by failures, by pool and fault.");
    describe_gauge!(
        "gemini_adapter_certificate_expiry_timestamp_seconds",
        "When the listener's certificate expires, in Unix time."
    );
    describe_gauge!("gemini_adapter_config_generation", "Generation of the live configuration.");
    describe_gauge!(
        "gemini_adapter_config_last_good_in_use",
        "1 while the last accepted configuration is used in place of one that was rejected at startup."
    );
    describe_gauge!(
        "gemini_adapter_config_last_reload_successful",
        "1 when the last change was accepted, 0 when it was rejected."
    );
    describe_gauge!(
        "gemini_adapter_config_last_reload_success_timestamp_seconds",
        "When the live configuration was loaded, in Unix time."
    );
    describe_gauge!("gemini_adapter_plugin_enabled", "1 while a plugin is on, 0 after it was turned off.");
    describe_histogram!("gemini_adapter_plugin_duration_seconds", "Duration of calls of plugin hooks.");
    describe_store();
    describe_gauge!("gemini_adapter_build_info", "Always 1; the version is a label.");
    metrics::gauge!("gemini_adapter_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// The part of [`describe`] for what is stored and shared.
fn describe_store() {
    use metrics::{describe_counter, describe_gauge};
    describe_gauge!("gemini_adapter_store_disk_open", "1 while state that outlives a restart is written to disk.");
    describe_gauge!("gemini_adapter_store_disk_unwritten_changes", "Changes not yet written to disk.");
    describe_counter!("gemini_adapter_store_disk_failures", "Failures to use the state file.");
    describe_gauge!(
        "gemini_adapter_store_redis_shared",
        "1 when Redis is reachable, 0 when this replica runs without it."
    );
    describe_gauge!("gemini_adapter_store_redis_nodes", "Replicas that share the Redis, as last reported by it.");
    describe_counter!("gemini_adapter_store_redis_queries", "Requests to Redis, by outcome.");
    describe_counter!("gemini_adapter_store_redis_dropped_changes", "Changes not sent to the other replicas.");
}
