//! Serves one connection, from its TLS handshake to its end, within limits on what it may cost.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ending::{Ending, Notice};
use super::guarded::Guarded;
use super::http2::Requests;
use super::open::Place;
use super::version::{Begun, Version, begin};
use crate::server::{App, RequestHandler, tls};

/// Bytes that are buffered in each direction: headers on the way in, and on the way out what is not sent yet.
const BUFFER: usize = 64 * 1024;
/// Bytes of request bodies that a client may send over HTTP/2 before they are read.
const WINDOW: u32 = 1024 * 1024;

/// Serves connections.
pub struct Server {
    app: App,
    handler: Arc<RequestHandler>,
    tls: Option<TlsAcceptor>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    header_timeout: Duration,
}

impl Server {
    /// A server of the application, with TLS if a certificate is configured.
    ///
    /// # Errors
    /// When the TLS configuration is unusable.
    pub fn new(app: App, header_timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            handler: Arc::new(RequestHandler::new(app.clone())),
            tls: tls::config(&app.live)?.map(TlsAcceptor::from),
            http1: http1(header_timeout),
            http2: http2(),
            header_timeout,
            app,
        })
    }

    /// Serves a connection until it has ended, by itself or because it was told so.
    pub async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: Place) {
        let patience = self.app.live.snapshot().config.settings.server.write_timeout;
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let connection = Guarded::new(stream, patience);
        let Some(tls) = &self.tls else { return self.speak(connection, peer, patience, &place.ending).await };
        // Boxed, like everything that connections without TLS would otherwise pay for in memory.
        if let Some(connection) = Box::pin(self.shake_hands(tls, connection, &place.ending)).await {
            Box::pin(self.speak(connection, peer, patience, &place.ending)).await;
        }
    }

    /// The connection within TLS. None if it has ended before.
    async fn shake_hands(
        &self,
        tls: &TlsAcceptor,
        connection: Guarded,
        ending: &Ending,
    ) -> Option<Box<TlsStream<Guarded>>> {
        ending.unless_told(timeout(self.header_timeout, tls.accept(connection))).await?.ok()?.ok().map(Box::new)
    }

    /// Speaks the version of HTTP that the client begins with.
    async fn speak<T>(&self, connection: T, peer: SocketAddr, patience: Duration, ending: &Arc<Ending>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let begun = ending.unless_told(timeout(self.header_timeout, begin(connection))).await;
        match begun {
            Some(Ok(Ok((Version::Http1, begun)))) => self.speak_http1(begun, peer, ending).await,
            Some(Ok(Ok((Version::Http2, begun)))) => Box::pin(self.speak_http2(begun, peer, patience, ending)).await,
            // It was told to end, or has said nothing in time, or has closed.
            _ => {}
        }
    }

    async fn speak_http1<T>(&self, begun: Begun<T>, peer: SocketAddr, ending: &Ending)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handler = self.handler.clone();
        let service = service_fn(move |request| handler.answer(from(peer, request)).map(Ok::<_, Infallible>));
        let connection = pin!(self.http1.serve_connection(TokioIo::new(begun), service));
        until_over(connection, http1::Connection::graceful_shutdown, ending).await;
    }

    async fn speak_http2<T>(&self, begun: Begun<T>, peer: SocketAddr, patience: Duration, ending: &Arc<Ending>)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handler = self.handler.clone();
        let requests = Requests::watched(ending.clone(), self.header_timeout, patience);
        let service = service_fn(move |request| {
            let open = requests.arrived();
            handler.answer(from(peer, request)).map(|answer| Ok::<_, Infallible>(open.answered(answer)))
        });
        let connection = pin!(self.http2.serve_connection(TokioIo::new(begun), service));
        until_over(connection, http2::Connection::graceful_shutdown, ending).await;
    }
}

/// The request as handlers know it.
fn from(peer: SocketAddr, request: Request<Incoming>) -> Request<Body> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// Runs a connection until it is over. `finish` makes it end after the requests that have begun.
async fn until_over<C: Future>(mut connection: Pin<&mut C>, finish: impl Fn(Pin<&mut C>), ending: &Ending) {
    let mut finishing = false;
    poll_fn(|context| {
        match ending.told(context) {
            Notice::Abort => return Poll::Ready(()),
            Notice::Finish if !finishing => {
                finishing = true;
                finish(connection.as_mut());
            }
            Notice::Finish | Notice::None => {}
        }
        connection.as_mut().poll(context).map(drop)
    })
    .await;
}

/// What one connection over HTTP/1.1 may cost. `Guarded` adds what the library has no setting for.
fn http1(header_timeout: Duration) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        // hyper's default of about 400 KiB per connection is for headers that nobody sends.
        .max_buf_size(BUFFER);
    builder
}

/// What one connection over HTTP/2 may cost. `Requests` adds what the library has no setting for.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        // As many as a gateway needs that sends the requests of all its clients over one connection.
        .max_concurrent_streams(200)
        // The same for headers and buffers as over HTTP/1.1. The former also bounds how many frames they may be split
        // into, and the latter counts for each stream: hyper's default would allow 80 MiB per connection.
        .max_header_list_size(BUFFER as u32)
        .max_send_buf_size(BUFFER)
        // Bodies that nobody has read yet, per connection and per stream.
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .max_frame_size(16 * 1024)
        // Requests that are cancelled before they are looked at, and mistakes: a client that makes more is attacking.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1024)
        // A client that has vanished without a word.
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
