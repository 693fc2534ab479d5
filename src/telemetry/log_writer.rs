//! Writes log lines to standard error: lines are collected briefly and written by a separate thread. No request waits
//! for a terminal, a pipe or a disk. If the reader does not keep up, lines are dropped and counted, so memory stays
//! bounded.

use std::io::Write;
use std::mem::take;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long lines are collected before they are written in one call.
const GATHERED: Duration = Duration::from_millis(20);
/// Limit of unwritten lines, in bytes.
const MOST: usize = 4 * 1024 * 1024;
/// How long process exit waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(1);

/// The log lines of this process.
pub static LINES: LazyLock<Lines> = LazyLock::new(|| {
    let write = || LINES.write_to(&mut std::io::stderr());
    let thread = std::thread::Builder::new().name("log".to_owned()).spawn(write);
    Lines { alone: thread.is_err(), ..Lines::default() }
});

/// Lines waiting to be written.
#[derive(Default)]
pub struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Set when no thread could be started: every caller then writes its own lines.
    alone: bool,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    /// Whether the thread is writing.
    writing: bool,
    /// Whether `flush` is waiting.
    hurry: bool,
}

impl Lines {
    /// Adds one or more lines, including their line breaks.
    pub fn add(&self, line: &[u8]) {
        if self.alone {
            let _ = std::io::stderr().write_all(line);
            return;
        }
        let mut waiting = self.lock();
        if waiting.text.len() + line.len() > MOST {
            drop(waiting);
            metrics::counter!("gemini_adapter_log_lines_lost").increment(1);
            return;
        }
        let first = waiting.text.is_empty();
        waiting.text.extend_from_slice(line);
        drop(waiting);
        if first {
            self.changed.notify_all();
        }
    }

    /// Waits until everything has been written, up to a limit.
    pub fn flush(&self) {
        let mut waiting = self.lock();
        waiting.hurry = true;
        self.changed.notify_all();
        let unwritten = |waiting: &mut Waiting| waiting.writing || !waiting.text.is_empty();
        let done = self.changed.wait_timeout_while(waiting, PATIENCE, unwritten);
        done.unwrap_or_else(PoisonError::into_inner).0.hurry = false;
    }

    fn write_to(&self, out: &mut impl Write) {
        let mut spare = Vec::new();
        loop {
            let waiting = self.lock();
            let waiting = self.changed.wait_while(waiting, |waiting| waiting.text.is_empty());
            let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            let gathered = self.changed.wait_timeout_while(waiting, GATHERED, |waiting| !waiting.hurry);
            let mut waiting = gathered.unwrap_or_else(PoisonError::into_inner).0;
            let mut text = std::mem::replace(&mut waiting.text, take(&mut spare));
            waiting.writing = true;
            drop(waiting);
            // If the log cannot be written, there is nowhere to report it.
            let _ = out.write_all(&text);
            text.clear();
            spare = text;
            self.lock().writing = false;
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer for the subscriber.
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        LINES.add(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A writer that reports each write, then blocks until it is released.
    struct Slow(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(text.to_vec());
            let _ = self.1.recv();
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_logs_never_waits_and_memory_is_bounded() {
        let (asked, writes) = channel();
        let (leave, may) = channel();
        let lines = Arc::new(Lines::default());
        let writer = lines.clone();
        std::thread::spawn(move || writer.write_to(&mut Slow(asked, may)));
        lines.add(b"first\n");
        assert_eq!(writes.recv().unwrap(), b"first\n");
        // The writer is blocked now, but adding lines does not block.
        let line = [b'x'; 1024];
        (0..2 * MOST / line.len()).for_each(|_| lines.add(&line));
        assert_eq!(lines.lock().text.len(), MOST);
        leave.send(()).unwrap();
        assert_eq!(writes.recv().unwrap().len(), MOST, "what was gathered goes out in one write");
        leave.send(()).unwrap();
        lines.flush();
        let waiting = lines.lock();
        assert!(waiting.text.is_empty() && !waiting.writing);
    }
}
