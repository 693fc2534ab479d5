//! What all replicas together have used on one of Google's days: what each adds, and what each learns of the others.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::store::Used;

/// Requests, failures, tokens of prompts, tokens of answers.
pub type Amounts = [u64; 4];

/// What this replica knows that all have used, itself included, without what it has not sent yet.
#[derive(Clone, Debug, Default)]
pub struct Known(HashMap<(Date, String), Amounts>);

impl Known {
    /// What the ledger was told already.
    pub fn of(used: &[Used]) -> Self {
        Self(used.iter().map(|used| ((used.day, name(used)), amounts(used))).collect())
    }

    /// The sum under this name.
    pub fn sum(&self, day: Date, name: &str) -> Amounts {
        self.0.get(&(day, name.to_owned())).copied().unwrap_or_default()
    }

    /// What was sent is known to all.
    pub fn sent(&mut self, used: &Used) {
        let sum = self.0.entry((used.day, name(used))).or_default();
        for (sum, more) in sum.iter_mut().zip(amounts(used)) {
            *sum = sum.saturating_add(more);
        }
    }

    /// Takes the sum of all in, and says what of it is news. A server that has lost its memory knows less: that is none.
    pub fn heard(&mut self, day: Date, name: &str, all: Amounts) -> Option<Used> {
        let sum = self.0.entry((day, name.to_owned())).or_default();
        let news: Vec<u64> = sum.iter().zip(all).map(|(known, all)| all.saturating_sub(*known)).collect();
        for (sum, all) in sum.iter_mut().zip(all) {
            *sum = all.max(*sum);
        }
        let (key, model) = name.split_once(' ')?;
        let &[requests, failures, prompt_tokens, completion_tokens] = news.as_slice() else { return None };
        let used =
            Used { key: key.into(), model: model.into(), day, requests, failures, prompt_tokens, completion_tokens };
        news.iter().any(|amount| *amount > 0).then_some(used)
    }

    /// Forgets days before this one.
    pub fn forget_before(&mut self, day: Date) {
        self.0.retain(|(known, _), _| *known >= day);
    }
}

/// The name of a sum: a key's id and a model.
pub fn name(used: &Used) -> String {
    format!("{} {}", used.key, used.model)
}

/// The amounts of it.
pub fn amounts(used: &Used) -> Amounts {
    [used.requests, used.failures, used.prompt_tokens, used.completion_tokens]
}

/// Amounts as they go over the wire.
pub fn text(amounts: Amounts) -> String {
    amounts.map(|amount| amount.to_string()).join(" ")
}

/// Amounts as they came.
pub fn parse(text: &str) -> Option<Amounts> {
    let numbers: Option<Vec<u64>> = text.split(' ').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_others_have_added_is_news() {
        let day = "2026-11-24".parse().unwrap();
        let (key, model) = ("aaaaaaaaaaaa".to_owned(), "gemini-flash-latest".to_owned());
        let used = Used { key, model, day, requests: 2, failures: 0, prompt_tokens: 20, completion_tokens: 4 };
        let mut known = Known::of(std::slice::from_ref(&used));
        known.sent(&used);
        let name = name(&used);
        assert_eq!(known.sum(day, &name), [4, 0, 40, 8]);
        let news = known.heard(day, &name, [5, 1, 50, 9]).unwrap();
        assert_eq!(amounts(&news), [1, 1, 10, 1]);
        // The same again, and from a server that was emptied.
        assert_eq!(known.heard(day, &name, [5, 1, 50, 9]), None);
        assert_eq!(known.heard(day, &name, [1, 0, 1, 1]), None);
        assert_eq!(known.sum(day, &name), [5, 1, 50, 9]);
        assert_eq!(parse(&text([1, 2, 3, u64::MAX])), Some([1, 2, 3, u64::MAX]));
    }
}
