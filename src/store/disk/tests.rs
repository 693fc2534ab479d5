use std::fs;

use super::*;
use crate::fault::Kind;
use crate::store::Used;

/// An owner of breaker states without any rules.
#[derive(Default)]
struct Ours {
    breaker_states: Mutex<Vec<BreakerState>>,
    used: Mutex<Vec<Used>>,
}

impl StateOwner for Ours {
    fn learn(&self, breaker_states: &[BreakerState]) {
        self.breaker_states.lock().unwrap().extend_from_slice(breaker_states);
    }

    fn recall(&self, used: &[Used]) {
        self.used.lock().unwrap().extend_from_slice(used);
    }

    fn breaker_states(&self) -> Vec<BreakerState> {
        self.breaker_states.lock().unwrap().clone()
    }
}

struct Process {
    disk: Disk,
    usage: Arc<Usage>,
    ours: Arc<Ours>,
}

impl Process {
    fn start(dir: &Path) -> Self {
        let (usage, ours) = (Arc::<Usage>::default(), Arc::<Ours>::default());
        let keeping = DiskConfig { dir: dir.to_owned(), keep_days: 2, usage: usage.clone(), holder: ours.clone() };
        Self { disk: Disk::start(keeping), usage, ours }
    }

    fn uses(&self, used: &Used) {
        self.usage.add(used);
        self.disk.used();
    }

    fn eventually(&self, holds: impl Fn(&Self) -> bool) {
        for _ in 0..3000 {
            if holds(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never: {:?}", self.disk);
    }
}

fn standing(scope: Scope) -> BreakerState {
    BreakerState {
        scope,
        epoch: 3,
        strikes: 2,
        until: Timestamp::from_millisecond(Timestamp::now().as_millisecond() + 3_600_000).ok(),
        dead: false,
        disabled: false,
        why: Some(Kind::DayQuota),
        quota_id: Some("PerDay".into()),
    }
}

fn used(day: &str) -> Used {
    Used {
        key: "k1".into(),
        model: "m".into(),
        day: day.parse().unwrap(),
        requests: 2,
        failures: 1,
        prompt_tokens: 30,
        completion_tokens: 4,
    }
}

#[test]
fn what_is_told_is_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let told = [
        standing(Scope::Key("k1".into())),
        BreakerState { dead: true, until: None, why: Some(Kind::KeyInvalid), ..standing(Scope::Key("k2".into())) },
        BreakerState { disabled: true, until: None, why: None, ..standing(Scope::Key("k3".into())) },
        standing(Scope::Quota { group: "g".into(), model: "m".into() }),
        standing(Scope::Model("m".into())),
    ];
    let first = Process::start(dir.path());
    assert_eq!(first.disk.state().state, "open");
    told.iter().for_each(|standing| first.disk.breaker_changed(standing));
    for day in ["2026-11-20", "2026-11-23", "2026-11-24", "2026-11-24"] {
        first.uses(&used(day));
    }
    first.disk.stop();
    let second = Process::start(dir.path());
    let back = second.ours.breaker_states();
    assert!(back.len() == told.len() && told.iter().all(|standing| back.contains(standing)), "{back:#?}");
    let days: Vec<_> = second.usage.status().days.into_iter().map(|(day, sum)| (day, sum.requests)).collect();
    assert_eq!(days, [("2026-11-23".into(), 2), ("2026-11-24".into(), 4)], "days before the last two are gone");
    assert!(second.ours.used.lock().unwrap().contains(&Used {
        requests: 4,
        failures: 2,
        prompt_tokens: 60,
        completion_tokens: 8,
        ..used("2026-11-24")
    }));
    // Usage from before a restart is added to, not counted from zero.
    second.uses(&used("2026-11-24"));
    second.disk.stop();
    assert_eq!(Process::start(dir.path()).usage.status().days["2026-11-24"].requests, 6);
}

#[test]
fn rests_long_over_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path());
    let long_ago = "2026-01-01T00:00:00Z".parse().ok();
    first.disk.breaker_changed(&BreakerState { until: long_ago, ..standing(Scope::Key("k1".into())) });
    first.disk.breaker_changed(&BreakerState { until: None, ..standing(Scope::Key("k2".into())) });
    first.disk.stop();
    assert_eq!(Process::start(dir.path()).ours.breaker_states().len(), 2, "read before it is pruned");
    assert!(Process::start(dir.path()).ours.breaker_states().is_empty());
}

#[test]
fn a_file_that_cannot_be_read_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    let first = Process::start(dir.path());
    (0..200).for_each(|number| first.disk.breaker_changed(&standing(Scope::Key(format!("k{number}")))));
    first.disk.stop();
    let sound = fs::read(&path).unwrap();
    let mut flipped = sound.clone();
    flipped.iter_mut().skip(4096).step_by(97).for_each(|byte| *byte ^= 0x55);
    for (round, damaged) in [b"no database".repeat(1000), sound[..sound.len() / 3].to_vec(), flipped].iter().enumerate()
    {
        fs::write(&path, damaged).unwrap();
        let process = Process::start(dir.path());
        assert_eq!(process.disk.state().state, "open", "round {round}: {:?}", process.disk);
        process.disk.breaker_changed(&standing(Scope::Key("new".into())));
        process.disk.stop();
        assert_eq!(Process::start(dir.path()).ours.breaker_states().len(), 1, "round {round}");
        let aside = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let aside: Vec<_> = aside.filter(|path| path.to_string_lossy().contains("damaged")).collect();
        assert_eq!(aside.len(), 1, "round {round}");
        assert_eq!(&fs::read(&aside[0]).unwrap(), damaged, "as it was found");
        fs::remove_file(&aside[0]).unwrap();
    }
}

#[test]
fn the_file_of_another_process_is_taken_over_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path());
    first.disk.breaker_changed(&standing(Scope::Key("k1".into())));
    let second = Process::start(dir.path());
    let state = second.disk.state();
    assert_eq!((state.state, state.why.as_deref()), ("closed", Some("another process uses the file")));
    second.disk.breaker_changed(&standing(Scope::Key("k2".into())));
    second.uses(&used("2026-11-24"));
    first.disk.stop();
    drop(first);
    second.eventually(|second| second.disk.state().state == "open" && second.disk.state().unwritten == 0);
    assert_eq!(second.ours.breaker_states().len(), 1, "what the first one kept is heard of, late");
    second.disk.stop();
    let third = Process::start(dir.path());
    assert_eq!(third.ours.breaker_states().len(), 2);
    assert_eq!(third.usage.status().days["2026-11-24"].requests, 2);
}

#[test]
fn a_folder_that_cannot_be_used_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("data");
    fs::write(&blocked, "a file where the folder should be").unwrap();
    let process = Process::start(&blocked);
    process.disk.breaker_changed(&standing(Scope::Key("k1".into())));
    process.uses(&used("2026-11-24"));
    let state = process.disk.state();
    assert!(state.state == "closed" && state.why.is_some() && state.unwritten > 0, "{state:?}");
    // As soon as the directory can be used, it is used, and nothing was lost.
    fs::remove_file(&blocked).unwrap();
    process.eventually(|process| process.disk.state().unwritten == 0);
    process.disk.stop();
    let next = Process::start(&blocked);
    assert_eq!((next.ours.breaker_states().len(), next.usage.status().days["2026-11-24"].requests), (1, 2));
}
