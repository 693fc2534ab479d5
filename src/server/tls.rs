//! TLS on the listener. What it shows is looked up in the live snapshot at each handshake: a new certificate is for those who come
//! from then on, and no connection ends for it.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::runtime::Live;

/// What shows the live certificate.
#[derive(Debug)]
struct Shown(Arc<Live>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.snapshot().certificate.as_ref().map(|certificate| certificate.shown())
    }
}

/// How the listener speaks TLS; None when it is to speak HTTP in the clear.
///
/// # Errors
/// When the library has no ciphers for these versions.
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
