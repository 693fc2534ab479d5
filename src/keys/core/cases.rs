//! Single cases of the rules, with exact figures: cases that random events seldom reach, and figures whose off-by-one
//! errors break no guarantee.

use std::time::Duration;

use super::account::MOST_MODELS;
use super::books::Taken;
use super::*;
use crate::clock::Moment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::key::{Key, KeyId};
use crate::keys::settings::{CooldownSettings, LimitsSettings};
use crate::model::ModelName;
use crate::secret::Secret;
use crate::store::{Scope, Used};

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

/// The books, and the one key they are about.
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
        let own = self.books.availability(&self.key, &model("a"), at(now), today).gate;
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

/// Faults that block requests: the fault, how many failures it takes, and the scope that is blocked.
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
        world.said(taking.epochs, |books, taken| books.released(taken));
        assert_eq!(world.gate(HOUR), Gate::Probe, "{scope:?}");
        let taking = world.take(HOUR);
        let [before] = &world.books.breaker_states(at(HOUR))[..] else { panic!("one breaker is out") };
        let epoch = before.epoch + 1;
        let events = world.said(taking.epochs, |books, taken| books.succeeded(taken, at(HOUR)));
        let [Event::BreakerChanged(state)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((&state.scope, state.epoch, state.until, state.dead), (&scope, epoch, None, false));
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
    assert!(world.books.availability(&world.key, &model("a"), at(0.0), day).being_tried, "one finds out for all");
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
    world.said(epochs, |books, taken| books.released(taken));
    world.books.give_back(&world.key, &model("a"), (0, 0), at(0.0));
    assert_eq!(world.books.quotas(&world.key.group).count(), 0);
    world.fail(&ways()[1].0, 0.0);
    world.books.give_back(&world.key, &model("a"), (0, 0), at(0.0));
    assert_eq!(world.books.quotas(&world.key.group).count(), 1, "a rest is something");
}

#[test]
fn a_resource_request_is_judged_once_and_by_the_key() {
    let mut world = World::new();
    let mut refused =
        |kind, now: f64| world.books.refused(&world.key, &fault(kind, Blame::Key), at(now), &policy(), 0.0);
    let Some(Event::BreakerChanged(state)) = refused(Kind::Billing, 0.0) else { panic!("it rests") };
    assert_eq!((state.strikes, state.dead), (1, false));
    assert!(refused(Kind::Billing, 1.0).is_none(), "it rests already");
    let Some(Event::BreakerChanged(state)) = refused(Kind::KeyInvalid, HOUR) else { panic!("it is dead") };
    assert!(state.dead && state.until.is_none());
    assert!(refused(Kind::KeyInvalid, HOUR).is_none());
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
    let [first, second, third, fourth, fifth] = [(); 5].map(|()| world.take(0.0).epochs);
    let rest = |seconds: u64| Fault {
        retry_after: Some(Duration::from_secs(seconds)),
        ..fault(Kind::RateLimited, Blame::Quota)
    };
    let mut late = |epochs, seconds, now: f64| {
        let events = world.said(epochs, |books, taken| books.failed(taken, &rest(seconds), at(now), &policy(), 0.0));
        (events.iter().any(|event| matches!(event, Event::BreakerChanged(_))), world.gate(now))
    };
    let closed = |until: f64| Gate::Closed { until: since(until), why: Kind::RateLimited };
    assert_eq!(late(first, 10, 0.0), (true, closed(10.0)));
    assert_eq!(late(second, 20, 1.0), (true, closed(21.0)));
    assert_eq!(late(third, 5, 2.0), (false, closed(21.0)));
    assert_eq!(late(fourth, 19, 2.0), (false, closed(21.0)), "that was known");
    assert_eq!(late(fifth, 20, 21.0), (false, Gate::Probe), "when the rest is over, the probe says more");
    assert_eq!(world.fail(&rest(3), 21.0).len(), 2, "a new failure, and a new rest");
    assert_eq!(world.gate(21.0), closed(24.0));
}

#[test]
fn whoever_made_a_probe_that_was_given_up_has_no_say() {
    let mut world = World::new();
    world.fail(&ways()[1].0, 0.0);
    let late = world.take(HOUR).epochs;
    let given_up = HOUR + policy().probe_expires.as_secs_f64();
    assert!(!world.gate(given_up - 0.1).lets_through());
    assert_eq!(world.gate(given_up), Gate::Probe);
    let probe = world.take(given_up).epochs;
    assert_eq!(probe.quota, late.quota + 1);
    assert_eq!(world.said(late, |books, taken| books.succeeded(taken, at(given_up))), []);
    world.said(late, |books, taken| books.released(taken));
    assert!(!world.gate(given_up).lets_through());
}

#[test]
fn what_is_taken_although_it_rests_probes_nothing() {
    let mut world = World::new();
    world.fail(&ways()[1].0, 0.0);
    assert_eq!(world.take(HOUR - 1.0).probes, []);
    assert_eq!(world.gate(HOUR), Gate::Probe);
    let second = Fault { retry_after: Some(Duration::from_secs(1)), ..fault(Kind::RateLimited, Blame::Quota) };
    world.fail(&ways()[1].0, HOUR);
    world.fail(&second, HOUR);
    assert!(!world.gate(2.0 * HOUR - 0.1).lets_through(), "nor does it cut a rest short");
}

