//! Root certificates for outgoing TLS: those the operating system trusts.

use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;

/// TLS client configuration that trusts this machine's root certificates. It is read once and shared: there are more
/// than a hundred certificates, and reading them again for each user would cost milliseconds and megabytes.
///
/// # Errors
/// When no root certificates can be loaded.
pub fn of_this_machine() -> Result<Arc<ClientConfig>, rustls::Error> {
    static READ: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(|| read().map(Arc::new));
    READ.clone()
}

fn read() -> Result<ClientConfig, rustls::Error> {
    let ours = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Ok(ours.with_safe_default_protocol_versions()?.with_platform_verifier()?.with_no_client_auth())
}
