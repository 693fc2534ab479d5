//! Row changes that could not be sent because Redis was unavailable or too many were queued. For each row, the combined
//! change is kept until it can be sent. A row in the backlog gets its later changes here too, so that they stay in
//! order.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::rows::{Change, Op};

/// Limit on all changes together, in bytes. Changes beyond it are dropped: Redis may be unavailable for days.
const MOST: usize = 16 * 1024 * 1024;
/// What a row takes up besides its name and value.
const ROW: usize = 128;

/// The backlog.
#[derive(Debug, Default)]
pub struct Backlog(Mutex<Rows>);

/// The waiting changes, under the backlog's lock.
#[derive(Debug, Default)]
pub struct Rows {
    rows: HashMap<(&'static str, String), (Change, Instant)>,
    bytes: usize,
}

impl Backlog {
    /// Locks the waiting changes.
    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    /// Whether an earlier change of this row is waiting.
    pub fn hold(&self, change: &Change) -> bool {
        !self.rows.is_empty() && self.rows.contains_key(&(change.table, change.key.clone()))
    }

    /// Keeps a change, combined with the one that is waiting for the same row. Returns false if there is no room.
    pub fn keep(&mut self, change: Change) -> bool {
        let row = (change.table, change.key.clone());
        let earlier = self.rows.remove(&row);
        self.bytes -= earlier.as_ref().map_or(0, |(earlier, _)| size(earlier));
        let change = match earlier {
            Some((earlier, _)) => Change { op: after(earlier.op, change.op), ..change },
            None => change,
        };
        let fits = self.bytes + size(&change) <= MOST;
        if fits {
            self.bytes += size(&change);
            self.rows.insert(row, (change, Instant::now()));
        }
        fits
    }

    /// Passes all changes to `taken`, without those that have expired, until it does not take one.
    pub fn hand_out(&mut self, mut taken: impl FnMut(Change) -> bool) {
        while let Some(row) = self.rows.keys().next().cloned() {
            let Some((change, since)) = self.rows.get(&row) else { return };
            let kept = change.kept.saturating_sub(since.elapsed());
            let change = Change { kept, ..change.clone() };
            let bytes = size(&change);
            if !kept.is_zero() && !taken(change) {
                return;
            }
            self.rows.remove(&row);
            self.bytes -= bytes;
        }
    }
}

fn size(change: &Change) -> usize {
    let value = if let Op::Put(value) = &change.op { value.len() } else { 0 };
    ROW + change.key.len() + value
}

/// Combines two changes of a row into one.
fn after(earlier: Op, later: Op) -> Op {
    match (earlier, later) {
        (Op::Add(one), Op::Add(other)) => Op::Add(one.saturating_add(other)),
        (Op::Put(value), Op::Add(more)) => {
            // As everywhere, a value that is not a number counts as zero.
            let number: i64 = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
            Op::Put(number.saturating_add(more).to_string().into())
        }
        (Op::Remove, Op::Add(more)) => Op::Put(more.to_string().into()),
        (_, later) => later,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn change(key: &str, op: Op) -> Change {
        Change { table: "t", key: key.into(), op, kept: Duration::from_secs(60), number: 0 }
    }

    fn handed_out(rows: &mut Rows) -> Vec<String> {
        let mut out = Vec::new();
        rows.hand_out(|change| {
            out.push(format!("{} {:?}", change.key, change.op));
            true
        });
        out.sort();
        out
    }

    #[test]
    fn changes_of_a_row_become_one() {
        let mut rows = Rows::default();
        for (key, op) in [
            ("a", Op::Put("1".into())),
            ("a", Op::Add(2)),
            ("b", Op::Add(2)),
            ("b", Op::Add(3)),
            ("c", Op::Put("x".into())),
            ("c", Op::Remove),
            ("d", Op::Remove),
            ("d", Op::Add(1)),
        ] {
            assert!(rows.keep(change(key, op)));
        }
        assert!(rows.hold(&change("a", Op::Remove)) && !rows.hold(&change("e", Op::Remove)));
        assert_eq!(handed_out(&mut rows), ["a Put(b\"3\")", "b Add(5)", "c Remove", "d Put(b\"1\")"]);
        assert_eq!((rows.bytes, rows.rows.len()), (0, 0));
    }

    #[test]
    fn there_is_room_for_so_much_and_what_is_not_taken_stays() {
        let mut rows = Rows::default();
        assert!(!rows.keep(change("a", Op::Put(vec![0; MOST].into()))));
        assert!(rows.keep(change("b", Op::Remove)));
        rows.hand_out(|_| false);
        assert!(rows.hold(&change("b", Op::Remove)));
        assert!(rows.keep(Change { kept: Duration::ZERO, ..change("b", Op::Remove) }));
        assert_eq!(handed_out(&mut rows), Vec::<String>::new(), "its time is over");
    }
}
