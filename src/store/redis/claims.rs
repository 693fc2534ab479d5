//! Claims in Redis: how they are made and released.

use std::sync::LazyLock;
use std::time::Duration;

use ::redis::{Script, ScriptInvocation};

use super::breakers::{key_of, millis};
use super::{Names, Shared};
use crate::store::{Claim, Scope};

/// How long the claims of a day are kept.
const KEPT: Duration = Duration::from_secs(3 * 24 * 3600);

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

/// Redis's answer to a claim.
pub enum Answer {
    Granted,
    Probed(Duration),
    Spent,
}

/// Makes a claim. Returns None if Redis does not answer.
pub async fn make(shared: &Shared, claim: &Claim, number: u64) -> Option<Answer> {
    let names = &shared.names;
    let mut call = CLAIM.prepare_invoke();
    match &claim.day {
        Some(day) => {
            let known = shared.uses().requests(day);
            call.key(names.of(&format!("claimed:{}", day.day)));
            call.arg(format!("{} {}", day.group, day.model)).arg(day.limit).arg(known);
        }
        None => {
            call.key(names.of("claimed"));
            call.arg("").arg(0).arg(0);
        }
    }
    for probe in &claim.probes {
        call.key(probe_of(names, probe));
    }
    call.arg(millis(KEPT)).arg(who(names, number)).arg(millis(claim.probe_expires).max(1));
    Some(match shared.link.call::<(u8, u64)>(&call).await? {
        (0, _) => Answer::Granted,
        (1, left) => Answer::Probed(Duration::from_millis(left)),
        _ => Answer::Spent,
    })
}

/// Releases probes.
pub fn release<'a>(names: &Names, probes: &[Scope], number: u64) -> ScriptInvocation<'a> {
    let mut call = RELEASE.prepare_invoke();
    for probe in probes {
        call.key(probe_of(names, probe));
    }
    call.arg(who(names, number));
    call
}

fn probe_of(names: &Names, probe: &Scope) -> String {
    names.of(&format!("probe:{}", key_of(probe)))
}

fn who(names: &Names, number: u64) -> String {
    format!("{}:{number}", names.node)
}
