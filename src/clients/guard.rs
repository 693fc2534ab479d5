//! Addresses that show wrong keys, again and again, are held off for a while. Bounded: so many addresses are remembered, those that are
//! seen most before those that are not.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::settings::BlockingSettings;

/// Addresses that are remembered.
const MOST: u64 = 10_000;

/// Who has shown wrong keys. Clones share it.
#[derive(Clone, Debug)]
pub struct Guard {
    shown: Cache<IpAddr, Shown>,
    /// Whether anybody ever has: until then, nobody is looked up.
    any: Arc<AtomicBool>,
}

/// Wrong keys of one address.
#[derive(Clone, Copy, Debug)]
struct Shown {
    keys: u32,
    /// When it showed the first of them, since the process started; when it was held off, that moment.
    since: Duration,
}

impl Default for Guard {
    fn default() -> Self {
        Self { shown: Cache::new(MOST), any: Arc::default() }
    }
}

impl Guard {
    /// How long this address is still held off.
    pub fn holds_off(&self, address: IpAddr, settings: &BlockingSettings, now: Duration) -> Option<Duration> {
        if !settings.enabled || !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let shown = self.shown.get(&whole(address)).filter(|shown| shown.keys >= settings.failures)?;
        (shown.since + settings.duration).checked_sub(now).filter(|rest| !rest.is_zero())
    }

    /// This address has shown a wrong key; whether it is held off from now on. One's own machine is not: it is where proxies are.
    pub fn wrong(&self, address: IpAddr, settings: &BlockingSettings, now: Duration) -> bool {
        if !settings.enabled || address.is_loopback() {
            return false;
        }
        self.any.store(true, Ordering::Relaxed);
        let mut held_off = false;
        self.shown.entry(whole(address)).and_upsert_with(|known| {
            let known = known.map(|known| known.into_value());
            let recent = known.filter(|known| now.saturating_sub(known.since) < settings.duration);
            let Shown { keys, since } = recent.unwrap_or(Shown { keys: 0, since: now });
            let keys = keys.saturating_add(1);
            held_off = keys == settings.failures;
            Shown { keys, since: if held_off { now } else { since } }
        });
        held_off
    }
}

/// What one customer of a provider has as a whole: of IPv6, 64 bits.
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
    fn who_shows_wrong_keys_is_held_off_and_then_not() {
        let guard = Guard::default();
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        assert!(!guard.wrong(address, &SETTINGS, at(0)) && !guard.wrong(address, &SETTINGS, at(10)));
        assert_eq!(guard.holds_off(address, &SETTINGS, at(10)), None);
        assert!(guard.wrong(address, &SETTINGS, at(20)));
        assert_eq!(guard.holds_off(address, &SETTINGS, at(50)), Some(at(30)));
        assert_eq!(guard.holds_off("203.0.113.8".parse().unwrap(), &SETTINGS, at(50)), None);
        assert_eq!(guard.holds_off(address, &SETTINGS, at(80)), None);
        // It begins anew; and who is slow is never held off.
        assert!(!guard.wrong(address, &SETTINGS, at(90)));
        assert_eq!(guard.holds_off(address, &SETTINGS, at(90)), None);
        assert!((2..20).all(|minute| !guard.wrong(address, &SETTINGS, at(61 * minute))));
    }

    #[test]
    fn what_belongs_together_is_one_and_memory_is_bounded() {
        let guard = Guard::default();
        for number in 1..=3 {
            guard.wrong(format!("2001:db8::{number}").parse().unwrap(), &SETTINGS, at(0));
        }
        assert!(guard.holds_off("2001:db8::ffff".parse().unwrap(), &SETTINGS, at(1)).is_some());
        assert!(!(0..9).any(|_| guard.wrong("127.0.0.1".parse().unwrap(), &SETTINGS, at(0))));
        for number in 0..40_000_u32 {
            guard.wrong(IpAddr::V4(number.into()), &SETTINGS, at(0));
        }
        guard.shown.run_pending_tasks();
        assert!(guard.shown.entry_count() <= MOST);
    }
}
