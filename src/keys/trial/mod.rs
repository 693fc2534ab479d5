//! Tries out policies on recorded traffic against a virtual Google, with a virtual clock: a day in a second. The same
//! traffic, limits and seed give the same report.
//! Never: a network, a real clock.

mod google;
mod policy;
mod report;
#[cfg(test)]
mod tests;
mod traffic;

pub use google::Quotas;
pub use policy::{POLICIES, PolicyRow};
pub use report::{Report, Row};
pub use traffic::{Request, read};

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use google::Google;
use policy::{Chosen, Policy};

/// The parameters of a trial.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Number of keys.
    pub keys: usize,
    /// Number of projects that the keys are spread over.
    pub projects: usize,
    /// The quotas of each project, per model.
    pub quotas: Quotas,
    /// The seed of all randomness.
    pub seed: u64,
}

/// How many calls one request may make to Google.
const ATTEMPTS: u32 = 4;
/// How long one request waits for a key.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tries every policy on the same requests, which must be sorted by time.
pub fn run(requests: &[Request], terms: &Terms) -> Report {
    let rows = POLICIES.iter().map(|row| one(row, requests, terms)).collect();
    Report { requests: requests.len(), keys: terms.keys, projects: terms.projects, seed: terms.seed, policies: rows }
}

fn one(row: &PolicyRow, requests: &[Request], terms: &Terms) -> Row {
    let mut policy = (row.make)(terms);
    let mut google = Google::new(terms);
    let mut told = Row::new(row.name);
    // Waiting requests and ending answers: by time, then by the number of the request.
    let mut due: BinaryHeap<Reverse<(Duration, usize, Step)>> = BinaryHeap::new();
    for (number, request) in requests.iter().enumerate() {
        due.push(Reverse((request.at, number, Step::LeaseRequest)));
    }
    while let Some(Reverse((now, number, step))) = due.pop() {
        let Some(request) = requests.get(number) else { continue };
        match step {
            Step::LeaseRequest => match ask(&mut *policy, &mut google, request, number, now, &mut told) {
                Asked::Answered => due.push(Reverse((now.saturating_add(request.takes), number, Step::End))),
                Asked::Wait(until) if until <= request.at.saturating_add(PATIENCE) && until > now => {
                    due.push(Reverse((until, number, Step::LeaseRequest)));
                }
                Asked::Wait(_) => told.refused(),
            },
            Step::End => {
                policy.ended(number);
                told.answered(now.saturating_sub(request.takes).saturating_sub(request.at));
            }
        }
    }
    told
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    End,
    LeaseRequest,
}

enum Asked {
    Answered,
    Wait(Duration),
}

/// Tries one request on one key after another.
fn ask(
    policy: &mut dyn Policy,
    google: &mut Google,
    request: &Request,
    number: usize,
    now: Duration,
    told: &mut Row,
) -> Asked {
    policy.begins(number);
    for _ in 0..ATTEMPTS {
        let key = match policy.choose(number, request, now) {
            Chosen::Key(key) => key,
            Chosen::Wait(until) => return Asked::Wait(until),
        };
        told.calls += 1;
        match google.asked(key, request, now) {
            None => {
                policy.answered(number, key, request, now);
                return Asked::Answered;
            }
            Some(refusal) => {
                told.refused_by_google(key, &request.model, refusal.rest_ends);
                policy.refused(number, key, request, &refusal, now);
            }
        }
    }
    Asked::Wait(Duration::MAX)
}
