//! An unreachable or untrusted Google: the connection is refused, or the peer has no valid certificate. No key is
//! sent, and none is blamed.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::Value;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::process::{Process, command, read};

const KEY: &str = "gemini-key-of-this-test-000";
const ANSWER: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"yes"}]},"finishReason":"STOP"}]}"#;

/// What is wrong with an upstream that speaks TLS.
pub enum Proof {
    Good,
    Expired,
    OfAnother,
    BreaksOff,
}

pub type Issuer = CertifiedIssuer<'static, KeyPair>;

pub fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub fn tls(issuer: &Issuer, proof: &Proof) -> ServerConfig {
    let host = if matches!(proof, Proof::OfAnother) { "elsewhere.test" } else { "localhost" };
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    if matches!(proof, Proof::Expired) {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap()
}

/// An upstream, and all it was told, behind TLS and before.
fn upstream(issuer: &Issuer, proof: Proof) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let config = Arc::new(tls(issuer, &proof));
    let told = Arc::new(Mutex::new(String::new()));
    let heard = told.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (config, heard, breaks_off) = (config.clone(), heard.clone(), matches!(proof, Proof::BreaksOff));
            std::thread::spawn(move || {
                let mut buffer = [0; 16 * 1024];
                if breaks_off {
                    let read = stream.read(&mut buffer).unwrap_or(0);
                    heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
                    return;
                }
                let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
                    let length = ANSWER.len();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
                    );
                    let _ = stream.write_all((head + ANSWER).as_bytes());
                }
            });
        }
    });
    (url, told)
}

/// The status of an answer, and how the key stands afterwards.
fn ask(dir: &std::path::Path, url: &str) -> (u16, Value) {
    let mut command = command(dir);
    command.args(["--set", "upstream.attempts=1", "--set", "upstream.wait=0s"]);
    let variables = [
        ("GEMINI_API_KEYS", KEY),
        ("GEMINI_BASE_URL", url),
        ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789"),
        ("SSL_CERT_FILE", "issuer.pem"),
    ];
    let process = Process::start_as(command, &variables);
    let answer = read(process.chat("hi", false));
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let request =
        "GET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer client-key-0123456789\r\n\r\n";
    let stats = read(process.ask(request));
    let stats: Value = serde_json::from_str(&stats[stats.find("\r\n\r\n").unwrap()..]).unwrap();
    (status, stats["pools"]["default"]["keys"][0].clone())
}

#[test]
fn who_cannot_prove_to_be_google_is_shown_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer();
    std::fs::write(dir.path().join("issuer.pem"), issuer.pem()).unwrap();
    for (proof, expected) in
        [(Proof::Good, 200), (Proof::Expired, 502), (Proof::OfAnother, 502), (Proof::BreaksOff, 502)]
    {
        let (url, told) = upstream(&issuer, proof);
        let (status, key) = ask(dir.path(), &url);
        let told = told.lock().unwrap();
        assert_eq!((status, told.contains(KEY)), (expected, expected == 200), "{told}");
        assert_eq!((&key["state"], &key["failures"]), (&"ready".into(), &0.into()));
    }
}

#[test]
fn nobody_who_listens_is_no_keys_fault() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("issuer.pem"), issuer().pem()).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [format!("http://127.0.0.1:{port}"), "http://no-such-name.invalid".to_owned()] {
        let (status, key) = ask(dir.path(), &url);
        assert_eq!(status, 502, "{url}");
        assert_eq!((&key["state"], &key["failures"]), (&"ready".into(), &0.into()));
    }
}
