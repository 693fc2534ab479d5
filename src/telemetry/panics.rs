//! Logs only the location of a panic. Its message may quote the data that caused it, and must not be logged.

/// Installs the panic hook for the whole process.
pub fn log_location_only() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic: please report it with the location");
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// The hook affects the whole process, so the test panics in a child process.
    #[test]
    fn a_panic_says_where_and_not_what() {
        const CHILD: &str = "PANIC_OF_THIS_TEST";
        if std::env::var_os(CHILD).is_some() {
            tracing_subscriber::fmt().with_writer(std::io::stderr).init();
            super::log_location_only();
            panic!("gemini-canary-key");
        }
        let name = "telemetry::panics::tests::a_panic_says_where_and_not_what";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let said = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let said = [said.stdout, said.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("panics.rs:") && !said.contains("canary"), "{said}");
    }
}
