//! The TLS listener: the certificate it presents, what happens to connections when that is renewed, and the errors
//! for unusable certificates.

use std::path::Path;
use std::sync::Arc;

use gemini_adapter::runtime::watch;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::harness::{ADMIN_KEY, CLIENT_KEY, Server, eventually};
use crate::process::{Process, output, simulator};

const KEY: &str = "gemini-key-one-0000000000";

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Writes a certificate for this machine and its key into a folder, good until the end of a year; answers its DER.
fn write(dir: &Path, issuer: &Issuer, year: i32) -> Vec<u8> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    std::fs::write(dir.join("cert.pem"), format!("{}{}", certificate.pem(), issuer.pem())).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    certificate.der().to_vec()
}

/// For a server of somebody else's: how it speaks TLS, and the file of its issuer.
pub fn stand_in(dir: &Path) -> (Arc<tokio_rustls::rustls::ServerConfig>, String) {
    let issuer = issuer();
    let der = write(dir, &issuer, 2999);
    let file = dir.join("issuer.pem");
    std::fs::write(&file, issuer.pem()).unwrap();
    let key = std::fs::read(dir.join("key.pem")).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::from_pem_slice(&key).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    (Arc::new(config.with_single_cert(vec![der.into()], key).unwrap()), file.display().to_string())
}

fn config(dir: &Path) -> String {
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| dir.join(name).display().to_string());
    format!("[server.tls]\ncert = {cert:?}\nkey = {key:?}\n[pools.default]\nkeys = [{KEY:?}]\n")
}

/// A client that trusts this issuer alone, and has no connection yet.
fn client(issuer: &Issuer) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(issuer.pem().as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([root]).tls_info(true).build().unwrap()
}