/// A stream that breaks off was answered: its end does not close what its probe has opened.
#[test]
fn what_breaks_after_its_answer_is_no_second_verdict() {
    let mut world = World::new();
    let (rest, ..) = &ways()[1];
    world.fail(rest, 0.0);
    let probe = world.take(HOUR).epochs;
    world.said(probe, |books, taken| books.succeeded(taken, at(HOUR)));
    let events = world.said(probe, |books, taken| books.failed(taken, rest, at(HOUR), &policy(), 0.0));
    assert!(!events.iter().any(|event| matches!(event, Event::BreakerChanged(_))), "{events:?}");
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
        // One answer doubles the width; the others are released without a report.
        let answered = taken.pop().unwrap();
        for epochs in taken {
            world.said(epochs, |books, taken| books.released(taken));
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

/// A broken answer may be caused by a single request: it blocks no model, and a probe that ends in one reveals nothing.
#[test]
fn an_answer_that_is_broken_says_nothing_of_the_model() {
    let mut world = World::new();
    let (broken, [.., (overloaded, failures, _)]) = (fault(Kind::UpstreamError, Blame::Model), ways());
    (0..20).for_each(|_| drop(world.fail(&broken, 0.0)));
    assert_eq!((world.gate(0.0), world.books.models().count()), (Gate::Open, 0));
    (0..failures).for_each(|_| drop(world.fail(&overloaded, 0.0)));
    assert_eq!(world.books.models().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a"]);
    world.fail(&broken, HOUR);
    assert_eq!(world.gate(HOUR), Gate::Probe);
    world.fail(&overloaded, HOUR);
    assert!(!world.gate(HOUR).lets_through(), "one failure is enough where it was to be seen whether it works again");
}

#[test]
fn failures_are_counted_where_the_blame_lies() {
    let mut world = World::new();
    let today = world.books.today(at(0.0));
    for (kind, blame, failures) in [
        (Kind::RateLimited, Blame::Quota, 1),
        (Kind::Overloaded, Blame::Model, 1),
        (Kind::BadRequest, Blame::Request, 1),
        (Kind::Billing, Blame::Key, 2),
    ] {
        let events = world.fail(&fault(kind, blame), 0.0);
        let told = events.iter().any(|event| matches!(event, Event::Used(used) if used.failures == 1));
        let account = world.books.account(&world.key.id).unwrap();
        assert_eq!((account.failures, account.used(today, &model("a")).failures), (failures, failures), "{kind:?}");
        assert_eq!(told, matches!(blame, Blame::Key | Blame::Quota), "{kind:?}");
    }
}

#[test]
fn a_reset_forgives_one_model_or_all() {
    let mut world = World::new();
    let epochs = |world: &mut World, name: &str| world.books.take(&world.key, &model(name), at(0.0), &policy()).epochs;
    for (forgiven, open) in [(Some("a"), [true, false]), (None, [true, true])] {
        for name in ["a", "b"] {
            let (name, epochs) = (model(name), epochs(&mut world, name));
            let taken = Taken { key: &world.key, model: &name, epochs, reported: false };
            world.books.failed(taken, &ways()[1].0, at(0.0), &policy(), 0.0);
        }
        let events = world.books.reset(&world.key, forgiven.map(model).as_ref(), at(0.0));
        assert_eq!(events.len(), 1 + open.iter().filter(|open| **open).count(), "the key, and what it may do");
        let begins_anew = |event: &Event| matches!(event, Event::BreakerChanged(state) if state.epoch > 0);
        assert!(events.iter().all(begins_anew), "what was under way does not count");
        let today = world.books.today(at(0.0));
        let gate = |name| world.books.availability(&world.key, &model(name), at(0.0), today).gate.lets_through();
        assert_eq!(["a", "b"].map(gate), open, "{forgiven:?}");
    }
}

#[test]
fn what_an_operator_has_disabled_is_so_whatever_happens() {
    let mut world = World::new();
    let Some(Event::BreakerChanged(state)) = world.books.disable(&world.key, true, at(0.0)) else { panic!("a change") };
    assert!(state.disabled && state.epoch == 1);
    assert!(world.books.disable(&world.key, true, at(0.0)).is_none(), "no change");
    world.fail(&ways()[0].0, 0.0);
    assert_eq!(world.gate(0.0), Gate::Disabled);
    world.books.reset(&world.key, None, at(0.0));
    assert_eq!(world.gate(0.0), Gate::Disabled);
    world.books.disable(&world.key, false, at(0.0)).unwrap();
    assert_eq!(world.gate(0.0), Gate::Open);
}

#[test]
fn only_what_has_ever_changed_is_worth_remembering() {
    let mut world = World::new();
    world.take(0.0);
    assert_eq!(world.books.breaker_states(at(0.0)), []);
    world.fail(&ways()[1].0, 0.0);
    assert_eq!(world.books.breaker_states(at(0.0)).len(), 1);
}

#[test]
fn names_that_are_made_up_fill_no_memory() {
    let mut world = World { key: key(LimitsSettings { rpm: Some(1), ..Default::default() }), ..World::new() };
    let names: Vec<ModelName> = (0..=MOST_MODELS).map(|number| model(&format!("m{number}"))).collect();
    for name in &names {
        world.books.take(&world.key, name, at(0.0), &policy());
    }
    assert_eq!(world.books.quotas(&world.key.group).count(), MOST_MODELS);
    let today = world.books.today(at(0.0));
    let limited = |name: &ModelName| !world.books.availability(&world.key, name, at(0.0), today).gate.lets_through();
    assert_eq!(names.iter().filter(|name| limited(name)).count(), MOST_MODELS);
}

/// There is nothing to find out about a key that answered before a restart, and nothing is counted where there is no
/// limit.
#[test]
fn what_has_answered_needs_no_entry() {
    let mut world = World::new();
    let used = world.take(0.0).used;
    world = World::new();
    world.books.recall(&Used { prompt_tokens: 5, ..used });
    world.take(0.0);
    world.books.give_back(&world.key, &model("a"), (5, 5), at(0.0));
    assert_eq!(world.books.quotas(&world.key.group).count(), 0);
}
