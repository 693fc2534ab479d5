//! The books against their guarantees, under events in any order. 256 sequences of events; more with `PROPTEST_CASES`.

use std::time::Duration;

use proptest::prelude::*;

use super::books::Taken;
use super::*;
use crate::clock::Moment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::key::{Key, KeyId};
use crate::keys::settings::CooldownSettings;
use crate::model::ModelName;
use crate::secret::Secret;
use crate::store::BreakerState;

const KEYS: usize = 4;
const MODELS: [&str; 2] = ["a", "b"];
/// The third and the fourth key belong to one project.
const GROUPS: [&str; KEYS] = ["key 0", "key 1", "project p", "project p"];

const FAULTS: &[(Kind, Blame)] = &[
    (Kind::RateLimited, Blame::Quota),
    (Kind::DayQuota, Blame::Quota),
    (Kind::ModelNotForKey, Blame::Quota),
    (Kind::KeyInvalid, Blame::Key),
    (Kind::Billing, Blame::Key),
    (Kind::BadRequest, Blame::Request),
    (Kind::Overloaded, Blame::Model),
    (Kind::UpstreamError, Blame::Model),
    (Kind::Unreachable, Blame::Endpoint),
    (Kind::Unknown, Blame::Endpoint),
];

#[derive(Clone, Debug)]
enum Happens {
    Lease { model: usize, pick: usize },
    Succeed { lease: usize },
    Fail { lease: usize, fault: usize, hint: Option<f64> },
    GiveBack { lease: usize },
    Wait { milliseconds: u64 },
    Reset { key: usize },
    Disable { key: usize, disabled: bool },
    HearOfIt { key: usize, epoch: u64, seconds: u32 },
}

fn happens() -> impl Strategy<Value = Happens> {
    let hint = prop_oneof![2 => Just(None), 4 => (0.001..5000.0).prop_map(Some), 1 => (0.0..1e18).prop_map(Some)];
    prop_oneof![
        6 => (0..MODELS.len(), 0..KEYS).prop_map(|(model, pick)| Happens::Lease { model, pick }),
        4 => (0..8usize).prop_map(|lease| Happens::Succeed { lease }),
        4 => (0..8usize, 0..FAULTS.len(), hint).prop_map(|(lease, fault, hint)| Happens::Fail { lease, fault, hint }),
        3 => (0..8usize).prop_map(|lease| Happens::GiveBack { lease }),
        3 => prop_oneof![1..60_000u64, Just(30_000), Just(86_400_000)].prop_map(|milliseconds| Happens::Wait { milliseconds }),
        1 => (0..KEYS).prop_map(|key| Happens::Reset { key }),
        1 => (0..KEYS, any::<bool>()).prop_map(|(key, disabled)| Happens::Disable { key, disabled }),
        1 => (0..KEYS, 1..6u64, 1..5000u32).prop_map(|(key, epoch, seconds)| Happens::HearOfIt { key, epoch, seconds }),
    ]
}

fn keys() -> Vec<Key> {
    let ids: Vec<KeyId> = (0..KEYS).map(|number| KeyId::known(&format!("{number:012x}"))).collect();
    let key = |number: usize| Key {
        id: ids[number].clone(),
        secret: Secret::new("not looked at"),
        name: None,
        project: None,
        group: GROUPS[number].into(),
        weight: 1,
        models: Vec::new(),
        deny: Vec::new(),
        limits: Default::default(),
        group_keys: ids
            .iter()
            .zip(GROUPS)
            .filter(|(_, group)| *group == GROUPS[number])
            .map(|(id, _)| id.clone())
            .collect(),
    };
    (0..KEYS).map(key).collect()
}

/// A lease, and whether it was reported on.
struct Held {
    key: usize,
    model: ModelName,
    epochs: Epochs,
    reported: bool,
}

/// The books and their environment: time, leases, and what must hold after each event.
struct World {
    books: Books,
    keys: Vec<Key>,
    leases: Vec<Held>,
    now: Moment,
    policy: Policy,
}

impl World {
    fn new() -> Self {
        let now = Moment { since_start: Duration::ZERO, wall: "2026-10-30T12:00:00Z".parse().unwrap() };
        let policy = Policy::from(&CooldownSettings::default());
        Self { books: Books::default(), keys: keys(), leases: Vec::new(), now, policy }
    }

    fn gate(&mut self, key: usize, model: &ModelName, now: Moment) -> Gate {
        let today = self.books.today(now);
        self.books
            .availability(&self.keys[key], model, now, today)
            .gate
            .and(self.books.model_gate(model, now.since_start))
    }

    fn all_gates(&mut self) -> Vec<Gate> {
        let now = self.now;
        let pairs = (0..KEYS).flat_map(|key| MODELS.map(|model| (key, model)));
        pairs.map(|(key, name)| self.gate(key, &model(name), now)).collect()
    }

