//! `gemini-adapter check`: everything a start or a reload would find wrong, and nothing started.

use std::io::Write;
use std::process::ExitCode;

use crate::config::Sources;
use crate::keys::Ledger;
use crate::problem::{Problems, Severity};
use crate::runtime::prepare;

/// The configuration is refused: `EX_CONFIG` of sysexits.
const REFUSED: u8 = 78;

/// Prints every problem to standard error, and the verdict to standard output. 0, or 78 when it would be refused; warnings
/// refuse nothing.
pub fn run(sources: &Sources) -> ExitCode {
    let file = sources.path().display();
    let (problems, refused) = match prepare(sources, &Ledger::default()) {
        Ok(snapshot) => (snapshot.warnings, false),
        Err(problems) => (problems, true),
    };
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    for problem in problems.iter() {
        let _ = writeln!(err, "{problem}");
    }
    let _ = writeln!(out, "{file}: {}", verdict(&problems));
    if refused { ExitCode::from(REFUSED) } else { ExitCode::SUCCESS }
}

fn verdict(problems: &Problems) -> String {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (errors, problems.len() - errors) {
        (0, 0) => "ok".to_owned(),
        (0, warnings) => format!("ok, {}", count(warnings, "warning")),
        (errors, 0) => count(errors, "problem"),
        (errors, warnings) => format!("{}, {}", count(errors, "problem"), count(warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    #[test]
    fn verdicts() {
        let problems = |errors: usize, warnings: usize| {
            let mut problems = Problems::new();
            problems.extend((0..errors).map(|_| Problem::error("e")));
            problems.extend((0..warnings).map(|_| Problem::warning("w")));
            problems
        };
        for (errors, warnings, expected) in
            [(0, 0, "ok"), (0, 1, "ok, 1 warning"), (1, 0, "1 problem"), (2, 3, "2 problems, 3 warnings")]
        {
            assert_eq!(verdict(&problems(errors, warnings)), expected);
        }
    }
}
