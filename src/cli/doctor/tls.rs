//! Check of the listener's certificate. Errors in it are already reported by the check of the configuration.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jiff::Timestamp;

use super::Finding;
use crate::config::Config;
use crate::problem::Problems;
use crate::reading::Reading;
use crate::runtime::Certificate;

/// Reports the certificate's names and expiry, and whether others can read its key.
pub fn certificate(config: &Config) -> Vec<Finding> {
    let Some(settings) = &config.settings.server.tls else { return Vec::new() };
    let mut findings = Vec::new();
    let now = Timestamp::now();
    if let Some(certificate) = Certificate::prepare(settings, &Reading::default(), now, &mut Problems::new()) {
        findings.push(if !certificate.is_good(now) {
            let fix = "renew it: new files are loaded without a restart";
            Finding::bad("certificate", format!("clients reject it: it is {certificate}"), fix)
        } else if certificate.names.is_empty() {
            let fix = "issue one with the server's name as a subject alternative name";
            Finding::warning("certificate", "it has no subject alternative name, which clients require", fix)
        } else {
            Finding::good("certificate", certificate.to_string())
        });
    }
    let key = &settings.key;
    if fs::metadata(key).is_ok_and(|about| about.permissions().mode() & 0o004 != 0) {
        let found = format!("the key in `{}` is readable by every user of this machine", key.display());
        findings.push(Finding::warning("permissions", found, format!("chmod 640 {}", key.display())));
    }
    findings
}
