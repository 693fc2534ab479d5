//! An upstream that fails every request, but only when the test says so: the test thus controls which requests are
//! in flight together.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// It listens as a proxy does, so that `upstream.proxy` leads to it.
pub struct Held {
    pub url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    arrived: Semaphore,
    may_fail: Semaphore,
    seen: AtomicUsize,
}

impl Held {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = State { arrived: Semaphore::new(0), may_fail: Semaphore::new(0), seen: AtomicUsize::new(0) };
        let state = Arc::new(state);
        let held = state.clone();
        let fail = async move || {
            held.seen.fetch_add(1, Ordering::SeqCst);
            held.arrived.add_permits(1);
            held.may_fail.acquire().await.unwrap().forget();
            (StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":{"code":500,"message":"inner","status":"INTERNAL"}}"#)
        };
        let router = Router::new().fallback(fail);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, task }
    }

    /// Waits until so many more are there, while these are under way, and lets them fail.
    pub async fn let_fail<F: Future>(&self, under_way: &mut FuturesUnordered<F>, count: u32) {
        tokio::select! {
            all = self.state.arrived.acquire_many(count) => all.unwrap().forget(),
            _ = under_way.next() => panic!("one has ended that was held"),
        }
        self.state.may_fail.add_permits(count as usize);
    }

    /// Requests so far.
    pub fn seen(&self) -> usize {
        self.state.seen.load(Ordering::SeqCst)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.task.abort();
    }
}