    fn breaker_states(&self) -> Vec<BreakerState> {
        let mut breaker_states = self.books.breaker_states(self.now);
        breaker_states.sort_by_key(|standing| format!("{:?}", standing.scope));
        breaker_states
    }

    fn happen(&mut self, event: &Happens) -> Result<(), TestCaseError> {
        match *event {
            Happens::Lease { model: number, pick } => self.lease(&model(MODELS[number]), pick),
            Happens::Succeed { lease } => {
                let Some(held) = self.leases.get_mut(lease) else { return Ok(()) };
                let taken = Taken {
                    key: &self.keys[held.key],
                    model: &held.model,
                    epochs: held.epochs,
                    reported: held.reported,
                };
                self.books.succeeded(taken, self.now);
                held.reported = true;
            }
            Happens::Fail { lease, fault, hint } => return self.fail(lease, fault, hint),
            Happens::GiveBack { lease } if lease < self.leases.len() => {
                let held = self.leases.swap_remove(lease);
                let taken = Taken {
                    key: &self.keys[held.key],
                    model: &held.model,
                    epochs: held.epochs,
                    reported: held.reported,
                };
                self.books.released(taken);
                self.books.give_back(&self.keys[held.key], &held.model, (1, 1), self.now);
            }
            Happens::GiveBack { .. } => {}
            Happens::Wait { milliseconds } => self.now = self.now.plus(Duration::from_millis(milliseconds)),
            Happens::Reset { key } => {
                self.books.reset(&self.keys[key], None, self.now);
                let today = self.books.today(self.now);
                let gate = self.books.availability(&self.keys[key], &model("a"), self.now, today).gate;
                prop_assert!(matches!(gate, Gate::Open | Gate::Disabled));
            }
            Happens::Disable { key, disabled } => {
                self.books.disable(&self.keys[key], disabled, self.now);
            }
            Happens::HearOfIt { key, epoch, seconds } => return self.hear(key, epoch, seconds),
        }
        Ok(())
    }

    /// I1, I8: never a key that is cooling down, dead or disabled; never a second probe.
    fn lease(&mut self, model: &ModelName, pick: usize) {
        let now = self.now;
        let ready: Vec<usize> = (0..KEYS).filter(|key| self.gate(*key, model, now).lets_through()).collect();
        let Some(key) = ready.get(pick % ready.len().max(1)).copied() else { return };
        let probe = self.gate(key, model, now) == Gate::Probe;
        let Taking { epochs, .. } = self.books.take(&self.keys[key], model, now, &self.policy);
        if probe {
            let again = self.gate(key, model, now);
            assert!(!again.lets_through(), "a second probe: {again:?}");
        }
        self.leases.push(Held { key, model: model.clone(), epochs, reported: false });
    }

    fn fail(&mut self, lease: usize, fault: usize, hint: Option<f64>) -> Result<(), TestCaseError> {
        let (before, strikes) = (self.breaker_states(), self.strikes());
        let gates = self.all_gates();
        let Some(held) = self.leases.get_mut(lease) else { return Ok(()) };
        let (kind, blame) = FAULTS[fault];
        let hint = hint.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        let fault = Fault { retry_after: hint, ..Fault::new(kind, blame, "") };
        let taken =
            Taken { key: &self.keys[held.key], model: &held.model, epochs: held.epochs, reported: held.reported };
        self.books.failed(taken, &fault, self.now, &self.policy, 0.5);
        held.reported = true;
        let (group, model) = (GROUPS[held.key], held.model.clone());
        // I6, I7: one report, at most one strike, in one breaker.
        prop_assert!(self.strikes() <= strikes + 1);
        if !matches!(blame, Blame::Key | Blame::Quota) && kind != Kind::Overloaded {
            // I10: if anything else is to blame, no breaker changes.
            prop_assert_eq!(self.breaker_states(), before);
        }
        if blame == Blame::Quota {
            // I16: other models and other groups are not affected.
            let after = self.all_gates();
            for (place, (before, after)) in gates.iter().zip(&after).enumerate() {
                let (key, name) = (place / MODELS.len(), MODELS[place % MODELS.len()]);
                if GROUPS[key] != group || name != model.as_str() {
                    prop_assert!(!before.lets_through() || after.lets_through(), "{name} of {key} was closed too");
                }
            }
        }
        // I14: no cooldown lasts longer than a day of 25 hours.
        for gate in self.all_gates() {
            if let Gate::Closed { until, .. } = gate {
                prop_assert!(until <= self.now.since_start + Duration::from_secs(25 * 3600));
            }
        }
        Ok(())
    }

    fn strikes(&self) -> u32 {
        self.breaker_states().iter().map(|standing| standing.strikes).sum()
    }

