//! Establishes connections to Google: directly, or through any kind of proxy.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use rustls::ClientConfig;
use tokio::time::timeout;
use tower::Service;

use super::resolver::Resolver;

type Tcp = HttpConnector<Resolver>;
/// Why no connection was made.
pub type Failure = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// How long a connection is silent before the kernel asks whether the other end is still there, how often it asks
/// again, and how many times. Google may think for minutes without a word, and a connection that a router has forgotten
/// is silent too: without these questions only `upstream.first_byte_timeout` would tell the two apart.
const SILENCE: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_secs(10);
const ASK_TIMES: u32 = 3;
/// How long what was sent may remain unconfirmed by the other end.
#[cfg(target_os = "linux")]
const UNCONFIRMED: Duration = Duration::from_secs(30);

/// Opens TCP connections that notice when the other end is gone without a word.
pub fn tcp(resolver: Resolver) -> Tcp {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(SILENCE));
    tcp.set_keepalive_interval(Some(ASK_EVERY));
    tcp.set_keepalive_retries(Some(ASK_TIMES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNCONFIRMED));
    tcp
}

/// How a connection is made, before TLS with Google.
#[derive(Clone, Debug)]
pub enum ProxyRoute {
    /// A direct connection.
    Direct(Tcp),
    /// A tunnel through an HTTP proxy.
    Tunnel(Tunnel<HttpsConnector<Tcp>>),
    /// A tunnel through a SOCKS proxy.
    Socks(SocksV5<Tcp>),
    /// An HTTP proxy that forwards requests itself, because the upstream uses plain HTTP.
    Forward(HttpsConnector<Tcp>, Uri),
}

impl ProxyRoute {
    /// The way to `base`: through `proxy` if there is one, using `tls` if the connection to the proxy needs it.
    pub fn to(base: &Uri, proxy: Option<&Intercept>, tcp: Tcp, tls: &Arc<ClientConfig>) -> Self {
        let Some(proxy) = proxy else { return Self::Direct(tcp) };
        let address = proxy.uri().clone();
        if address.scheme_str().is_some_and(|scheme| scheme.starts_with("socks5")) {
            let socks = SocksV5::new(address.clone(), tcp).local_dns(address.scheme_str() == Some("socks5"));
            return Self::Socks(match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            });
        }
        let secured = |tcp: Tcp| HttpsConnector::from((tcp, tls.clone()));
        if base.scheme_str() == Some("http") {
            return Self::Forward(secured(tcp), address);
        }
        let tunnel = Tunnel::new(address, secured(tcp));
        Self::Tunnel(match proxy.basic_auth() {
            Some(credentials) => tunnel.with_auth(credentials.clone()),
            None => tunnel,
        })
    }

    /// The credentials to send with each request. None for a tunnel, which sends them when it is set up.
    pub fn credentials(base: &Uri, proxy: Option<&Intercept>) -> Option<HeaderValue> {
        let mut credentials = proxy.filter(|_| base.scheme_str() == Some("http"))?.basic_auth()?.clone();
        credentials.set_sensitive(true);
        Some(credentials)
    }
}

impl Service<Uri> for ProxyRoute {
    type Response = Box<dyn Stream>;
    type Error = Failure;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        // All variants are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        match self.clone() {
            Self::Direct(mut tcp) => Box::pin(async move { Ok(boxed(tcp.call(to).await?)) }),
            Self::Socks(mut socks) => Box::pin(async move { Ok(boxed(socks.call(to).await?)) }),
            Self::Tunnel(mut tunnel) => Box::pin(async move { Ok(boxed(tunnel.call(to).await?)) }),
            Self::Forward(mut proxy, address) => Box::pin(async move { Ok(boxed(proxy.call(address).await?)) }),
        }
    }
}

/// A connection to Google or to a proxy, with TLS or without. Boxed, it takes no more memory than its kind does: the
/// state of TLS, of which there may be two, one within the other, is about a kilobyte each.
pub trait Stream: Read + Write + Connection + Unpin + Send {}

impl<T: Read + Write + Connection + Unpin + Send> Stream for T {}

impl Connection for Box<dyn Stream> {
    fn connected(&self) -> Connected {
        (**self).connected()
    }
}

fn boxed<T: Stream + 'static>(stream: T) -> Box<dyn Stream> {
    Box::new(stream)
}

/// Establishes connections. The time limit covers name resolution, TCP, proxy and TLS together.
#[derive(Clone, Debug)]
pub struct Connector {
    /// TLS with Google on top of the way there.
    secure: HttpsConnector<ProxyRoute>,
    /// Whether a proxy is at the other end that forwards requests itself: they must then carry the absolute URL.
    pub forwards: bool,
    limit: Duration,
}

impl Connector {
    /// Takes this route, with TLS on top of it if the URL asks for that.
    pub fn new(route: ProxyRoute, tls: Arc<ClientConfig>, limit: Duration) -> Self {
        let forwards = matches!(route, ProxyRoute::Forward(..));
        Self { secure: (route, tls).into(), forwards, limit }
    }
}

