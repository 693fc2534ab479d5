//! The layers of `src/lib.rs`: a module uses lower layers and itself, never a module of its own layer or of a
//! higher one. Also checks file sizes.

use std::path::{Path, PathBuf};

/// Rooms by floor.
const FLOORS: &[&[&str]] = &[
    &[
        "allowance",
        "call",
        "clock",
        "environment",
        "error",
        "fault",
        "glob",
        "model",
        "pacific",
        "problem",
        "reading",
        "root_certificates",
        "secret",
        "sync",
        "timer",
        "wire",
    ],
    &["store", "telemetry"],
    &["cache", "clients", "keys", "media", "models", "plugin", "protocol", "simulator", "upstream"],
    &["config", "runtime"],
    &["pipeline"],
    &["server", "cli"],
];

/// On these floors the rooms use each other.
const OPEN_FLOORS: &[usize] = &[0, 3, 5];

/// Files over 400 lines that are still one thing. The list may only shrink.
const LONG_FILES: &[&str] = &[];

fn floor(room: &str) -> usize {
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&room));
    floor.unwrap_or_else(|| panic!("room `{room}` is on no floor: add it to the list here and in src/lib.rs"))
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn rust_sources() -> Vec<(String, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&src).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    files
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            let room = name.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
            (name, room, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn rooms_use_lower_floors_only() {
    let mut wrong = Vec::new();
    for (file, room, text) in rust_sources() {
        if room == "lib" || room == "main" {
            continue;
        }
        let here = floor(&room);
        for (number, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if used.is_empty() || used == room {
                    continue;
                }
                let there = floor(&used);
                if there > here || (there == here && !OPEN_FLOORS.contains(&here)) {
                    wrong.push(format!(
                        "src/{file}:{}: `{room}` (floor {here}) uses `{used}` (floor {there})",
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_says_what_it_is_and_what_it_never_does() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in FLOORS.iter().flat_map(|rooms| rooms.iter()) {
        let module = src.join(room).join("mod.rs");
        if module.exists() {
            let text = std::fs::read_to_string(&module).unwrap();
            let header: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
            assert!(header.contains("Never:"), "src/{room}/mod.rs: its header has no line `Never: …`");
        }
    }
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = rust_sources()
        .into_iter()
        .filter(|(file, _, text)| text.lines().count() > 400 && !LONG_FILES.contains(&file.as_str()))
        .map(|(file, _, text)| format!("src/{file}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "over 400 lines; think again about what they are:\n{}", long.join("\n"));
}

#[test]
fn functions_fit_a_screen() {
    let mut long = Vec::new();
    for (file, _, text) in rust_sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let indent = line.len() - code.len();
            let head =
                code.trim_start_matches("pub ").trim_start_matches("pub(super) ").trim_start_matches("pub(crate) ");
            let head = head.trim_start_matches("const ").trim_start_matches("async ");
            // A declaration in a trait has no body.
            if !head.starts_with("fn ") || head.ends_with(';') {
                continue;
            }
            let close = format!("{}}}", " ".repeat(indent));
            let end = lines[start..].iter().position(|line| *line == close).unwrap_or(0);
            if end > 70 {
                long.push(format!(
                    "src/{file}:{}: {} lines: {}",
                    start + 1,
                    end + 1,
                    head.chars().take(60).collect::<String>()
                ));
            }
        }
    }
    assert!(long.is_empty(), "functions over 70 lines:\n{}", long.join("\n"));
}

/// A route that no row of the table has made would have no door.
#[test]
fn routes_are_made_in_one_place() {
    let makes = ["Router::new(", ".route_service(", ".nest(", ".nest_service(", ".merge(", ".fallback_service("];
    for (file, room, text) in rust_sources() {
        if room == "server" && file != "server/endpoints.rs" {
            let found = makes.iter().find(|makes| text.contains(**makes));
            assert_eq!(found, None, "src/{file}: add a row to ENDPOINTS instead");
        }
    }
}
