//! Usage by all replicas on the current Google day: each adds its own usage, and learns that of the others. So a daily
//! request limit counts the requests of all.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use ::redis::Script;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::Shared;
use crate::store::{DayClaim, Used};

/// How long the sums of a day are kept.
const KEPT: Duration = Duration::from_secs(3 * 24 * 3600);
/// Limit on sums that wait to be sent. There are fewer real ones, but clients that invent model names while Redis is
/// unavailable must not exhaust the memory.
const MOST: usize = 10_000;

static USED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("used.lua")));

/// Requests, failures, prompt tokens, completion tokens.
type Amounts = [u64; 4];

/// What this node has yet to send, and what it knows.
#[derive(Debug, Default)]
pub struct Uses {
    waiting: HashMap<(Date, String), Amounts>,
    /// The message in flight, until it is answered.
    message: Option<Message>,
    messages: u64,
    /// What all nodes have used, including this one, but without what it has yet to send.
    known: HashMap<(Date, String), Amounts>,
}

/// Usage of one day that is sent at once.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    day: Date,
    number: u64,
    /// Name, known sum, and addition.
    rows: Vec<(String, Amounts, Amounts)>,
}

impl Uses {
    /// For a node whose ledger already knows this usage.
    pub fn of(used: &[Used]) -> Self {
        let known = used.iter().map(|used| ((used.day, name(used)), amounts(used))).collect();
        Self { known, ..Self::default() }
    }

    /// Adds usage of this node.
    pub fn add(&mut self, used: &Used) {
        let row = (used.day, name(used));
        if self.waiting.len() < MOST || self.waiting.contains_key(&row) {
            add(self.waiting.entry(row).or_default(), amounts(used));
        }
    }

    /// How many requests of a daily quota this node knows of.
    pub fn requests(&self, day: &DayClaim) -> u64 {
        let (told, untold) = self.of_day(day);
        told.saturating_add(untold)
    }

    /// Whether this node has used its share of what was left of a day, while the others cannot know what it uses.
    pub fn has_used_its_share(&self, day: &DayClaim, nodes: u64) -> bool {
        let (told, untold) = self.of_day(day);
        untold >= day.limit.saturating_sub(told) / nodes.max(1)
    }

    /// Requests of a daily quota that all nodes know of, and those that only this node knows of.
    fn of_day(&self, day: &DayClaim) -> (u64, u64) {
        let message = self.message.iter().filter(|message| message.day == day.day).flat_map(|message| &message.rows);
        let names: Vec<String> = day.keys.iter().map(|key| format!("{key} {}", day.model)).collect();
        let of = |rows: &HashMap<(Date, String), Amounts>| -> u64 {
            names.iter().filter_map(|name| rows.get(&(day.day, name.clone()))).map(|[requests, ..]| requests).sum()
        };
        let being_told = message.filter(|(name, ..)| names.contains(name)).map(|(_, _, [requests, ..])| requests);
        (of(&self.known), of(&self.waiting) + being_told.sum::<u64>())
    }

    /// The next message: the same one until it is answered, then the oldest day with usage to send.
    fn next(&mut self, today: Date) -> Message {
        if let Some(message) = &self.message {
            return message.clone();
        }
        self.known.retain(|(day, _), _| *day >= today.saturating_sub(1.day()));
        let day = self.waiting.keys().map(|(day, _)| *day).min().unwrap_or(today);
        let rows = self.waiting.extract_if(|(of, _), _| *of == day);
        let known = |name: &str| self.known.get(&(day, name.to_owned())).copied().unwrap_or_default();
        let rows = rows.map(|((_, name), more)| (name.clone(), known(&name), more)).collect();
        self.messages += 1;
        let message = Message { day, number: self.messages, rows };
        self.message = Some(message.clone());
        message
    }

    /// Takes the answer to a message, the sums of all nodes. Returns what others have added since the previous answer.
    fn answered(&mut self, message: Message, sums: &[(String, String)]) -> Vec<Used> {
        self.message = None;
        let day = message.day;
        for (name, _, more) in message.rows {
            add(self.known.entry((day, name)).or_default(), more);
        }
        sums.iter().filter_map(|(name, sum)| self.heard(day, name, parse(sum)?)).collect()
    }

