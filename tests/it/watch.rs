//! File watching with real files and events: however a configuration is saved, it ends up in the live snapshot.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gemini_adapter::config::Sources;
use gemini_adapter::environment::Environment;
use gemini_adapter::runtime::{Live, Services, Watch, watch};

struct Watched {
    // Ends before its folder does.
    _watch: Watch,
    live: Arc<Live>,
    dir: tempfile::TempDir,
}

impl Watched {
    /// A folder prepared by `prepare`, which answers where in it the configuration is.
    fn new(prepare: impl FnOnce(&Path) -> PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("plugins")).unwrap();
        let sources = Sources {
            file: Some(prepare(dir.path())),
            dotenv: dir.path().join(".env"),
            process: Environment::from_pairs([("SECURITY_ADAPTER_API_KEYS".into(), "client-key-0123456789".into())]),
            overrides: ["plugins", "runtime"]
                .map(|name| (format!("{name}.dir"), format!("\"{}\"", dir.path().join(name).display())))
                .into(),
        };
        let live = Arc::new(Live::start(sources, Arc::new(Services::start())).unwrap());
        Self { _watch: watch(live.clone()), dir, live }
    }

    fn plain() -> Self {
        Self::new(|dir| {
            let file = dir.join("config.toml");
            std::fs::write(&file, text("gemini-2.5-flash")).unwrap();
            file
        })
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("config.toml")
    }

    fn default_model(&self) -> Option<String> {
        let route = self.live.snapshot().models.route("whatever")?;
        Some(route.targets.first()?.name.to_string())
    }

    fn becomes(&self, model: &str) {
        self.until(&format!("the default model is {model}"), || self.default_model().as_deref() == Some(model));
    }

    /// Waits for what must come, far longer than it should take.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds() {
            assert!(Instant::now() < deadline, "never happened: {what}; refused: {:?}", self.live.refused());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn text(model: &str) -> String {
    format!("[pools.default]\nkeys = [\"gemini-key-one\"]\n[models]\ndefault = \"{model}\"\n")
}

/// As editors and `sed -i` do.
fn save_by_rename(file: &Path, text: &str) {
    let beside = file.with_extension("toml~");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, file).unwrap();
}

#[test]
fn written_in_place() {
    let watched = Watched::plain();
    for model in ["gemini-2.5-pro", "gemini-3.8-flash"] {
        std::fs::write(watched.file(), text(model)).unwrap();
        watched.becomes(model);
    }
}

#[test]
fn renamed_over_again_and_again() {
    let watched = Watched::plain();
    for model in ["gemini-2.5-pro", "gemini-3.8-flash", "gemini-2.5-flash-lite"] {
        save_by_rename(&watched.file(), &text(model));
        watched.becomes(model);
    }
}

#[test]
fn removed_and_written_again() {
    let watched = Watched::plain();
    std::fs::remove_file(watched.file()).unwrap();
    watched.until("the missing file is reported", || watched.live.refused().is_some());
    assert_eq!(watched.default_model().as_deref(), Some("gemini-2.5-flash"));
    std::fs::write(watched.file(), text("gemini-2.5-pro")).unwrap();
    watched.becomes("gemini-2.5-pro");
}

/// As Kubernetes does for a ConfigMap: `config.toml -> ..data/config.toml`, `..data -> ..<time>`, and `..data` is swapped.
#[cfg(unix)]
#[test]
fn swapped_by_symbolic_link() {
    use std::os::unix::fs::symlink;

    let version = |dir: &Path, name: &str, model: &str| {
        std::fs::create_dir(dir.join(name)).unwrap();
        std::fs::write(dir.join(name).join("config.toml"), text(model)).unwrap();
        symlink(name, dir.join("..data_tmp")).unwrap();
        std::fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    };
    let watched = Watched::new(|dir| {
        version(dir, "..1", "gemini-2.5-flash");
        symlink("..data/config.toml", dir.join("config.toml")).unwrap();
        dir.join("config.toml")
    });
    for (name, model) in [("..2", "gemini-2.5-pro"), ("..3", "gemini-3.8-flash")] {
        version(watched.dir.path(), name, model);
        watched.becomes(model);
    }
}

#[test]
fn a_bad_save_keeps_what_was_and_a_good_one_mends_it() {
    let watched = Watched::plain();
    std::fs::write(watched.file(), "[models\n").unwrap();
    watched.until("the bad save is refused", || watched.live.refused().is_some());
    assert_eq!(watched.default_model().as_deref(), Some("gemini-2.5-flash"));
    assert_eq!(watched.live.snapshot().generation, 1);
    // The very content of before: no new generation, and nothing is wrong any more.
    std::fs::write(watched.file(), text("gemini-2.5-flash")).unwrap();
    watched.until("the old content is accepted", || watched.live.refused().is_none());
    std::fs::write(watched.file(), text("gemini-2.5-pro")).unwrap();
    watched.becomes("gemini-2.5-pro");
    assert_eq!(watched.live.snapshot().generation, 2);
}

#[test]
fn plugins_come_change_and_go() {
    let watched = Watched::plain();
    let script = watched.dir.path().join("plugins/one.rhai");
    let count = || watched.live.snapshot().plugins.list().len();
    std::fs::write(&script, "fn on_request(ctx) { }").unwrap();
    watched.until("the plugin is live", || count() == 1);
    let before = watched.live.snapshot().hash.clone();
    std::fs::write(&script, "fn on_request(ctx) { let a = 1; }").unwrap();
    watched.until("the change is live", || watched.live.snapshot().hash != before);
    std::fs::remove_file(&script).unwrap();
    watched.until("the plugin is gone", || count() == 0);
}