    /// Merging a state twice equals merging it once, and does not shorten a cooldown.
    fn hear(&mut self, key: usize, epoch: u64, seconds: u32) -> Result<(), TestCaseError> {
        let standing = BreakerState {
            scope: crate::store::Scope::Key(self.keys[key].id.to_string()),
            epoch,
            strikes: 1,
            until: Some(self.now.plus(Duration::from_secs(seconds.into())).wall),
            dead: false,
            disabled: false,
            why: Some(Kind::Billing),
            quota_id: None,
        };
        let rest = |books: &Books, id: &KeyId| books.account(id).and_then(|account| account.breaker.rest().cloned());
        let before = rest(&self.books, &self.keys[key].id);
        self.books.merge(&standing, self.now);
        let once = self.breaker_states();
        let after = rest(&self.books, &self.keys[key].id);
        if let (Some(before), Some(after)) = (before.filter(|rest| !rest.dead), after) {
            prop_assert!(after.until >= before.until);
        }
        self.books.merge(&standing, self.now);
        prop_assert_eq!(self.breaker_states(), once);
        Ok(())
    }

    /// What must hold at any time.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let now = self.now;
        for key in 0..KEYS {
            // I9: the requests in flight are the leases that were not returned.
            let held = self.leases.iter().filter(|held| held.key == key).count();
            let in_flight = self.books.account(&self.keys[key].id).map_or(0, |account| account.in_flight);
            prop_assert_eq!(usize::try_from(in_flight).unwrap(), held);
            for name in MODELS {
                // I4, I15: closed until the last millisecond, and open at the announced time.
                if let Gate::Closed { until, .. } = self.gate(key, &model(name), now) {
                    let end = now.plus(until - now.since_start);
                    let just_before = now.plus((until - now.since_start).saturating_sub(Duration::from_millis(1)));
                    prop_assert!(!self.gate(key, &model(name), just_before).lets_through());
                    let opened = self.gate(key, &model(name), end);
                    prop_assert!(!matches!(opened, Gate::Closed { .. }), "{opened:?}");
                }
            }
        }
        Ok(())
    }
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

/// The ends of cooldowns, by scope, with their epochs.
fn rests(world: &World) -> Vec<(String, u64, jiff::Timestamp)> {
    let breaker_states = world.breaker_states();
    let resting = breaker_states.iter().filter(|standing| !standing.dead);
    resting.filter_map(|standing| Some((format!("{:?}", standing.scope), standing.epoch, standing.until?))).collect()
}

proptest! {
    #[test]
    fn the_books_keep_their_promises(events in prop::collection::vec(happens(), 1..120)) {
        let mut world = World::new();
        for event in &events {
            let before = rests(&world);
            world.happen(event)?;
            world.check()?;
            // I5: within one epoch, no cooldown ends earlier than announced.
            let after = rests(&world);
            for (scope, epoch, until) in before.iter().filter(|(_, _, until)| *until > world.now.wall) {
                let same = after.iter().find(|(other, now, _)| other == scope && now == epoch);
                if let Some((_, _, later)) = same {
                    prop_assert!(later.duration_since(*until).as_millis() >= -1, "{scope}: {until} became {later}");
                }
            }
        }
        // I9: in the end, nothing is in flight.
        while !world.leases.is_empty() {
            world.happen(&Happens::GiveBack { lease: 0 })?;
        }
        world.check()?;
    }

    /// Two replicas that merge each other's states, in either order, agree on what is cooling down and what is dead.
    #[test]
    fn memories_that_meet_agree(
        ours in prop::collection::vec(happens(), 1..40),
        theirs in prop::collection::vec(happens(), 1..40),
    ) {
        let (mut one, mut two) = (World::new(), World::new());
        ours.iter().try_for_each(|event| one.happen(event))?;
        theirs.iter().try_for_each(|event| two.happen(event))?;
        // At the same time, on clocks that started at different times.
        let wall = one.now.wall.max(two.now.wall);
        for world in [&mut one, &mut two] {
            let passed = Duration::try_from(wall.duration_since(world.now.wall)).unwrap();
            world.now = world.now.plus(passed);
        }
        let (from_one, from_two) = (one.breaker_states(), two.breaker_states());
        from_two.iter().for_each(|standing| one.books.merge(standing, one.now));
        from_one.iter().for_each(|standing| two.books.merge(standing, two.now));
        let view = |world: &World| -> Vec<_> {
            let told = |standing: &BreakerState| {
                let left = standing.until.map(|until| until.duration_since(wall).as_millis());
                (format!("{:?}", standing.scope), standing.epoch, standing.dead, standing.disabled, left)
            };
            world.breaker_states().iter().map(told).collect()
        };
        prop_assert_eq!(view(&one), view(&two));
    }

    /// 32 requests that fail together are one strike, in whatever order they are reported.
    #[test]
    fn a_burst_is_one_strike(order in Just((0..32usize).collect::<Vec<_>>()).prop_shuffle()) {
        let mut world = World::new();
        (0..32).for_each(|_| world.lease(&model("a"), 0));
        for lease in order {
            world.happen(&Happens::Fail { lease, fault: 0, hint: None })?;
        }
        prop_assert_eq!(world.strikes(), 1);
    }
}
