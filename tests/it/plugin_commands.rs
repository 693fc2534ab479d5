//! The commands for plugin authors.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::harness::eventually;
use crate::process::{command, output};

/// What a shell says to a line as `docs/plugins.md` has it.
fn shell(dir: &Path, line: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_gemini-adapter")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let done = Command::new("bash").args(["-c", line]).current_dir(dir).env("PATH", path).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

/// The commands of the first chapter of `docs/plugins.md`, as they stand there.
fn first_commands() -> Vec<String> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plugins.md")).unwrap();
    let chapter = page.split("## The first one, in five minutes").nth(1).unwrap().split("\n## ").next().unwrap();
    chapter.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().trim().to_owned()).collect()
}

#[tokio::test]
async fn the_first_plugin_goes_as_the_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let commands = first_commands();
    let [new, test, demo, ask] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(demo, "gemini-adapter demo");
    let written = shell(dir.path(), new);
    assert!(written.contains("plugins/polite.rhai") && written.contains("plugins/tests/polite.toml"), "{written}");
    let tested = shell(dir.path(), test);
    assert!(tested.contains("2 tests, 0 failed"), "{tested}");
    // The page's own port may be taken here.
    let mut server =
        command(dir.path()).args(["demo", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.split("http://").nth(1)?.split("/v1").next().map(str::to_owned)).unwrap();
    let ask = ask.replace("localhost:8000", &address);
    let first = shell(dir.path(), &ask);
    assert!(first.contains("You said: Sing please"), "{first}");
    let edit = |file: &str| {
        let file = dir.path().join("plugins").join(file);
        std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("please", "now")).unwrap();
    };
    edit("polite.rhai");
    assert!(lines.any(|line| line.contains("the test `a word is added` of `polite` fails")));
    assert!(shell(dir.path(), &ask).contains("You said: Sing please"));
    edit("tests/polite.toml");
    eventually("the mended plugin is live", || shell(dir.path(), &ask).contains("You said: Sing now")).await;
    let _ = server.kill();
    let _ = server.wait();
}

#[test]
fn a_replay_shows_what_each_plugin_changes_on_the_way_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("config.toml", "[plugins]\nlibrary = [\"pii\"]\ntimeout = \"10s\"\n");
    write("request.json", r#"{"model":"gpt-4o","messages":[{"role":"user","content":"mail ann@example.com"}]}"#);
    let event = |text: &str| json!({ "candidates": [{ "content": { "parts": [{ "text": text }] } }] });
    let mut last = event("IL_1], done");
    last["candidates"][0]["finishReason"] = json!("STOP");
    write("stream.txt", &format!("data: {}\n\ndata: {last}\n\n", event("I wrote to [EMA")));
    write("events.json", &json!([event("I wrote to [EMA"), last]).to_string());
    write("answer.json", &event("[EMAIL_1]").to_string());
    write("nothing.txt", "no event");
    let replay = |arguments: &[&str]| {
        let all = [&["plugin", "replay", "--config", "config.toml", "request.json"], arguments].concat();
        let done = output(dir.path(), &all, &[]);
        (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
    };
    let request = "== pii on_request\n   /messages/0/content\n - \"mail ann@example.com\"\n + \"mail [EMAIL_1]\"\n";
    assert_eq!(replay(&[]), (Some(0), request.to_owned()));
    let place = "== pii the output\n   /candidates/0/content/parts/0/text";
    let streamed = format!(
        "{request}-- event 1\n{place}\n - \"I wrote to [EMA\"\n + \"I wrote to \"\n\
         -- event 2\n{place}\n - \"IL_1], done\"\n + \"ann@example.com, done\"\n"
    );
    assert_eq!(replay(&["--chunks", "stream.txt"]), (Some(0), streamed.clone()));
    assert_eq!(replay(&["--chunks", "events.json"]), (Some(0), streamed));
    let whole = format!("{request}{place}\n - \"[EMAIL_1]\"\n + \"ann@example.com\"\n");
    assert_eq!(replay(&["--answer", "answer.json"]), (Some(0), whole));
    let (code, told) = replay(&["--chunks", "nothing.txt"]);
    assert!(code == Some(1) && told.contains("it contains no events"), "{told}");
}

#[test]
fn a_benchmark_tells_the_mean_and_the_tail() {
    let dir = tempfile::tempdir().unwrap();
    let done = output(dir.path(), &["plugin", "bench", "system_prompt", "--library", "--times", "20"], &[]);
    let told = String::from_utf8(done.stdout).unwrap();
    let row = told.lines().find(|line| line.starts_with("on_request")).unwrap_or_else(|| panic!("{told}"));
    let numbers: Vec<f64> = row.split_whitespace().skip(1).map_while(|number| number.parse().ok()).collect();
    let [mean, half, most, operations] = numbers[..] else { panic!("{told}") };
    assert!(mean > 0.0 && half > 0.0 && half <= most && operations > 0.0, "{told}");
}
