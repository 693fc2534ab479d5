//! The end of a stop: what is still open is to say so, and go.

use tokio::sync::watch;

/// Told once, heard by all.
#[derive(Debug, Default)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Time is up.
    pub fn now(&self) {
        self.0.send_replace(true);
    }

    /// Until time is up.
    pub fn requested(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut heard = self.0.subscribe();
        async move {
            if heard.wait_for(|told| *told).await.is_err() {
                // Nobody is left who could tell.
                std::future::pending::<()>().await;
            }
        }
    }
}
