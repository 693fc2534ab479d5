//! The final phase of a stop: open answers must end with an error.

use tokio::sync::watch;

/// A signal that is sent once and received by all.
#[derive(Debug, Default)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Sends the signal.
    pub fn now(&self) {
        self.0.send_replace(true);
    }

    /// Completes when the signal has been sent.
    pub fn requested(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut heard = self.0.subscribe();
        async move {
            if heard.wait_for(|told| *told).await.is_err() {
                // The sender is gone, so the signal can never arrive.
                std::future::pending::<()>().await;
            }
        }
    }
}
