//! OpenTelemetry traces. Each request has one SERVER span; below it one logical CLIENT span for the call to Gemini, and
//! below that one CLIENT span per attempt, so that tokens are counted once however many attempts there were. Spans are
//! built from the journal when the request is over: nothing is measured twice, and nothing is done while the request is
//! processed. Names follow OpenTelemetry's conventions for generative AI
//! (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/, checked on 2026-11-27).
//! Never: the content of requests and answers.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

use super::journal::{RequestView, Tried};
use super::settings::OtelSettings;

/// Timeout for the collector, and for the final export at process exit.
const PATIENCE: Duration = Duration::from_secs(5);

/// The exporter, once configured. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Spans(Arc<OnceLock<(SdkTracerProvider, SdkTracer)>>);

/// The trace context of a request.
#[derive(Debug)]
pub struct TraceParent {
    path: &'static str,
    /// The parent span, if the client named one.
    within: Context,
}

impl Spans {
    /// Starts exporting.
    ///
    /// # Errors
    /// Why exporting could not be started.
    pub fn begin(&self, settings: &OtelSettings) -> Result<(), String> {
        let client = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sending { client, runtime: Handle::current() })
            .with_endpoint(&settings.endpoint)
            .build()
            .map_err(|error| error.to_string())?;
        let resource = Resource::builder()
            .with_service_name(settings.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio))))
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("gemini-adapter");
        let _ = self.0.set((provider, tracer));
        Ok(())
    }

    /// Extracts the trace context of a new request; None when traces are not exported.
    pub fn came(&self, path: &'static str, headers: &HeaderMap) -> Option<TraceParent> {
        self.0.get()?;
        let within = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        Some(TraceParent { path, within })
    }

    /// Exports the spans of a finished request.
    pub fn export(&self, came: &TraceParent, seen: &RequestView) {
        let Some((_, tracer)) = self.0.get() else { return };
        let clock = Clock::of(seen);
        let facts = &seen.facts;
        let end = clock.at(seen.ended_ms.unwrap_or(facts.duration_ms as f64));
        let failed = (facts.status >= 500).then(|| {
            seen.error.as_ref().and_then(|error| error.code.clone()).unwrap_or_else(|| facts.status.to_string())
        });
        let mut server = builder(format!("POST {}", came.path), SpanKind::Server, clock.start)
            .with_attributes(server_attributes(came, seen))
            .start_with_context(tracer, &came.within);
        let inner = Context::new().with_remote_span_context(server.span_context().clone());
        if let (Some(first), true) = (seen.tries.first(), server.span_context().is_sampled()) {
            let operation = operation(facts.api);
            let mut asked = builder(format!("{operation} {}", facts.model), SpanKind::Client, clock.at(first.began_ms))
                .with_attributes(asked_attributes(operation, seen))
                .start_with_context(tracer, &inner);
            let within = Context::new().with_remote_span_context(asked.span_context().clone());
            seen.tries.iter().for_each(|tried| attempt(tracer, &within, tried, &clock, end));
            close(&mut asked, failed.clone(), end);
        }
        close(&mut server, failed, end);
    }

    /// Exports the remaining spans. Blocks.
    pub fn end(&self) {
        if let Some((provider, _)) = self.0.get() {
            let _ = provider.shutdown_with_timeout(PATIENCE);
        }
    }
}

/// Converts times of a request to system time.
struct Clock {
    start: SystemTime,
}

impl Clock {
    fn of(seen: &RequestView) -> Self {
        let since = seen.at.parse::<jiff::Timestamp>().ok().and_then(|at| Duration::try_from(at.as_duration()).ok());
        Self { start: since.map_or_else(SystemTime::now, |since| SystemTime::UNIX_EPOCH + since) }
    }

    fn at(&self, ms: f64) -> SystemTime {
        self.start + Duration::from_secs_f64(ms.max(0.0) / 1000.0)
    }
}

fn builder(name: String, kind: SpanKind, start: SystemTime) -> SpanBuilder {
    SpanBuilder::from_name(name).with_kind(kind).with_start_time(start)
}

fn close(span: &mut impl opentelemetry::trace::Span, failed: Option<String>, end: SystemTime) {
    if let Some(why) = failed {
        span.set_attribute(KeyValue::new("error.type", why));
        span.set_status(Status::error(""));
    }
    span.end_with_timestamp(end);
}

fn server_attributes(came: &TraceParent, seen: &RequestView) -> Vec<KeyValue> {
    let facts = &seen.facts;
    vec![
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("http.route", came.path),
        KeyValue::new("http.response.status_code", i64::from(facts.status)),
        KeyValue::new("gemini_adapter.request_id", facts.request_id.clone()),
        KeyValue::new("gemini_adapter.client", facts.client.clone()),
        KeyValue::new("gemini_adapter.api", facts.api),
    ]
}

fn asked_attributes(operation: &'static str, seen: &RequestView) -> Vec<KeyValue> {
    let facts = &seen.facts;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", operation),
        KeyValue::new("gen_ai.provider.name", "gcp.gemini"),
        KeyValue::new("gen_ai.request.model", facts.model.clone()),
        KeyValue::new("gen_ai.request.stream", facts.stream),
        KeyValue::new("gen_ai.usage.input_tokens", count(facts.prompt_tokens)),
        KeyValue::new("gen_ai.usage.output_tokens", count(facts.completion_tokens)),
        KeyValue::new("gemini_adapter.model.alias", facts.asked.clone()),
        KeyValue::new("gemini_adapter.pool", facts.pool.clone()),
        KeyValue::new("gemini_adapter.attempts", i64::from(facts.attempts)),
    ];
    if let (Some(first), Some(tried)) = (facts.first_token_ms, seen.tries.first()) {
        let seconds = (first as f64 - tried.began_ms).max(0.0) / 1000.0;
        attributes.push(KeyValue::new("gen_ai.response.time_to_first_chunk", seconds));
    }
    attributes
}

fn attempt(tracer: &SdkTracer, within: &Context, tried: &Tried, clock: &Clock, end: SystemTime) {
    let mut attributes = vec![
        KeyValue::new("gen_ai.request.model", tried.model.clone()),
        KeyValue::new("gemini_adapter.key", tried.key.clone()),
    ];
    attributes.extend(tried.status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))));
    attributes.extend(tried.quota_id.clone().map(|quota| KeyValue::new("gemini_adapter.quota_id", quota)));
    let mut span = builder(format!("attempt {}", tried.model), SpanKind::Client, clock.at(tried.began_ms))
        .with_attributes(attributes)
        .start_with_context(tracer, within);
    let failed = tried.outcome.filter(|outcome| *outcome != "ok").map(str::to_owned);
    // The span of a successful attempt lasts until the answer ends.
    let ended = tried.ended_ms.filter(|_| failed.is_some()).map_or(end, |ended| clock.at(ended));
    close(&mut span, failed, ended);
}

/// The operation name defined by the conventions.
fn operation(api: &str) -> &'static str {
    match api {
        "embeddings" => "embeddings",
        "completions" => "text_completion",
        // The conventions name no operation for it, and let others be named.
        "count_tokens" => "count_tokens",
        "native" | "images" | "image_edits" | "speech" | "transcriptions" | "translations" => "generate_content",
        _ => "chat",
    }
}

/// Sends requests on our runtime, because the library's export thread has none.
#[derive(Debug)]
struct Sending {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Sending {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        sent.await?
    }
}
