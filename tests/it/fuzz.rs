//! Reruns the fuzzers' seeds and every input that once revealed a bug. `fuzz/README.md` explains how they are
//! found.

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
    let targets: [(&str, Holds); 8] = [
        ("sse", bodies::sse),
        ("json", bodies::json),
        ("request", bodies::request),
        ("answer", bodies::answer),
        ("failure", bodies::failure),
        ("hint", bodies::hint),
        ("data_url", bodies::data_url),
        ("config", bodies::config),
    ];
    for (target, body) in targets {
        seeds(target).iter().for_each(|seed| body(seed));
    }
}

/// The fuzzers begin with golden cases: every door has some, and every request of theirs bears what must hold, at every door.
#[test]
fn golden_cases_are_inputs_too() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut tried = 0;
    for (number, door) in bodies::doors::DOORS.iter().enumerate() {
        let cases: Vec<_> =
            std::fs::read_dir(golden.join(door.name)).unwrap().map(|case| case.unwrap().path()).collect();
        for (case, file, body) in [("request.json", bodies::request as Holds), ("from.json", bodies::answer)]
            .into_iter()
            .flat_map(|(file, body)| cases.iter().map(move |case| (case, file, body)))
        {
            if let Ok(text) = std::fs::read(case.join(file)) {
                body(&[&[u8::try_from(number).unwrap()], &*text].concat());
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}
