//! What the log says of a panic: where it was. Its words may quote what it stumbled over, and are nobody's to read.

/// From now on, for the whole process.
pub fn log_location_only() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "something panicked: please report the place");
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// The hook is the process's, so it panics in one of its own.
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
