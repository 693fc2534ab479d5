//! Trials are reproducible, and our policies find out each limit only once.

use super::*;
use crate::model::ModelName;

fn traffic() -> Vec<Request> {
    let model = ModelName::parse("gemini-2.5-flash").unwrap();
    let request = |number: u64| Request {
        at: Duration::from_millis(number * 700),
        model: model.clone(),
        takes: Duration::from_secs(number % 7),
    };
    (0..2000).map(request).collect()
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let terms = Terms { keys: 6, projects: 5, quotas: Quotas { rpm: 10, rpd: 250 }, seed: 7 };
    let report = run(&traffic(), &terms);
    assert_eq!(run(&traffic(), &terms), report);
    for row in &report.policies {
        assert_eq!(row.answered + row.client_429s, 2000, "{}", row.policy);
        assert_eq!(row.calls, row.answered + row.google_429s, "{}", row.policy);
        // 5 projects with 250 requests a day: no policy can answer more.
        assert!(row.answered <= 1250, "{}", row.policy);
    }
    for ours in report.policies.iter().filter(|row| ["least_used", "round_robin"].contains(&row.policy)) {
        assert_eq!(ours.most_refusals_in_a_rest, 1, "{}", ours.policy);
    }
}