#[test]
fn the_env_file_and_secret_files_count_too() {
    let watched = Watched::new(|dir| {
        std::fs::write(dir.join("secret"), "gemini-key-one").unwrap();
        let keys = format!("[pools.default]\nkeys = [\"file:{}\"]\n", dir.join("secret").display());
        std::fs::write(dir.join("config.toml"), keys).unwrap();
        dir.join("config.toml")
    });
    let keys = || {
        let now = watched.live.services().clock.now();
        watched.live.snapshot().pools["default"].status(now).len()
    };
    std::fs::write(watched.dir.path().join("secret"), "gemini-key-one\ngemini-key-two\n").unwrap();
    watched.until("the second key is live", || keys() == 2);
    std::fs::write(watched.dir.path().join(".env"), "GEMINI_MAX_RETRIES=6\n").unwrap();
    watched.until("the variable is live", || watched.live.snapshot().config.settings.upstream.attempts == 7);
}

/// The folder is refused with its plugin; mending the plugin touches nothing that is live.
#[test]
fn what_was_refused_is_mended_where_nobody_looks() {
    let watched = Watched::new(|dir| {
        std::fs::write(dir.join("config.toml"), text("gemini-2.5-flash")).unwrap();
        dir.join("config.toml")
    });
    let secret = watched.dir.path().join("later/secret");
    let keys =
        format!("[pools.default]\nkeys = [\"file:{}\"]\n[models]\ndefault = \"gemini-2.5-pro\"\n", secret.display());
    std::fs::write(watched.file(), keys).unwrap();
    watched.until("the missing secret is refused", || watched.live.refused().is_some());
    std::fs::create_dir(secret.parent().unwrap()).unwrap();
    std::fs::write(&secret, "gemini-key-one").unwrap();
    watched.becomes("gemini-2.5-pro");
}

/// What may lie where the configuration was; and that the last good one serves until it is mended.
#[test]
fn whatever_lies_there_instead_what_was_live_stays_live() {
    use std::os::unix::fs::symlink;

    let watched = Watched::plain();
    let file = watched.file();
    let clear = || {
        let _ = std::fs::remove_file(&file);
        let _ = std::fs::remove_dir(&file);
    };
    let spoil: [(&str, &dyn Fn()); 5] = [
        ("it is a folder", &|| std::fs::create_dir(&file).unwrap()),
        ("symbolic link", &|| symlink(&file, &file).unwrap()),
        ("UTF-8", &|| std::fs::write(&file, b"\xff\xfe").unwrap()),
        ("No such file", &|| {}),
        ("is not valid TOML", &|| std::fs::write(&file, &text("gemini-2.5-pro")[..30]).unwrap()),
    ];
    for (words, spoil) in spoil {
        clear();
        spoil();
        watched.until(words, || {
            watched.live.refused().is_some_and(|refused| refused.problems.to_string().contains(words))
        });
        assert_eq!(watched.default_model().as_deref(), Some("gemini-2.5-flash"), "{words}");
    }
    clear();
    std::fs::write(&file, text("gemini-2.5-pro")).unwrap();
    watched.becomes("gemini-2.5-pro");
    assert_eq!((watched.live.snapshot().generation, watched.live.refused().is_none()), (2, true));
}

/// As a network file system behaves: nobody tells of anything.
#[test]
fn without_any_event_the_slow_look_finds_it() {
    let watched = Watched::new(|dir| {
        let file = dir.join("config.toml");
        std::fs::write(&file, format!("{}[runtime]\nwatch = \"poll\"\n", text("gemini-2.5-flash"))).unwrap();
        file
    });
    std::fs::write(watched.file(), text("gemini-2.5-pro")).unwrap();
    watched.becomes("gemini-2.5-pro");
}

#[test]
fn included_files_come_change_and_go() {
    let watched = Watched::new(|dir| {
        let file = dir.join("config.toml");
        std::fs::write(&file, format!("include = [\"conf.d/*.toml\"]\n{}", text("gemini-2.5-flash"))).unwrap();
        file
    });
    let attempts = || watched.live.snapshot().config.settings.upstream.attempts;
    let folder = watched.dir.path().join("conf.d");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("one.toml"), "[upstream]\nattempts = 2\n").unwrap();
    watched.until("the included file is live", || attempts() == 2);
    save_by_rename(&folder.join("one.toml"), "[upstream]\nattempts = 3\n");
    watched.until("its change is live", || attempts() == 3);
    std::fs::write(folder.join("two.toml"), "[upstream]\nattempts = 3\n").unwrap();
    watched.until("the clash is refused", || watched.live.refused().is_some());
    std::fs::remove_file(folder.join("one.toml")).unwrap();
    watched.until("the clash is over", || watched.live.refused().is_none());
    std::fs::remove_file(folder.join("two.toml")).unwrap();
    watched.until("the default is back", || attempts() == 4);
}

#[test]
fn after_many_saves_the_last_one_is_live() {
    let watched = Watched::plain();
    for number in 0..200 {
        save_by_rename(&watched.file(), &text(&format!("gemini-2.5-flash-{number}")));
    }
    save_by_rename(&watched.file(), &text("gemini-2.5-pro"));
    watched.becomes("gemini-2.5-pro");
    let generation = watched.live.snapshot().generation;
    assert!(generation < 100, "{generation} generations: saves are not taken together");
}