impl Service<Uri> for Connector {
    type Response = Box<dyn Stream>;
    type Error = Failure;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.secure.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = timeout(self.limit, self.secure.call(to));
        Box::pin(async move {
            Ok(match connecting.await?? {
                MaybeHttpsStream::Http(stream) => stream,
                MaybeHttpsStream::Https(stream) => boxed(MaybeHttpsStream::Https(stream)),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::client::proxy::matcher::Matcher;
    use hyper_util::rt::TokioIo;
    use rustls::RootCertStore;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A proxy that sends each of `words` after receiving something. Returns everything it received: one entry per
    /// word, and one at the end.
    async fn proxy(words: &'static [&'static [u8]]) -> (String, tokio::task::JoinHandle<Vec<Vec<u8>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut heard, mut buffer) = (Vec::new(), [0; 1024]);
            for word in words {
                let length = stream.read(&mut buffer).await.unwrap();
                heard.push(buffer[..length].to_vec());
                stream.write_all(word).await.unwrap();
            }
            let length = stream.read(&mut buffer).await.unwrap();
            heard.push(buffer[..length].to_vec());
            heard
        });
        (address, task)
    }

    fn way(base: &Uri, proxy: &str) -> (ProxyRoute, Option<HeaderValue>) {
        let proxy = Matcher::builder().all(proxy).build().intercept(base);
        let tcp = tcp(Resolver::default());
        (ProxyRoute::to(base, proxy.as_ref(), tcp, &tls()), ProxyRoute::credentials(base, proxy.as_ref()))
    }

    fn tls() -> Arc<ClientConfig> {
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        Arc::new(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }

    /// Says hello to whoever is at the other end. Returns whether that is a proxy which forwards requests itself.
    async fn says_hello(mut way: ProxyRoute, to: &Uri) -> bool {
        let stream = way.call(to.clone()).await.unwrap();
        TokioIo::new(stream).write_all(b"hello").await.unwrap();
        Connector::new(way, tls(), Duration::MAX).forwards
    }

    #[tokio::test]
    async fn an_http_proxy_makes_a_tunnel_to_what_speaks_tls() {
        let (address, proxy) = proxy(&[b"HTTP/1.1 200 OK\r\n\r\n"]).await;
        let base = Uri::from_static("https://google.test/");
        let (way, credentials) = way(&base, &format!("http://user:pass@{address}"));
        assert!(credentials.is_none(), "the proxy is told when the tunnel is made, Google never");
        assert!(!says_hello(way, &base).await);
        let heard = proxy.await.unwrap();
        let asked = String::from_utf8(heard[0].clone()).unwrap().to_ascii_lowercase();
        assert!(asked.starts_with("connect google.test:443 http/1.1\r\n"), "{asked}");
        assert!(asked.contains("proxy-authorization: basic dxnlcjpwyxnz\r\n"), "{asked}");
        assert_eq!(heard[1], b"hello");
    }

    #[tokio::test]
    async fn an_http_proxy_reads_what_goes_without_tls() {
        let (address, proxy) = proxy(&[]).await;
        let base = Uri::from_static("http://inside.test/");
        let (way, credentials) = way(&base, &format!("http://user:pass@{address}"));
        assert_eq!(credentials.unwrap(), "Basic dXNlcjpwYXNz");
        assert!(says_hello(way, &base).await, "requests must name their whole address");
        assert_eq!(proxy.await.unwrap(), [b"hello"]);
    }

    /// The kernel's table of connections says which timer runs on each: 2 is that of a silent connection.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_asks_whether_a_silent_connection_is_alive() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let to = Uri::try_from(format!("http://127.0.0.1:{port}")).unwrap();
        let _open = tcp(Resolver::default()).call(to).await.unwrap();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let ours = format!("0100007F:{port:04X} 01 ");
        let row = table.lines().find(|row| row.contains(&ours)).expect("our end of the connection");
        let timer = row.split_whitespace().nth(5).unwrap();
        assert!(timer.starts_with("02:"), "{row}");
    }

    #[tokio::test]
    async fn a_socks_proxy_resolves_the_name_and_knows_the_user() {
        let (address, proxy) = proxy(&[b"\x05\x02", b"\x01\0", b"\x05\0\0\x01\0\0\0\0\0\0"]).await;
        let base = Uri::from_static("https://google.test/");
        let (way, credentials) = way(&base, &format!("socks5h://user:pass@{address}"));
        assert!(credentials.is_none());
        assert!(!says_hello(way, &base).await);
        let heard = proxy.await.unwrap();
        assert_eq!(heard[1], b"\x01\x04user\x04pass");
        assert_eq!(heard[2], b"\x05\x01\0\x03\x0bgoogle.test\x01\xbb");
        assert_eq!(heard[3], b"hello");
    }
}
