use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use http_body_util::BodyExt;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot::{Receiver, channel};
use tokio_rustls::TlsAcceptor;

use super::super::connector::{self, ProxyRoute};
use super::super::resolver::Resolver;
use super::*;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const BEGUN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe";

/// A server that gives the same answer to each request.
struct Server {
    url: String,
    accepted: Arc<AtomicUsize>,
    /// What it was sent, and "closed" for each connection that the client closed.
    heard: UnboundedReceiver<String>,
}

impl Server {
    /// Closes each connection after this many answers.
    async fn answering(answer: &'static str, answers: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let accepted = Arc::<AtomicUsize>::default();
        let (say, heard) = unbounded_channel();
        let count = accepted.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, answer, answers, say.clone()));
            }
        });
        Self { url, accepted, heard }
    }

    fn connections(&self, scheme: &str, idle_limit: usize) -> Connections {
        self.trusting(RootCertStore::empty(), scheme, idle_limit)
    }

    fn trusting(&self, roots: RootCertStore, scheme: &str, idle_limit: usize) -> Connections {
        let server = Uri::try_from(format!("{scheme}://{}/", self.url)).unwrap();
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let tls = tls.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let mut tls = tls.with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tls = Arc::new(tls);
        let route = ProxyRoute::to(&server, None, connector::tcp(Resolver::default()), &tls);
        Connections::to(&server, Connector::new(route, tls, Duration::from_secs(10)), idle_limit)
    }

    /// Closes each connection after the handshake of TLS, in which it promises HTTP/2.
    async fn breaking_its_word() -> (Self, RootCertStore) {
        let (tls, roots) = promising_http2();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let accepted = Arc::<AtomicUsize>::default();
        let count = accepted.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let mut stream = tls.accept(stream).await.unwrap();
                let _ = stream.shutdown().await;
            }
        });
        (Self { url, accepted, heard: unbounded_channel().1 }, roots)
    }

    /// Speaks HTTP/2, and answers its first request when it is told to.
    async fn answering_when(told: Receiver<()>) -> (Self, RootCertStore) {
        let (tls, roots) = promising_http2();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let (say, heard) = unbounded_channel();
        tokio::spawn(async move {
            let stream = tls.accept(listener.accept().await.unwrap().0).await.unwrap();
            let told = told.shared();
            let service = service_fn(|_| {
                say.send("asked".to_owned()).unwrap();
                told.clone().map(|_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello"))))
            });
            let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
            let _ = serving.await;
            say.send("closed".to_owned()).unwrap();
        });
        (Self { url, accepted: Arc::default(), heard }, roots)
    }

    fn request(&self) -> Outgoing {
        let url = format!("http://{}/there?alt=sse", self.url);
        Request::post(url).body(Full::from("hello")).unwrap()
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// After this, all that was closed before is known: news arrives in order.
    async fn caught_up(&self) {
        let mut stream = TcpStream::connect(&self.url).await.unwrap();
        self.accepted.fetch_sub(1, Ordering::Relaxed);
        stream.write_all(b"hello").await.unwrap();
        stream.read_exact(&mut [0]).await.unwrap();
    }
}

/// TLS of a server that speaks HTTP/2, and whom to trust.
fn promising_http2() -> (TlsAcceptor, RootCertStore) {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let tls = tls.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut tls = tls.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    (TlsAcceptor::from(Arc::new(tls)), roots)
}

async fn serve(mut stream: TcpStream, answer: &'static str, answers: usize, say: UnboundedSender<String>) {
    let mut buffer = [0; 4096];
    for _ in 0..answers {
        let mut request = Vec::new();
        while !request.ends_with(b"hello") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => {
                    say.send("closed".to_owned()).unwrap();
                    return;
                }
                Ok(length) => request.extend_from_slice(&buffer[..length]),
            }
        }
        say.send(String::from_utf8(request).unwrap()).unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn whole(response: Result<Response<ResponseBody>, SendError>) -> Bytes {
    response.unwrap().into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn requests_one_after_the_other_use_one_connection() {
    let mut server = Server::answering(HELLO, usize::MAX).await;
    let connections = server.connections("http", 4);
    for _ in 0..3 {
        assert_eq!(whole(connections.send(server.request()).await).await, "hello");
        let heard = server.heard.recv().await.unwrap().to_ascii_lowercase();
        assert!(heard.starts_with("post /there?alt=sse http/1.1\r\n"), "{heard}");
        assert!(heard.contains(&format!("\r\nhost: {}\r\n", server.url)), "{heard}");
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_not_used() {
    let server = Server::answering(HELLO, 1).await;
    let connections = server.connections("http", 4);
    for before in 0..3 {
        assert_eq!(server.accepted(), before);
        assert_eq!(whole(connections.send(server.request()).await).await, "hello");
        server.caught_up().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_not_wanted_any_more_closes_its_connection() {
    let mut server = Server::answering(BEGUN, usize::MAX).await;
    let connections = server.connections("http", 4);
    let response = connections.send(server.request()).await.unwrap();
    assert!(server.heard.recv().await.unwrap().starts_with("POST"));
    drop(response);
    assert_eq!(server.heard.recv().await.unwrap(), "closed");
}

#[tokio::test]
async fn a_request_that_is_given_up_closes_its_connection() {
    let mut server = Server::answering("", usize::MAX).await;
    let connections = server.connections("http", 4);
    let heard = tokio::select! {
        _ = connections.send(server.request()) => unreachable!("there is no answer"),
        heard = server.heard.recv() => heard.unwrap(),
    };
    assert!(heard.starts_with("POST"));
    assert_eq!(server.heard.recv().await.unwrap(), "closed");
}

#[tokio::test]
async fn no_more_than_the_limit_are_kept_and_none_forever() {
    let mut server = Server::answering(HELLO, usize::MAX).await;
    let connections = server.connections("http", 2);
    let sent = futures_util::future::join_all((0..3).map(|_| connections.send(server.request()))).await;
    for response in sent {
        whole(response).await;
        assert!(server.heard.recv().await.unwrap().starts_with("POST"));
    }
    assert_eq!(server.accepted(), 3);
    assert_eq!(server.heard.recv().await.unwrap(), "closed");
    tokio::time::pause();
    for _ in 1..OLD {
        tokio::time::advance(SWEEP).await;
    }
    assert_eq!(connections.0.lock().idle.len(), 2);
    tokio::time::advance(SWEEP).await;
    assert_eq!(server.heard.recv().await.unwrap(), "closed");
    assert_eq!(server.heard.recv().await.unwrap(), "closed");
}

/// Whatever comes while a connection that may be shared is being opened waits for it, and fails with it.
#[tokio::test]
async fn one_connection_is_opened_for_all_that_might_share_it() {
    let mut server = Server::answering(HELLO, 0).await;
    let connections = server.connections("https", 4);
    for opened in 1..3 {
        let sent = futures_util::future::join_all((0..10).map(|_| connections.send(server.request()))).await;
        for response in sent {
            assert!(matches!(response, Err(SendError::Connect(_))), "it closes without a word of TLS");
        }
        assert_eq!(server.accepted(), opened);
    }
    assert!(server.heard.try_recv().is_err());
}

/// A server that takes connections and closes them is not asked for ever.
#[tokio::test]
async fn a_server_that_closes_what_it_promised_to_share_is_given_up() {
    let (server, roots) = Server::breaking_its_word().await;
    let connections = server.trusting(roots, "https", 4);
    assert!(connections.send(server.request()).await.is_err());
    assert!((1..=OPENINGS + 1).contains(&server.accepted()), "{}", server.accepted());
}

/// Google may think for longer than a connection is kept that nobody uses.
#[tokio::test]
async fn a_request_that_waits_keeps_its_connection() {
    let (tell, told) = channel();
    let (mut server, roots) = Server::answering_when(told).await;
    let connections = server.trusting(roots, "https", 4);
    let (lane, request) = (connections.clone(), server.request());
    let sent = tokio::spawn(async move { whole(lane.send(request).await).await });
    assert_eq!(server.heard.recv().await.unwrap(), "asked");
    drop(connections.0.lock().http2.take().unwrap());
    // What follows from that, on both ends of the connection.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    tell.send(()).unwrap();
    assert_eq!(sent.await.unwrap(), "hello");
    assert_eq!(server.heard.recv().await.unwrap(), "closed");
}
