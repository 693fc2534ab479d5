//! The listener's TLS certificate and its private key, read and validated like the rest of the configuration.
//! Never: the text of the key anywhere but in the signing key.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::Serialize;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::TlsSettings;
use crate::problem::{Problem, Problems};
use crate::reading::Reading;

/// When to warn before expiry. Certificates are normally renewed a month before they expire, so less than this means
/// renewal was forgotten.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A certificate and its private key.
#[derive(Clone, Serialize)]
pub struct Certificate {
    /// The names and addresses it is valid for.
    pub names: Vec<String>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// The SHA-256 fingerprint, as other programs show it.
    pub sha256: String,
    #[serde(skip)]
    shown: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads and checks it. An expired or not yet valid certificate is accepted with a warning, so that it does not
    /// block the rest of the configuration.
    pub fn prepare(settings: &TlsSettings, reading: &Reading, now: Timestamp, problems: &mut Problems) -> Option<Self> {
        let certificate = match (chain(&settings.cert, reading), key(&settings.key, reading)) {
            (Ok(chain), Ok(key)) => Self::of(chain, key).map_err(|problem| problems.extend(problem)).ok()?,
            (chain, key) => {
                problems.extend(chain.err().into_iter().chain(key.err()).flatten());
                return None;
            }
        };
        problems.extend(certificate.untimely(now).map(|problem| problem.at(CERT)));
        Some(certificate)
    }

    fn of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Problems> {
        let own = chain.first().cloned().unwrap_or_else(|| CertificateDer::from(Vec::new()));
        let (_, read) = X509Certificate::from_der(&own).map_err(|_| {
            Problem::error("the first certificate in the file cannot be read").at(CERT).hint(WHICH_CERT)
        })?;
        let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
        let (not_before, not_after) = (read.validity.not_before.timestamp(), read.validity.not_after.timestamp());
        let names = names(&read);
        let shown = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let hint = "the first certificate in `server.tls.cert` must match this key";
                Problem::error("does not match the certificate").at(KEY).hint(hint)
            }
            _ => Problem::error("is a key of an unsupported kind").at(KEY).hint(WHICH_KEY),
        })?;
        let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &own);
        let sha256 = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { names, not_before: time(not_before), not_after: time(not_after), sha256, shown: Arc::new(shown) })
    }

    /// The certificate and signing key for the listener.
    pub fn shown(&self) -> Arc<CertifiedKey> {
        self.shown.clone()
    }

    /// Whether it is valid at this time. Clients reject it otherwise.
    pub fn is_good(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// A warning if it is not valid yet, has expired, or expires soon.
    fn untimely(&self, now: Timestamp) -> Option<Problem> {
        let hint = "renew it: new files are loaded without a restart";
        if now < self.not_before {
            let message = format!("the certificate is not valid until {}", day(self.not_before));
            return Some(Problem::warning(message).hint("check this machine's clock"));
        }
        if now > self.not_after {
            let message = format!("the certificate expired on {}: clients reject it", day(self.not_after));
            return Some(Problem::warning(message).hint(hint));
        }
        let soon = self.not_after.duration_since(now) < SOON;
        soon.then(|| Problem::warning(format!("the certificate expires on {}", day(self.not_after))).hint(hint))
    }
}

/// A one-line description.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = if self.names.is_empty() { "no name".to_owned() } else { self.names.join(", ") };
        let short = self.sha256.get(..8).unwrap_or_default();
        write!(f, "for {names}, valid until {}, {short}", day(self.not_after))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({self})")
    }
}

const CERT: &str = "server.tls.cert";
const KEY: &str = "server.tls.key";
const WHICH_CERT: &str =
    "write the certificate as PEM, the server's own first, then the intermediate ones: `fullchain.pem`";
const WHICH_KEY: &str = "write the key as PEM: RSA, ECDSA (P-256, P-384, P-521) or Ed25519, as `privkey.pem`";

fn chain(file: &Path, reading: &Reading) -> Result<Vec<CertificateDer<'static>>, Problems> {
    let text = text(file, reading, CERT)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<_, _>>().unwrap_or_default();
    if chain.is_empty() {
        let message = format!("there is no certificate in `{}`", file.display());
        return Err(Problem::error(message).at(CERT).hint(WHICH_CERT).into());
    }
    Ok(chain)
}

fn key(file: &Path, reading: &Reading) -> Result<PrivateKeyDer<'static>, Problems> {
    let text = text(file, reading, KEY)?;
    if text.contains("ENCRYPTED") {
        let hint =
            "remove the password, and permit only this user to read it: `openssl pkey -in key.pem -out plain.pem`";
        let message = format!("the key in `{}` has a password", file.display());
        return Err(Problem::error(message).at(KEY).hint(hint).into());
    }
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        let message = format!("there is no private key in `{}`", file.display());
        Problem::error(message).at(KEY).hint(WHICH_KEY).into()
    })
}

/// Certificates are read as secrets too, so the history does not store them: a rollback must not restore a certificate
/// whose key is gone.
fn text(file: &Path, reading: &Reading, place: &str) -> Result<Arc<str>, Problems> {
    reading.secret(file).map_err(|error| {
        let hint = "write the path of a file that this user can read; in a container, its path there";
        Problem::error(format!("cannot read `{}`: {error}", file.display())).at(place).hint(hint).into()
    })
}

/// Clients check only the subject alternative names.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let named = alternatives.iter().flat_map(|extension| &extension.value.general_names);
    named
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::from(bytes).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::from(bytes).to_string())).ok()
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}
