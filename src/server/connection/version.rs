//! Which version of HTTP a client speaks, told from its first bytes.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The first bytes of every HTTP/2 connection (RFC 9113, section 3.4). No request of HTTP/1.1 begins like this.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much is read at first, in bytes: as much as the HTTP library's buffer takes at a time, so that it need not grow.
const FIRST: usize = 8 * 1024;

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1, or 1.0.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A connection whose first bytes have been read, and are read again.
#[derive(Debug)]
pub struct Begun<T> {
    first: Bytes,
    connection: T,
}

/// Reads until the version is certain.
///
/// # Errors
/// When the connection fails or closes before.
pub async fn begin<T: AsyncRead + Unpin>(mut connection: T) -> io::Result<(Version, Begun<T>)> {
    let mut first = BytesMut::with_capacity(FIRST);
    let version = loop {
        if connection.read_buf(&mut first).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if first.starts_with(PREFACE) {
            break Version::Http2;
        }
        if !PREFACE.starts_with(&first) {
            break Version::Http1;
        }
    };
    Ok((version, Begun { first: first.freeze(), connection }))
}

impl<T: AsyncRead + Unpin> AsyncRead for Begun<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.connection).poll_read(context, buffer);
        }
        let length = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first.split_to(length));
        if !self.first.has_remaining() {
            // Its memory too.
            self.first = Bytes::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Begun<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn the_version_is_told_however_the_bytes_arrive_and_none_is_lost() {
        let preface = std::str::from_utf8(PREFACE).unwrap();
        for (text, version) in [
            ("POST /v1/chat/completions HTTP/1.1\r\n\r\n", Version::Http1),
            ("PRINT / HTTP/1.1\r\n\r\n", Version::Http1),
            ("P\r\n", Version::Http1),
            (preface, Version::Http2),
            (&format!("{preface} and a frame"), Version::Http2),
        ] {
            for piece in [1, 3, 24, 1000] {
                let (mut client, server) = tokio::io::duplex(1024);
                let sent = async {
                    for piece in text.as_bytes().chunks(piece) {
                        client.write_all(piece).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    drop(client);
                };
                let read = async {
                    let (found, mut begun) = begin(server).await.unwrap();
                    let mut all = String::new();
                    begun.read_to_string(&mut all).await.unwrap();
                    (found, all)
                };
                let ((), (found, all)) = tokio::join!(sent, read);
                assert_eq!((found, all.as_str()), (version, text), "in pieces of {piece}");
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_closes_before_is_neither() {
        for text in ["", "PRI * HT"] {
            assert_eq!(begin(text.as_bytes()).await.unwrap_err().kind(), ErrorKind::UnexpectedEof, "{text}");
        }
    }
}
