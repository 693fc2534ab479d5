//! Temporarily blocks addresses that repeatedly present wrong keys. Bounded: only a limited number of addresses is
//! remembered, with preference for those seen most often.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::settings::BlockingSettings;

/// Limit on remembered addresses.
const MOST: u64 = 10_000;

/// Addresses that have presented wrong keys. Clones share it.
#[derive(Clone, Debug)]
pub struct Guard {
    shown: Cache<IpAddr, Shown>,
    /// Whether any address ever has: until then, lookups are skipped.
    any: Arc<AtomicBool>,
}

/// Wrong keys presented by one address.
#[derive(Clone, Copy, Debug)]
struct Shown {
    keys: u32,
    /// When the first of them was presented or, once the address is blocked, when the block began. Measured since
    /// process start.
    since: Duration,
}

impl Default for Guard {
    fn default() -> Self {
        Self { shown: Cache::new(MOST), any: Arc::default() }
    }
}

impl Guard {
    /// How much longer this address is blocked.
    pub fn blocked_for(&self, address: IpAddr, settings: &BlockingSettings, now: Duration) -> Option<Duration> {
        if !settings.enabled || !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let shown = self.shown.get(&whole(address)).filter(|shown| shown.keys >= settings.failures)?;
        (shown.since + settings.duration).checked_sub(now).filter(|rest| !rest.is_zero())
    }

    /// Records a wrong key. Returns whether this blocks the address from now on. Loopback addresses are never blocked,
    /// because local proxies connect from there.
    pub fn record_failure(&self, address: IpAddr, settings: &BlockingSettings, now: Duration) -> bool {
        if !settings.enabled || address.is_loopback() {
            return false;
        }
        self.any.store(true, Ordering::Relaxed);
        let mut blocked = false;
        self.shown.entry(whole(address)).and_upsert_with(|known| {
            let known = known.map(|known| known.into_value());
            let recent = known.filter(|known| now.saturating_sub(known.since) < settings.duration);
            let Shown { keys, since } = recent.unwrap_or(Shown { keys: 0, since: now });
            let keys = keys.saturating_add(1);
            blocked = keys == settings.failures;
            Shown { keys, since: if blocked { now } else { since } }
        });
        blocked
    }
}

/// The address range that one customer of a provider has: for IPv6, a /64 network.
fn whole(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BlockingSettings =
        BlockingSettings { enabled: true, failures: 3, duration: Duration::from_secs(60) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn who_shows_wrong_keys_is_blocked_and_then_not() {
        let guard = Guard::default();
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        assert!(!guard.record_failure(address, &SETTINGS, at(0)) && !guard.record_failure(address, &SETTINGS, at(10)));
        assert_eq!(guard.blocked_for(address, &SETTINGS, at(10)), None);
        assert!(guard.record_failure(address, &SETTINGS, at(20)));
        assert_eq!(guard.blocked_for(address, &SETTINGS, at(50)), Some(at(30)));
        assert_eq!(guard.blocked_for("203.0.113.8".parse().unwrap(), &SETTINGS, at(50)), None);
        assert_eq!(guard.blocked_for(address, &SETTINGS, at(80)), None);
        // Counting starts over; an address that fails slowly is never blocked.
        assert!(!guard.record_failure(address, &SETTINGS, at(90)));
        assert_eq!(guard.blocked_for(address, &SETTINGS, at(90)), None);
        assert!((2..20).all(|minute| !guard.record_failure(address, &SETTINGS, at(61 * minute))));
    }

    #[test]
    fn what_belongs_together_is_one_and_memory_is_bounded() {
        let guard = Guard::default();
        for number in 1..=3 {
            guard.record_failure(format!("2001:db8::{number}").parse().unwrap(), &SETTINGS, at(0));
        }
        assert!(guard.blocked_for("2001:db8::ffff".parse().unwrap(), &SETTINGS, at(1)).is_some());
        assert!(!(0..9).any(|_| guard.record_failure("127.0.0.1".parse().unwrap(), &SETTINGS, at(0))));
        for number in 0..40_000_u32 {
            guard.record_failure(IpAddr::V4(number.into()), &SETTINGS, at(0));
        }
        guard.shown.run_pending_tasks();
        assert!(guard.shown.entry_count() <= MOST);
    }
}
