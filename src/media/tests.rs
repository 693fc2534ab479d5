//! Tests where a URL may lead, on a simulated network: nothing here reaches beyond this machine, whatever the code
//! does.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Host;

use super::*;

/// A trusted host that redirects elsewhere.
const SENDER: &str = "sender.internal";

/// Resolves names as a test specifies, or to this machine. Records the dialled addresses, and connects to none but the
/// sender.
#[derive(Debug, Default)]
struct StandIn {
    names: Mutex<HashMap<String, Vec<IpAddr>>>,
    sender: Option<SocketAddr>,
    dialled: Mutex<Vec<SocketAddr>>,
}

impl StandIn {
    fn name(&self, name: &str, addresses: &[IpAddr]) {
        self.names.lock().unwrap().insert(name.to_owned(), addresses.to_vec());
    }

    fn take(&self) -> Vec<SocketAddr> {
        std::mem::take(&mut self.dialled.lock().unwrap())
    }
}

impl Network for StandIn {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let named = self.names.lock().unwrap().get(host).cloned();
        let found = named.unwrap_or_else(|| vec![IpAddr::from([127, 0, 0, 1])]);
        Box::pin(async move { Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        let sender = self.sender.filter(|sender| *sender == address);
        if sender.is_none() {
            self.dialled.lock().unwrap().push(address);
        }
        Box::pin(async move {
            match sender {
                Some(sender) => TcpStream::connect(sender).await,
                None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}

fn media(network: &Arc<StandIn>, trusted: &[String]) -> Media {
    let settings = MediaSettings { remote: true, trusted_hosts: trusted.to_vec(), ..MediaSettings::default() };
    Media::over(network.clone(), &settings, &mut Problems::new()).unwrap()
}

/// Answers every request with a redirect to the target in its query, byte for byte.
async fn sender() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&request[..read]).into_owned();
            let hex = line.split(['?', ' ']).nth(2).unwrap_or_default();
            let mut reply = b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ".to_vec();
            reply.extend((0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()));
            reply.extend_from_slice(b"\r\n\r\n");
            let _ = stream.write_all(&reply).await;
        }
    });
    address
}

fn urls(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The address in a URL, and the same URL with a name in its place.
fn named(url: &str) -> Option<(IpAddr, String)> {
    let mut url = Url::parse(url).ok()?;
    let address = match url.host()? {
        Host::Domain(_) => return None,
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
    };
    url.set_host(Some("name.example")).ok()?;
    Some((address, url.into()))
}

#[tokio::test]
async fn no_url_leads_into_this_network() {
    const TABLE: &str = include_str!("../../tests/ssrf/refused.txt");
    assert!(urls(TABLE).count() >= 150);
    let sender = sender().await;
    let network = Arc::new(StandIn { sender: Some(sender), ..StandIn::default() });
    let public = IpAddr::from([8, 8, 8, 8]);
    network.name(SENDER, &[sender.ip()]);
    network.name("public.example", &[public]);
    let sender = format!("{SENDER}:{}", sender.port());
    let media = media(&network, &[sender.clone(), "trusted.internal:8080".into()]);
    let mut tried = 0;
    for url in urls(TABLE) {
        let hex: String = url.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut ways = vec![("as it stands", url.to_owned()), ("by redirect", format!("http://{sender}/?{hex}"))];
        if let Some((address, named)) = named(url) {
            network.name("name.example", &[address]);
            ways.push(("by name", named.clone()));
            network.name("both.example", &[public, address]);
            ways.push(("by a name with a public address too", named.replace("name.example", "both.example")));
        }
        for (way, url_of_it) in ways {
            assert_eq!(media.fetch(&url_of_it).await, None);
            assert_eq!(network.take(), [], "{url} {way}");
            tried += 1;
        }
    }
    assert!(tried >= 800, "{tried}");
    // A host that is trusted at one port is not trusted at another.
    for url in ["https://trusted.internal/", "http://trusted.internal/", "https://trusted.internal:8081/"] {
        assert_eq!((media.fetch(url).await, network.take()), (None, vec![]), "{url}");
    }
}

#[tokio::test]
async fn the_world_is_dialled_where_it_was_looked_at() {
    let sender = sender().await;
    let network = Arc::new(StandIn { sender: Some(sender), ..StandIn::default() });
    network.name(SENDER, &[sender.ip()]);
    network.name("public.example", &[IpAddr::from([8, 8, 4, 4])]);
    let sender = format!("{SENDER}:{}", sender.port());
    let trusted = [sender.clone(), "trusted.internal:8080".into(), "10.0.0.7".into(), "[fd00::7]".into()];
    let media = media(&network, &trusted);
    let own =
        ["http://trusted.internal:8080/", "https://TRUSTED.internal:8080/", "http://10.0.0.7/", "http://[fd00::7]:81/"];
    for url in urls(include_str!("../../tests/ssrf/dialled.txt")).chain(own) {
        let hex: String = url.bytes().map(|byte| format!("{byte:02x}")).collect();
        for way in [url.to_owned(), format!("http://{sender}/?{hex}")] {
            assert_eq!(media.fetch(&way).await, None, "nobody is there");
            let dialled = network.take();
            assert_eq!(dialled.len(), 1, "{way} ({url})");
            assert!(own.contains(&url) || address::is_public(dialled[0].ip()), "{url}: {dialled:?}");
        }
    }
    media.fetch("https://public.example/").await;
    assert_eq!(network.take(), [SocketAddr::from(([8, 8, 4, 4], 443))]);
}

#[test]
fn types_by_their_beginnings() {
    for (bytes, kind) in [
        (&b"\x89PNG\r\n\x1a\n...."[..], Some("image/png")),
        (b"RIFF....WEBPVP8 ", Some("image/webp")),
        (b"RIFF....WAVEfmt ", Some("audio/wav")),
        (b"....ftypheic....", Some("image/heic")),
        (b"....ftypisom....", Some("video/mp4")),
        (b"<html>", None),
        (b"", None),
    ] {
        assert_eq!(sniff(bytes), kind);
    }
}
