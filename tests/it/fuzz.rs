//! Inputs that fuzzers began with or found something by, again and again. `fuzz/README.md` says how they are found.

use std::path::Path;

#[path = "../../fuzz/bodies.rs"]
mod bodies;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(dir).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let seeds: Vec<_> = files.collect();
    assert!(!seeds.is_empty(), "fuzz/seeds/{target} is empty");
    seeds
}

/// What must hold for an input.
type Holds = fn(&[u8]);

#[test]
fn what_was_found_once_stays_found() {
    let targets: [(&str, Holds); 4] =
        [("sse", bodies::sse), ("request", bodies::request), ("answer", bodies::answer), ("failure", bodies::failure)];
    for (target, body) in targets {
        seeds(target).iter().for_each(|seed| body(seed));
    }
}