async fn shown(server: &Server, client: &reqwest::Client) -> Vec<u8> {
    let answer = client.get(format!("{}/livez", server.url)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

fn chat(server: &Server, client: &reqwest::Client, text: &str) -> reqwest::RequestBuilder {
    let body =
        json!({ "model": "gemini-3.8-flash", "stream": true, "messages": [{ "role": "user", "content": text }] });
    let request = client.post(format!("{}/v1/chat/completions", server.url)).bearer_auth(CLIENT_KEY);
    request.header("content-type", "application/json").body(body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_both_versions_are_served_in_tls_and_none_without() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), issuer());
    let der = write(dir.path(), &issuer, 2999);
    let server = Server::configured(&config(dir.path()), &[]).await;
    assert!(server.url.starts_with("https://"));
    let modern = client(&issuer);
    let answer = chat(&server, &modern, "hello").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
    assert!(answer.text().await.unwrap().contains("data: [DONE]"));
    let root = reqwest::Certificate::from_pem(issuer.pem().as_bytes()).unwrap();
    let old = reqwest::Client::builder().tls_certs_only([root]).http1_only().build().unwrap();
    let answer = chat(&server, &old, "hello").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_11));
    assert!(answer.text().await.unwrap().contains("data: [DONE]"));
    assert_eq!(shown(&server, &modern).await, der);
    let clear = server.url.replace("https://", "http://");
    assert!(reqwest::get(format!("{clear}/livez")).await.is_err(), "nothing is told in the clear");
    let stranger = client(&self::issuer());
    assert!(stranger.get(format!("{}/livez", server.url)).send().await.is_err(), "another issuer's word is not enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_to_new_connections_and_ends_none() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), issuer());
    let old = write(dir.path(), &issuer, 2998);
    let server = Server::configured(&config(dir.path()), &[]).await;
    let watching = watch(server.live.clone());
    let before = client(&issuer);
    let mut stream = chat(&server, &before, "[[sim:long chunks=20 gap_ms=50]]").send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
    let new = write(dir.path(), &issuer, 2999);
    let live = server.live.clone();
    eventually("the new one is live", move || live.snapshot().generation == 2).await;
    assert_eq!(shown(&server, &client(&issuer)).await, new);
    assert_eq!(shown(&server, &before).await, old, "a connection goes on as it began");
    let mut rest = String::new();
    while let Some(piece) = stream.chunk().await.unwrap() {
        rest.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(rest.contains("data: [DONE]"), "{rest}");
    let told = client(&issuer).get(format!("{}/admin/config/history", server.url)).bearer_auth(ADMIN_KEY);
    let told = told.send().await.unwrap().text().await.unwrap();
    assert!(told.contains("2999-12-31") && !told.contains("PRIVATE"), "{told}");
    tokio::task::spawn_blocking(move || drop(watching)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_changes_nothing_and_is_told() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), issuer());
    let good = write(dir.path(), &issuer, 2999);
    let server = Server::configured(&config(dir.path()), &[]).await;
    let path = |name: &str| dir.path().join(name);
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    let (cert, key) = (read("cert.pem"), read("key.pem"));
    let others_key = KeyPair::generate().unwrap().serialize_pem();
    write(dir.path(), &issuer, 2021);
    let (expired, its_key) = (read("cert.pem"), read("key.pem"));
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAo=\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned();
    let nothing = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n".to_owned();
    for (cert, key, place, word) in [
        (&cert, &others_key, "server.tls.key", "does not match the certificate"),
        (&cert, &locked, "server.tls.key", "has a password"),
        (&cert, &cert, "server.tls.key", "there is no private key"),
        (&key, &key, "server.tls.cert", "there is no certificate"),
        (&nothing, &key, "server.tls.cert", "cannot be read"),
        (&expired, &its_key, "server.tls.cert", "clients would reject the new certificate"),
    ] {
        std::fs::write(path("cert.pem"), cert).unwrap();
        std::fs::write(path("key.pem"), key).unwrap();
        let live = server.live.clone();
        let problems = tokio::task::spawn_blocking(move || live.reload()).await.unwrap().unwrap_err();
        let found = problems.iter().find(|problem| problem.path == place && problem.message.contains(word));
        assert!(found.is_some_and(|problem| problem.source.is_some() && problem.hint.is_some()), "{word}: {problems}");
        assert_eq!(shown(&server, &client(&issuer)).await, good);
    }
    let admin = client(&issuer).get(format!("{}/admin/config", server.url)).bearer_auth(ADMIN_KEY);
    let told: Value = serde_json::from_str(&admin.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(told["refused"]["problems"][0]["path"], "server.tls.cert", "{told:#}");
    assert_eq!(told["certificate"]["names"], json!(["localhost", "127.0.0.1"]));
    let live = server.live.clone();
    std::fs::write(server.path("config.toml"), format!("[pools.default]\nkeys = [{KEY:?}]\n")).unwrap();
    let problems = tokio::task::spawn_blocking(move || live.reload()).await.unwrap().unwrap_err().to_string();
    assert!(problems.contains("server.tls: cannot be toggled while the server runs"), "{problems}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_find_a_server_in_tls() {
    let (dir, issuer) = (tempfile::tempdir().unwrap(), Arc::new(issuer()));
    let simulator = simulator().await;
    write(dir.path(), &issuer, 2999);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    drop(listener);
    std::fs::create_dir(dir.path().join("config")).unwrap();
    let written = format!(
        "{}\n[auth]\nadmin_keys = [\"env:SECURITY_ADMIN_API_KEYS\"]\n[[clients]]\nname = \"team\"\nkey = \"env:TEAM_KEY\"\n",
        config(dir.path())
    );
    std::fs::write(dir.path().join("config/config.toml"), written).unwrap();
    let base = simulator.base_url();
    let variables =
        [("GEMINI_BASE_URL", base.as_str()), ("SECURITY_ADMIN_API_KEYS", ADMIN_KEY), ("TEAM_KEY", CLIENT_KEY)];
    let process = Process::start(dir.path(), &variables);
    let at = format!("server.listen={}", process.address);
    let said = |command: &[&str]| {
        let done = output(dir.path(), &[command, &["--set", &at]].concat(), &variables);
        (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
    };
    for command in [&["healthcheck"][..], &["reload"], &["smoke", "--model", "gemini-3.8-flash"], &["doctor"]] {
        let (code, out) = said(command);
        assert_eq!(code, Some(0), "{command:?}: {out}");
    }
    let (_, out) = said(&["doctor", "--offline"]);
    for line in
        ["✓ certificate       for localhost, 127.0.0.1, valid until 2999-12-31", "✓ port", "a server is running"]
    {
        assert!(out.contains(line), "{line}: {out}");
    }
    let (_, out) = said(&["client-config", "openai-sdk"]);
    assert!(out.contains(&format!("https://{}", process.address)), "{out}");
    write(dir.path(), &issuer, 2021);
    let (code, out) = said(&["reload"]);
    assert!(code == Some(78) && out.contains("clients would reject the new certificate"), "{out}");
    let (code, out) = said(&["doctor", "--offline"]);
    assert!(code == Some(1) && out.contains("✗ certificate") && out.contains("2021-12-31"), "{out}");
    assert!(out.contains("! permissions") && out.contains("chmod 640"), "{out}");
    drop(process);
    let at_nobody = output(dir.path(), &["healthcheck", "--address", &place], &variables);
    assert_eq!(at_nobody.status.code(), Some(69));
}