    /// The part of a sum that is new. A Redis that has lost its data knows less, which is nothing new.
    fn heard(&mut self, day: Date, name: &str, sum: Amounts) -> Option<Used> {
        let (key, model) = name.split_once(' ')?;
        let known = self.known.entry((day, name.to_owned())).or_default();
        let mut news = [0; 4];
        for ((news, known), sum) in news.iter_mut().zip(known.iter_mut()).zip(sum) {
            *news = sum.saturating_sub(*known);
            *known = sum.max(*known);
        }
        let [requests, failures, prompt_tokens, completion_tokens] = news;
        let used =
            Used { key: key.into(), model: model.into(), day, requests, failures, prompt_tokens, completion_tokens };
        (news != [0; 4]).then_some(used)
    }
}

/// Sends the usage of this node, and learns that of the others.
pub async fn share(shared: &Shared) {
    let message = shared.uses().next(today(shared.clock.now().wall));
    let mut call = USED.key(shared.names.of(&format!("used:{}", message.day)));
    call.arg(u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX)).arg(&shared.names.node).arg(message.number);
    for (name, known, more) in &message.rows {
        call.arg(name).arg(text(*known)).arg(text(*more));
    }
    // Without an answer, the message is sent again.
    let Some(sums) = shared.link.call::<Vec<(String, String)>>(&call).await else { return };
    let news = shared.uses().answered(message, &sums);
    if !news.is_empty() {
        shared.holder.recall(&news);
    }
}

/// The day in Google's time zone.
fn today(now: Timestamp) -> Date {
    now.in_tz("America/Los_Angeles").map_or(Date::MIN, |local| local.date())
}

fn name(used: &Used) -> String {
    format!("{} {}", used.key, used.model)
}

fn amounts(used: &Used) -> Amounts {
    [used.requests, used.failures, used.prompt_tokens, used.completion_tokens]
}

fn add(sum: &mut Amounts, more: Amounts) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.saturating_add(more);
    }
}

fn text(amounts: Amounts) -> String {
    amounts.map(|amount| amount.to_string()).join(" ")
}

fn parse(text: &str) -> Option<Amounts> {
    let numbers: Option<Vec<u64>> = text.split(' ').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(requests: u64) -> Used {
        let day = "2026-11-24".parse().unwrap();
        let (key, model) = ("aaaaaaaaaaaa".to_owned(), "gemini-flash-latest".to_owned());
        Used { key, model, day, requests, failures: 0, prompt_tokens: 10 * requests, completion_tokens: 0 }
    }

    #[test]
    fn what_was_not_answered_is_told_again_and_not_more() {
        let mut uses = Uses::of(&[used(2)]);
        uses.add(&used(1));
        let message = uses.next(used(0).day);
        assert_eq!(message.rows, [(name(&used(0)), [2, 0, 20, 0], [1, 0, 10, 0])]);
        uses.add(&used(4));
        assert_eq!(uses.next(used(0).day), message);
        // Another node has used two, and this node its three.
        let sums = [(name(&used(0)), "5 0 50 0".to_owned()), ("node".to_owned(), "1".to_owned())];
        assert_eq!(uses.answered(message, &sums), [used(2)]);
        let message = uses.next(used(0).day);
        assert_eq!((message.number, message.rows[0].1, message.rows[0].2), (2, [5, 0, 50, 0], [4, 0, 40, 0]));
        // A Redis that was emptied reports nothing new.
        assert_eq!(uses.answered(message, &[(name(&used(0)), "1 0 10 0".to_owned())]), []);
        assert_eq!(uses.next(used(0).day).rows, []);
    }

    #[test]
    fn of_what_is_left_of_a_day_each_has_its_share() {
        let Used { key, model, day, .. } = used(0);
        let claim = DayClaim { group: key.clone(), keys: vec![key], model, day, limit: 10 };
        let mut uses = Uses::of(&[used(1)]);
        for expected in [false, false, false, true] {
            assert_eq!(uses.has_used_its_share(&claim, 3), expected);
            uses.add(&used(1));
        }
        uses.next(claim.day);
        assert_eq!(uses.requests(&claim), 5, "what is being told is known");
        assert!(!uses.has_used_its_share(&claim, 0), "alone");
    }

    #[test]
    fn names_that_clients_make_up_do_not_fill_the_memory() {
        let mut uses = Uses::default();
        (0..2 * MOST).for_each(|number| uses.add(&Used { model: format!("model-{number}"), ..used(1) }));
        assert_eq!(uses.waiting.len(), MOST);
    }
}
