//! Single cases of the rules, with their figures: where chance seldom goes, and where a figure that is off by one breaks no promise.

use std::time::Duration;

use super::books::Taken;
use super::kinship::{Kinship, Refused};
use super::recent::Recent;
use super::sentence::Sentence;
use super::trust::Trust;
use super::*;
use crate::clock::Moment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::key::{Key, KeyId};
use crate::keys::settings::{CooldownSettings, LimitsSettings};
use crate::model::ModelName;
use crate::secret::Secret;
use crate::store::Scope;

const HOUR: f64 = 3600.0;

fn at(seconds: f64) -> Moment {
    let wall = "2026-11-24T12:00:00Z".parse().unwrap();
    Moment { since_start: Duration::ZERO, wall }.plus(Duration::from_secs_f64(seconds))
}

fn since(seconds: f64) -> Duration {
    at(seconds).since_start
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

fn policy() -> Policy {
    Policy::from(&CooldownSettings::default())
}

fn key(limits: LimitsSettings) -> Key {
    let id = KeyId::known("0123456789ab");
    let group_keys = [id.clone()].into();
    let secret = Secret::new("not looked at");
    let group = "key 0123456789ab".into();
    Key { id, secret, name: None, project: None, group, weight: 1, models: vec![], deny: vec![], limits, group_keys }
}

fn fault(kind: Kind, blame: Blame) -> Fault {
    Fault::new(kind, blame, "")
}

/// Books, and the one key that they are about.
struct World {
    books: Books,
    key: Key,
}

impl World {
    fn new() -> Self {
        Self { books: Books::default(), key: key(LimitsSettings::default()) }
    }

    fn take(&mut self, now: f64) -> Taking {
        self.books.take(&self.key, &model("a"), at(now), &policy())
    }

    fn gate(&mut self, now: f64) -> Gate {
        let today = self.books.today(at(now));
        let own = self.books.look(&self.key, &model("a"), at(now), today).gate;
        own.and(self.books.model_gate(&model("a"), since(now)))
    }

    fn fail(&mut self, fault: &Fault, now: f64) -> Vec<Event> {
        let epochs = self.take(now).epochs;
        self.said(epochs, |books, taken| books.failed(taken, fault, at(now), &policy(), 0.0))
    }

    fn said<T>(&mut self, epochs: Epochs, word: impl FnOnce(&mut Books, Taken<'_>) -> T) -> T {
        let model = model("a");
        word(&mut self.books, Taken { key: &self.key, model: &model, epochs, reported: false })
    }
}

/// What closes the way, with how many failures, and when it is open again.
fn ways() -> [(Fault, usize, Scope); 3] {
    let group = "key 0123456789ab".to_owned();
    [
        (fault(Kind::Billing, Blame::Key), 1, Scope::Key("0123456789ab".into())),
        (
            Fault { retry_after: Some(Duration::from_secs(3600)), ..fault(Kind::RateLimited, Blame::Quota) },
            1,
            Scope::Quota { group, model: "a".into() },
        ),
        (fault(Kind::Overloaded, Blame::Model), 5, Scope::Model("a".into())),
    ]
}

#[test]
fn a_probe_that_is_given_back_may_be_made_again_and_one_that_was_answered_opens_the_way() {
    for (fault, failures, scope) in ways() {
        let mut world = World::new();
        assert_eq!(world.gate(0.0), Gate::Open);
        (0..failures).for_each(|_| drop(world.fail(&fault, 0.0)));
        assert!(!world.gate(0.5).lets_through(), "{scope:?}");
        assert_eq!(world.gate(HOUR), Gate::Probe, "{scope:?}");
        let taking = world.take(HOUR);
        assert_eq!(taking.probes, std::slice::from_ref(&scope));
        assert!(!world.gate(HOUR).lets_through(), "one probe at a time: {scope:?}");
        world.said(taking.epochs, |books, taken| books.released(taken, None));
        assert_eq!(world.gate(HOUR), Gate::Probe, "{scope:?}");
        let taking = world.take(HOUR);
        let events = world.said(taking.epochs, |books, taken| books.succeeded(taken, at(HOUR)));
        let [Event::Stands(standing)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((&standing.scope, standing.until, standing.dead), (&scope, None, false));
        assert_eq!(world.gate(HOUR), Gate::Open);
        assert_eq!(world.take(HOUR).probes, [], "{scope:?}");
    }
}

#[test]
fn a_probe_that_others_make_is_waited_for() {
    for (fault, failures, scope) in ways() {
        let mut world = World::new();
        (0..failures).for_each(|_| drop(world.fail(&fault, 0.0)));
        let taking = world.take(HOUR);
        let requests = world.books.account(&world.key.id).unwrap().requests;
        world.said(taking.epochs, |books, taken| books.withdrawn(taken, at(HOUR), Some(since(HOUR + 2.0))));
        assert!(!world.gate(HOUR + 1.9).lets_through(), "{scope:?}");
        assert_eq!(world.gate(HOUR + 2.0), Gate::Probe, "{scope:?}");
        assert_eq!(world.books.account(&world.key.id).unwrap().requests, requests - 1, "it was not sent");
    }
}

#[test]
fn what_is_used_is_counted_and_told() {
    let mut world = World { key: key(LimitsSettings { tpm: Some(100), ..Default::default() }), ..World::new() };
    let taking = world.take(0.0);
    assert_eq!((taking.used.requests, taking.used.failures, &*taking.used.model), (1, 0, "a"));
    let day = taking.used.day;
    assert!(world.books.look(&world.key, &model("a"), at(0.0), day).being_tried, "one finds out for all");
    let told = world.books.give_back(&world.key, &model("a"), (60, 7), at(0.0));
    let Some(Event::Used(used)) = told else { panic!("{told:?}") };
    assert_eq!((used.requests, used.prompt_tokens, used.completion_tokens), (0, 60, 7));
    assert_eq!(world.gate(0.0), Gate::Open, "60 of 100 tokens");
    let answered = world.take(0.0);
    world.said(answered.epochs, |books, taken| books.succeeded(taken, at(0.0)));
    world.books.give_back(&world.key, &model("a"), (40, 3), at(0.0));
    assert!(!world.gate(0.0).lets_through(), "100 of 100");
    assert_eq!(world.gate(65.0), Gate::Open, "a minute and the slice that was under way");
    let account = world.books.account(&world.key.id).unwrap();
    let used = DayUse { requests: 2, failures: 0, prompt_tokens: 100, completion_tokens: 10 };
    assert_eq!((account.used(day, &model("a")), account.in_flight, account.requests), (used, 0, 2));
    assert_eq!(account.used_on(day).count(), 1);
    assert_eq!(account.used(day.tomorrow().unwrap(), &model("a")), DayUse::default());
    assert!(world.books.give_back(&world.key, &model("a"), (0, 0), at(0.0)).is_none(), "nothing to tell");
}

#[test]
fn a_name_of_which_nothing_was_learnt_leaves_nothing() {
    let mut world = World::new();
    let epochs = world.take(0.0).epochs;
    assert_eq!(world.books.quotas(&world.key.group).count(), 1);
    world.said(epochs, |books, taken| books.released(taken, None));
    world.books.give_back(&world.key, &model("a"), (0, 0), at(0.0));
    assert_eq!(world.books.quotas(&world.key.group).count(), 0);
    world.fail(&ways()[1].0, 0.0);
    world.books.give_back(&world.key, &model("a"), (0, 0), at(0.0));
    assert_eq!(world.books.quotas(&world.key.group).count(), 1, "a rest is something");
}

#[test]
fn an_errand_is_judged_once_and_by_the_key() {
    let mut world = World::new();
    let mut refused =
        |kind, now: f64| world.books.refused(&world.key, &fault(kind, Blame::Key), at(now), &policy(), 0.0);
    let Some(Event::Stands(standing)) = refused(Kind::Billing, 0.0) else { panic!("it rests") };
    assert_eq!((standing.strikes, standing.dead), (1, false));
    assert!(refused(Kind::Billing, 1.0).is_none(), "it rests already");
    let Some(Event::Stands(standing)) = refused(Kind::KeyInvalid, HOUR) else { panic!("it is dead") };
    assert!(standing.dead && standing.until.is_none());
    assert!(refused(Kind::KeyInvalid, HOUR).is_none());
}

#[test]
fn what_each_fault_calls_for() {
    let until = |seconds: f64| Sentence::Until(since(seconds));
    let hint = Some(Duration::from_secs(7));
    // Noon in London is 4 o'clock in Los Angeles: 20 hours until the day there is over.
    for (kind, blame, status, hint, expected) in [
        (Kind::KeyInvalid, Blame::Key, Some(400), hint, Sentence::Death(None)),
        (Kind::KeyInvalid, Blame::Key, Some(401), hint, Sentence::Death(None)),
        (Kind::KeyBlocked, Blame::Key, Some(403), hint, Sentence::Death(None)),
        (Kind::DayQuota, Blame::Quota, Some(429), hint, until(20.0 * HOUR + 10.0)),
        (Kind::ModelNotForKey, Blame::Quota, Some(429), hint, until(24.0 * HOUR + 10.0)),
        (Kind::Billing, Blame::Key, Some(402), None, until(HOUR + 10.0)),
        (Kind::Location, Blame::Key, Some(400), hint, until(17.0)),
        (Kind::RateLimited, Blame::Quota, Some(429), hint, until(17.0)),
        (Kind::RateLimited, Blame::Quota, Some(429), None, Sentence::Backoff),
        (Kind::Overloaded, Blame::Model, Some(503), hint, Sentence::Backoff),
    ] {
        let told = Fault { status, retry_after: hint, ..fault(kind, blame) };
        let mut now = at(10.0);
        now.wall = "2026-11-24T12:00:00Z".parse().unwrap();
        assert_eq!(Sentence::of(&told, now, &policy()), expected, "{kind:?} {status:?}");
    }
    let revive = Policy { revive: Some(Duration::from_secs(60)), ..policy() };
    let unauthorized = Fault { status: Some(401), ..fault(Kind::KeyInvalid, Blame::Key) };
    assert_eq!(Sentence::of(&unauthorized, at(10.0), &revive), Sentence::Death(Some(since(70.0))));
}

#[test]
fn rests_double_up_to_the_longest_and_chance_adds_a_tenth() {
    let policy = Policy { base: Duration::from_secs(4), max: Duration::from_secs(30), ..policy() };
    for (strikes, chance, seconds) in [
        (0, 0.0, 4.0),
        (1, 0.0, 8.0),
        (2, 0.0, 16.0),
        (3, 0.0, 30.0),
        (99, 0.0, 30.0),
        (0, 1.0, 4.4),
        (1, 0.5, 8.4),
        (0, 7.0, 4.4),
    ] {
        assert_eq!(policy.backoff(strikes, chance), Duration::from_secs_f64(seconds), "{strikes} {chance}");
    }
}

#[test]
fn strikes_are_forgotten_one_after_the_other() {
    let mut world = World::new();
    let minute = fault(Kind::RateLimited, Blame::Quota);
    world.fail(&minute, 0.0);
    let strikes = |world: &World, now: f64| {
        let group = world.key.group.clone();
        world.books.quotas(&group).next().map(|(_, quota)| quota.breaker.strikes(since(now))).unwrap()
    };
    let rest =
        world.books.quotas(&world.key.group.clone()).next().unwrap().1.breaker.rest().unwrap().until.as_secs_f64();
    assert_eq!(strikes(&world, rest), 1);
    let fades = (1..10_000).map(f64::from).find(|after| strikes(&world, rest + after) == 0).unwrap();
    world.fail(&minute, rest);
    assert_eq!(strikes(&world, rest), 2);
    let later =
        world.books.quotas(&world.key.group.clone()).next().unwrap().1.breaker.rest().unwrap().until.as_secs_f64();
    let after = |fading: f64| strikes(&world, later + fading);
    assert_eq!([after(fades - 1.0), after(fades), after(2.0 * fades - 1.0), after(2.0 * fades)], [2, 1, 1, 0]);
}

#[test]
fn a_late_word_lengthens_a_rest_and_never_cuts_it() {
    let mut world = World::new();
    let [first, second, third] = [(); 3].map(|()| world.take(0.0).epochs);
    let rest = |seconds: u64| Fault {
        retry_after: Some(Duration::from_secs(seconds)),
        ..fault(Kind::RateLimited, Blame::Quota)
    };
    let mut late = |epochs, seconds, now: f64| {
        world.said(epochs, |books, taken| books.failed(taken, &rest(seconds), at(now), &policy(), 0.0));
        world.gate(now)
    };
    let closed = |until: f64| Gate::Closed { until: since(until), why: Kind::RateLimited };
    assert_eq!(late(first, 10, 0.0), closed(10.0));
    assert_eq!(late(second, 20, 1.0), closed(21.0));
    assert_eq!(late(third, 5, 2.0), closed(21.0));
    assert_eq!(world.fail(&rest(3), 21.0).len(), 2, "a new failure, and a new rest");
    assert_eq!(world.gate(21.0), closed(24.0));
}

/// A stream that breaks was answered: what its probe has opened, its end does not close.
#[test]
fn what_breaks_after_its_answer_is_no_second_verdict() {
    let mut world = World::new();
    let (rest, ..) = &ways()[1];
    world.fail(rest, 0.0);
    let probe = world.take(HOUR).epochs;
    world.said(probe, |books, taken| books.succeeded(taken, at(HOUR)));
    let events = world.said(probe, |books, taken| books.failed(taken, rest, at(HOUR), &policy(), 0.0));
    assert!(!events.iter().any(|event| matches!(event, Event::Stands(_))), "{events:?}");
    assert!(world.gate(HOUR).lets_through());
}

#[test]
fn after_a_rest_two_four_and_eight_may_be_under_way() {
    let mut world = World::new();
    world.fail(&ways()[0].0, 0.0);
    let probe = world.take(HOUR);
    world.said(probe.epochs, |books, taken| books.succeeded(taken, at(HOUR)));
    for width in [2, 4, 8] {
        let mut taken = Vec::new();
        while world.gate(HOUR).lets_through() && taken.len() < 20 {
            taken.push(world.take(HOUR).epochs);
        }
        assert_eq!(taken.len(), width);
        // One answer makes it twice as wide; the others go without a word.
        let answered = taken.pop().unwrap();
        for epochs in taken {
            world.said(epochs, |books, taken| books.released(taken, None));
        }
        world.said(answered, |books, taken| books.succeeded(taken, at(HOUR)));
    }
    assert_eq!(
        (0..50)
            .filter(|_| {
                world.take(HOUR);
                world.gate(HOUR) != Gate::Open
            })
            .count(),
        0,
        "as many as come"
    );
}

#[test]
fn more_failures_than_answers_of_ten_within_half_a_minute_are_as_good_as_five_in_a_row() {
    let noted = |attempts: &[(bool, u64)]| {
        let mut recent = Recent::default();
        attempts.iter().for_each(|(good, second)| recent.note(*good, Duration::from_secs(*second)));
        recent.mostly_bad()
    };
    let mixed =
        |bad: usize, good: usize, second: u64| [vec![(false, second); bad], vec![(true, second); good]].concat();
    assert!(noted(&mixed(6, 4, 1)) && !noted(&mixed(5, 5, 1)));
    assert!(!noted(&mixed(9, 0, 1)) && noted(&mixed(10, 0, 1)));
    assert!(!noted(&[mixed(6, 0, 1), mixed(6, 0, 31)].concat()), "what is older does not count");
    assert!(noted(&[mixed(6, 0, 1), mixed(6, 0, 29)].concat()));
}

#[test]
fn trust_grows_by_answers_alone() {
    let mut trust = Trust::NONE;
    for room in [1, 2, 4, 8] {
        for asked in 0..room {
            assert!(!trust.is_full(), "{asked} of {room}");
            trust.asks();
        }
        assert!(trust.is_full());
        (1..room).for_each(|_| trust.gave_up());
        assert!(room == 1 || !trust.is_full());
        trust.answered();
    }
    (0..100).for_each(|_| trust.asks());
    assert!(!trust.is_full(), "it has shown what there was to see");
}

#[test]
fn keys_are_kin_after_two_occasions_close_together() {
    let day = jiff::civil::date(2026, 11, 24);
    let refused = |key: &str, model_name: &str| Refused { key: KeyId::known(key), model: model(model_name), day };
    let told = |events: &[(&str, &str, f64)]| {
        let mut kinship = Kinship::default();
        let found: Vec<bool> =
            events.iter().map(|(key, name, now)| kinship.refused(refused(key, name), since(*now)).is_some()).collect();
        (found.last().copied().unwrap(), kinship.probable().count())
    };
    let once = [("one", "a", 0.0), ("two", "a", 2.0)];
    assert_eq!(told(&once), (false, 0));
    assert_eq!(told(&[once, [("one", "b", 9.0), ("two", "b", 11.0)]].concat()), (true, 1));
    assert_eq!(told(&[once, [("one", "b", 9.0), ("two", "b", 11.1)]].concat()), (false, 0), "not of one moment");
    assert_eq!(told(&[once, [("one", "a", 9.0), ("two", "a", 9.0)]].concat()), (false, 0), "the same occasion");
    assert_eq!(told(&[once, [("one", "b", 9.0), ("two", "c", 9.0)]].concat()), (false, 0), "of different models");
    assert_eq!(told(&[once, [("one", "b", 9.0), ("one", "b", 9.0)]].concat()), (false, 0), "a key is not its own kin");
}
