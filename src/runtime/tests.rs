//! Reloads: what is accepted, what is refused, what outlives them.

use std::path::Path;

use super::*;
use crate::config::Sources;
use crate::environment::Environment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::Tried;
use crate::model::ModelName;
use std::sync::Arc;

const FILE: &str = "[server]\nlisten = \"127.0.0.1:0\"\n[models]\ndefault = \"gemini-2.5-flash\"\n";

struct Place {
    dir: tempfile::TempDir,
    live: Live,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let live = Live::start(sources(dir.path(), FILE), Arc::new(Services::start())).unwrap();
        Self { dir, live }
    }

    fn reload(&self, file: &str) -> Result<Reloaded, String> {
        std::fs::write(self.dir.path().join("config.toml"), whole(self.dir.path(), file)).unwrap();
        self.live.reload().map_err(|problems| problems.to_string())
    }

    fn default_model(&self) -> String {
        self.live.snapshot().models.route("whatever").unwrap().targets[0].name.to_string()
    }
}

fn whole(dir: &Path, file: &str) -> String {
    format!("{file}\n[plugins]\ndir = \"{}\"\n", dir.join("plugins").display())
}

fn sources(dir: &Path, file: &str) -> Sources {
    std::fs::create_dir(dir.join("plugins")).unwrap();
    std::fs::write(dir.join("config.toml"), whole(dir, file)).unwrap();
    let pairs =
        [("GEMINI_API_KEYS", "gemini-key-one,gemini-key-two"), ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789")];
    Sources {
        file: Some(dir.join("config.toml")),
        dotenv: dir.join(".env"),
        process: Environment::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        overrides: Vec::new(),
    }
}

#[test]
fn a_change_is_a_new_generation_and_no_change_is_none() {
    let place = Place::new();
    let same = place.live.reload().unwrap();
    assert_eq!((same.generation, same.changed), (1, false));
    let other = place.reload(&FILE.replace("2.5-flash", "2.5-pro")).unwrap();
    assert_eq!((other.generation, other.changed), (2, true));
    assert_eq!(place.default_model(), "gemini-2.5-pro");
}

#[test]
fn a_change_is_told_setting_by_setting_without_secrets() {
    let place = Place::new();
    let more = "[pools.default]\nkeys = [\"env:GEMINI_API_KEYS\"]\n[pools.other]\nkeys = [\"canary-one\"]\n[upstream]\nattempts = 2\n";
    let reloaded = place.reload(&format!("{}{more}", FILE.replace("2.5-flash", "2.5-pro"))).unwrap();
    let told: Vec<String> = reloaded.changes.iter().map(Change::to_string).collect();
    assert!(!told.concat().contains("canary"), "{told:#?}");
    for expected in [
        "models.default: \"gemini-2.5-flash\" -> \"gemini-2.5-pro\"",
        "pools.other.keys[0].key: new, \"[secret ",
        "upstream.attempts: 4 -> 2",
    ] {
        assert!(told.iter().any(|told| told.starts_with(expected)), "{expected} is not in {told:#?}");
    }
    // Another secret in the same place is a change; the same one is none.
    let told =
        place.reload(&format!("{}{}", FILE.replace("2.5-flash", "2.5-pro"), more.replace("-one", "-two"))).unwrap();
    assert_eq!(told.changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["pools.other.keys[0].key"]);
    std::fs::write(place.dir.path().join("plugins/one.rhai"), "fn on_request(ctx) { }").unwrap();
    let told = place.live.reload().unwrap();
    assert!(told.changes.len() == 1 && told.changes[0].path.ends_with("plugins/one.rhai"), "{:?}", told.changes);
}

#[test]
fn a_held_snapshot_does_not_change() {
    let place = Place::new();
    let held = place.live.snapshot();
    place.reload(&FILE.replace("2.5-flash", "2.5-pro")).unwrap();
    assert_eq!(held.models.route("whatever").unwrap().targets[0].name.as_str(), "gemini-2.5-flash");
    assert_eq!((held.generation, place.live.snapshot().generation), (1, 2));
}

#[test]
fn whatever_is_wrong_what_was_live_stays_live() {
    let place = Place::new();
    for (file, expected) in [
        ("[models", "is no TOML"),
        ("[server]\nlisten = \"127.0.0.1:0\"\n[models]\npool = \"none\"", "there is no pool `none`"),
        ("[server]\nlisten = \"127.0.0.1:0\"\n[pools.default]\nkeys = []", "has no keys"),
        ("[server]\nlisten = \"127.0.0.1:1\"", "2:1: error: server.listen: cannot change while the server runs"),
    ] {
        let told = place.reload(file).unwrap_err();
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
        assert_eq!(place.live.snapshot().generation, 1);
        assert_eq!(place.default_model(), "gemini-2.5-flash");
        assert_eq!(place.live.refused().unwrap().problems.to_string(), told);
    }
    // Back to what it was: nothing new, and nothing wrong any more.
    assert!(!place.reload(FILE).unwrap().changed);
    assert!(place.live.refused().is_none());
}

#[test]
fn problems_of_all_rooms_are_told_together() {
    let place = Place::new();
    std::fs::write(place.dir.path().join("plugins/broken.rhai"), "fn on_request(ctx) { let").unwrap();
    let told =
        place.reload(&format!("{FILE}pool = \"none\"\n[upstream]\nattempts = 0\nbase_url = \"nowhere\"")).unwrap_err();
    for expected in ["models.pool", "upstream.attempts", "upstream.base_url", "broken.rhai"] {
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
}

#[test]
fn the_same_refusal_again_is_no_news() {
    let place = Place::new();
    place.reload("[models").unwrap_err();
    let since = place.live.refused().unwrap().at;
    place.reload("[models").unwrap_err();
    assert_eq!(place.live.refused().unwrap().at, since);
}

#[test]
fn a_plugin_is_part_of_the_snapshot() {
    let place = Place::new();
    let script = place.dir.path().join("plugins/one.rhai");
    std::fs::write(&script, "fn on_request(ctx) { }").unwrap();
    assert!(place.live.reload().unwrap().changed);
    std::fs::remove_file(&script).unwrap();
    assert_eq!(place.live.reload().unwrap().generation, 3);
}

#[test]
fn a_reload_forgives_no_key() {
    let place = Place::new();
    let model = ModelName::parse("gemini-2.5-flash").unwrap();
    let now = place.live.services().clock.now();
    let snapshot = place.live.snapshot();
    let mut lease = snapshot.pools["default"].lease(&model, &Tried::default(), now).unwrap();
    let dead = lease.key().id().clone();
    lease.failed(&Fault::new(Kind::KeyInvalid, Blame::Key, "API key not valid."), now);
    drop(lease);
    place.reload(&FILE.replace("2.5-flash", "2.5-pro")).unwrap();
    for _ in 0..4 {
        let lease = place.live.snapshot().pools["default"].lease(&model, &Tried::default(), now).unwrap();
        assert_ne!(*lease.key().id(), dead);
    }
}

#[test]
fn reloads_from_many_sides_take_turns() {
    let place = Place::new();
    let file = place.dir.path().join("config.toml");
    std::thread::scope(|scope| {
        for side in 0..4 {
            let (live, file, dir) = (&place.live, &file, place.dir.path());
            scope.spawn(move || {
                for round in 0..5 {
                    let text = whole(dir, &FILE.replace("2.5-flash", &format!("2.5-flash-{side}-{round}")));
                    let whole_file = file.with_extension(format!("{side}"));
                    std::fs::write(&whole_file, text).unwrap();
                    std::fs::rename(&whole_file, file).unwrap();
                    live.reload().unwrap();
                }
            });
        }
    });
    // Whoever came last has read the last content.
    assert!(!place.live.reload().unwrap().changed);
    assert!(place.live.snapshot().generation <= 21);
}

#[test]
fn a_hundred_thousand_keys_are_loaded() {
    let place = Place::new();
    let keys: Vec<String> = (0..100_000).map(|number| format!("\"gemini-key-{number}\"")).collect();
    place.reload(&format!("{FILE}[pools.default]\nkeys = [{}]\n", keys.join(","))).unwrap();
    let now = place.live.services().clock.now();
    assert_eq!(place.live.snapshot().pools["default"].status(now).len(), 100_000);
}
