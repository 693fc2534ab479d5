//! TLS towards others: whose certificates this machine trusts.

use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;

/// What this machine trusts, for HTTP/1.1. Read once: some hundred certificates cost every reader milliseconds and megabytes.
///
/// # Errors
/// When there is nothing it trusts.
pub fn of_this_machine() -> Result<Arc<ClientConfig>, rustls::Error> {
    static READ: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| read().map(Arc::new));
    READ.clone()
}

fn read() -> Result<ClientConfig, rustls::Error> {
    let ours = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(ours.with_safe_default_protocol_versions()?.with_platform_verifier()?.with_no_client_auth())
}
