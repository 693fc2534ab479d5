//! TLS for the listener. The certificate is looked up in the live snapshot at each handshake: a new one applies to new
//! connections, and existing connections stay open.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::runtime::Live;

/// Resolves to the live certificate.
#[derive(Debug)]
struct Shown(Arc<Live>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.snapshot().certificate.as_ref().map(|certificate| certificate.shown())
    }
}

/// The listener's TLS configuration, or None for plain HTTP.
///
/// # Errors
/// When the TLS library supports none of the protocol versions.
pub fn config(live: &Arc<Live>) -> io::Result<Option<Arc<ServerConfig>>> {
    if live.snapshot().certificate.is_none() {
        return Ok(None);
    }
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(Shown(live.clone())));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}
