//! Tests of reloads: what is accepted, what is rejected, and what survives them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::config::Sources;
use crate::environment::Environment;
use crate::fault::{Blame, Fault, Kind};
use crate::keys::{LeaseRequest, Tried};
use crate::model::ModelName;
use crate::problem::Problems;
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
        overrides: vec![("runtime.dir".into(), format!("\"{}\"", dir.join("data").display()))],
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
    // A different secret in the same setting is a change; an unchanged one is not.
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
        ("[models", "is not valid TOML"),
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
    // Restoring the original file: no change, and no error any more.
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
    let mut lease = snapshot.pools["default"]
        .lease(&LeaseRequest { model: &model, tried: &Tried::default(), affinity: None, may_wait: false }, now)
        .unwrap();
    let dead = lease.key().id().clone();
    lease.failed(&Fault::new(Kind::KeyInvalid, Blame::Key, "API key not valid."), now);
    drop(lease);
    place.reload(&FILE.replace("2.5-flash", "2.5-pro")).unwrap();
    for _ in 0..4 {
        let lease = place.live.snapshot().pools["default"]
            .lease(&LeaseRequest { model: &model, tried: &Tried::default(), affinity: None, may_wait: false }, now)
            .unwrap();
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
    // The reload that ran last has read the final content.
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

fn restart(place: &Place, sources: Sources) -> Result<Live, Problems> {
    let _ = place;
    Live::start(sources, Arc::new(Services::start()))
}

const LAST_GOOD: &str = "[runtime]\nstart_from_last_good = true\n";

/// A configuration with a key in the file itself, which must not appear in the history.
fn with_canary() -> String {
    format!("{FILE}[pools.default]\nkeys = [\"canary-gemini-key-1\", \"env:GEMINI_API_KEYS\"]\n")
}

#[test]
fn a_restart_with_a_bad_file_starts_on_the_last_good_one_if_that_wants_it() {
    for wanted in [false, true] {
        let place = Place::new();
        let good = format!("{}{}", with_canary().replace("2.5-flash", "2.5-pro"), if wanted { LAST_GOOD } else { "" });
        let generation = place.reload(&good).unwrap().generation;
        // The file is truncated after the key.
        let broken = format!("{}[models", whole(place.dir.path(), &good));
        std::fs::write(place.dir.path().join("config.toml"), broken).unwrap();
        let started = restart(&place, place.live.sources().clone());
        assert_eq!(started.is_ok(), wanted, "{:?}", started.err());
        let Ok(live) = started else { continue };
        assert_eq!(live.snapshot().generation, generation);
        assert_eq!(live.snapshot().models.route("x").unwrap().targets[0].name.as_str(), "gemini-2.5-pro");
        assert_eq!(live.snapshot().pools["default"].status(live.services().clock.now()).len(), 3);
        let refused = live.refused().unwrap();
        assert!(refused.started_on_last_good && refused.problems.to_string().contains("is not valid TOML"));
        // Once fixed, it behaves like any other configuration.
        std::fs::write(place.dir.path().join("config.toml"), whole(place.dir.path(), FILE)).unwrap();
        assert_eq!(live.reload().unwrap().generation, generation + 1);
        assert!(live.refused().is_none());
    }
}

#[test]
fn what_is_kept_holds_no_secret_and_numbers_go_on_over_restarts() {
    let place = Place::new();
    place.reload(&with_canary()).unwrap();
    let folder = place.dir.path().join("data");
    let kept: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(kept.len(), 2);
    for text in &kept {
        assert!(!text.contains("canary") && !text.contains("gemini-key-one") && !text.contains("client-key"), "{text}");
    }
    let live = restart(&place, place.live.sources().clone()).unwrap();
    assert_eq!(live.snapshot().generation, 2, "the same configuration keeps its number");
    std::fs::write(place.dir.path().join("config.toml"), whole(place.dir.path(), FILE)).unwrap();
    let live = restart(&place, place.live.sources().clone()).unwrap();
    assert_eq!((live.snapshot().generation, live.history().len()), (3, 3));
}

#[test]
fn twenty_are_kept() {
    let place = Place::new();
    for number in 0..25 {
        place.reload(&FILE.replace("2.5-flash", &format!("2.5-flash-{number}"))).unwrap();
    }
    let numbers: Vec<u64> = place.live.history().iter().map(|kept| kept.generation).collect();
    assert_eq!(numbers, (7..=26).rev().collect::<Vec<u64>>());
    assert_eq!(std::fs::read_dir(place.dir.path().join("data")).unwrap().count(), 20);
}

#[test]
fn a_rollback_brings_files_plugins_and_secrets_back() {
    let place = Place::new();
    let path = |name: &str| place.dir.path().join(name);
    let script = "// first\nfn on_request(ctx) { }";
    std::fs::write(path("plugins/one.rhai"), script).unwrap();
    let first = place.reload(&format!("# as it was\n{}", with_canary())).unwrap();
    let text = std::fs::read_to_string(path("config.toml")).unwrap();
    // One plugin changes, another is added, and the configuration file changes. The key stays in use.
    std::fs::write(path("plugins/one.rhai"), "fn on_request(ctx) { let a = 1; }").unwrap();
    std::fs::write(path("plugins/two.rhai"), "fn on_request(ctx) { }").unwrap();
    place.reload(&with_canary().replace("2.5-flash", "2.5-pro")).unwrap();
    // Also an edit that is never accepted.
    std::fs::write(path("config.toml"), "[broken \"canary-gemini-key-1\"").unwrap();
    std::fs::set_permissions(path("config.toml"), Permissions::from_mode(0o600)).unwrap();
    let back = place.live.rollback(first.generation, None).unwrap();
    assert_eq!((back.generation, back.hash), (first.generation + 2, first.hash));
    assert_eq!(place.default_model(), "gemini-2.5-flash");
    assert_eq!(std::fs::read_to_string(path("config.toml")).unwrap(), text);
    assert_eq!(std::fs::read_to_string(path("plugins/one.rhai")).unwrap(), script);
    assert!(!path("plugins/two.rhai").exists() && path("plugins/two.rhai.set-aside").exists());
    assert!(std::fs::read_to_string(path("config.toml.set-aside")).unwrap().starts_with("[broken"));
    for private in ["config.toml", "config.toml.set-aside"] {
        assert_eq!(std::fs::metadata(path(private)).unwrap().permissions().mode() & 0o777, 0o600, "{private}");
    }
}

#[test]
fn a_file_that_becomes_empty_is_a_failed_save_unless_it_is_rolled_back_to() {
    let place = Place::new();
    let more = place.dir.path().join("more.toml");
    std::fs::write(&more, "").unwrap();
    let file = format!("include = [\"more.toml\"]\n{FILE}");
    let empty = place.reload(&file).unwrap();
    std::fs::write(&more, "[upstream]\nattempts = 2\n").unwrap();
    let filled = place.reload(&file).unwrap();
    std::fs::write(&more, "\n").unwrap();
    let refused = place.reload(&file).unwrap_err().to_string();
    assert!(refused.contains("more.toml: error: has become empty"), "{refused}");
    assert_eq!(place.live.snapshot().generation, filled.generation);
    let back = place.live.rollback(empty.generation, None).unwrap();
    assert_eq!((back.generation, back.hash), (filled.generation + 1, empty.hash));
}

#[test]
fn a_generation_whose_file_is_gone_can_be_forgotten() {
    let place = Place::new();
    let data = place.dir.path().join("data");
    for round in 0..20 {
        place.reload(&format!("# {round}\n{FILE}")).unwrap();
        if round == 0 {
            std::fs::read_dir(&data).unwrap().for_each(|file| std::fs::remove_file(file.unwrap().path()).unwrap());
        }
    }
    let history = crate::runtime::history::History::open(&data);
    assert_eq!(history.all().len(), 19, "each generation since then is on disk");
}

#[test]
fn a_rollback_that_cannot_be_changes_nothing() {
    let place = Place::new();
    let first = place.reload(&with_canary()).unwrap().generation;
    // The key is no longer in any file.
    place.reload(&FILE.replace("2.5-flash", "2.5-pro")).unwrap();
    let text = std::fs::read_to_string(place.dir.path().join("config.toml")).unwrap();
    for (generation, expected) in
        [(first, "had 1 secrets that none of your files contains any more"), (77, "is not stored")]
    {
        let Err(Refusal::Problems(told)) = place.live.rollback(generation, None) else { panic!("{generation}") };
        let told = told.to_string();
        assert!(told.contains(expected), "{told}");
        assert_eq!(std::fs::read_to_string(place.dir.path().join("config.toml")).unwrap(), text);
        assert_eq!(place.default_model(), "gemini-2.5-pro");
    }
}

#[test]
fn a_folder_that_cannot_be_written_stops_nothing() {
    let place = Place::new();
    let mut sources = place.live.sources().clone();
    sources.overrides = vec![("runtime.dir".into(), "\"/proc/nowhere\"".into())];
    let live = restart(&place, sources).unwrap();
    assert_eq!(live.history().len(), 1);
    assert!(!live.reload().unwrap().changed);
}
