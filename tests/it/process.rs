//! The server run as a process: exit codes, signals, output; and that no key ever appears in the output.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use gemini_adapter::simulator::{Options, Simulator};
use tokio::net::TcpListener;

const CANARY: &str = "AIzaSyCanary0123456789abcdefghijklmnopqr";

pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gemini-adapter"));
    command.current_dir(dir).env_clear().stdin(Stdio::null());
    command
}

pub fn output(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(dir).args(arguments).envs(variables.iter().copied()).output().unwrap()
}

/// A server as a process.
pub struct Process {
    pub child: Child,
    pub address: String,
    log: std::sync::mpsc::Receiver<String>,
}

impl Process {
    pub fn start(dir: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_as(command(dir), variables)
    }

    /// By a command of one's own, to which the arguments are added.
    pub fn start_as(command: Command, variables: &[(&str, &str)]) -> Self {
        Self::spawned(command, variables, true)
    }

    /// The same, but nobody reads what it writes once it has started.
    pub fn unread(command: Command, variables: &[(&str, &str)]) -> Self {
        Self::spawned(command, variables, false)
    }

    fn spawned(mut command: Command, variables: &[(&str, &str)], goes_on: bool) -> Self {
        let mut child = command
            .args(["serve", "--set", "server.listen=127.0.0.1:0"])
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let (told, log) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let last = line.contains("started successfully");
                let _ = told.send(line);
                if last && !goes_on {
                    // The pipe stays open, and fills.
                    loop {
                        std::thread::park();
                    }
                }
            }
        });
        let mut process = Self { child, address: String::new(), log };
        let line = process.until("OpenAI-Style Gemini Adapter started successfully.");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        process.address = line["address"].as_str().unwrap().to_owned();
        process
    }

    pub fn until(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("never said: {words}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub fn ask(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    pub fn chat(&self, prompt: &str, stream: bool) -> TcpStream {
        let body = serde_json::json!({ "model": "gemini-3.8-flash", "stream": stream, "messages": [{ "role": "user", "content": prompt }] }).to_string();
        self.ask(&format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client-key-0123456789\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn read(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    text
}

pub async fn simulator() -> Simulator {
    Simulator::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), Options::default()).unwrap()
}

/// A server as a process with one key, and the stand-in behind it.
pub struct Served {
    pub simulator: Simulator,
    pub process: Process,
    pub dir: tempfile::TempDir,
}

impl Served {
    /// With these settings in its file.
    pub async fn by(settings: &str) -> Self {
        let (simulator, dir) = (simulator().await, tempfile::tempdir().unwrap());
        std::fs::create_dir(dir.path().join("config")).unwrap();
        std::fs::write(dir.path().join("config/config.toml"), settings).unwrap();
        let process = Process::start(dir.path(), &variables(&simulator.base_url()));
        Self { simulator, process, dir }
    }

    /// Changes its settings.
    pub fn save(&self, settings: &str) {
        std::fs::write(self.dir.path().join("config/config.toml"), settings).unwrap();
    }
}

/// Variables of a server with one key in front of this.
pub fn variables(upstream: &str) -> [(&'static str, &str); 3] {
    [
        ("GEMINI_API_KEYS", "gemini-key-good-000000000"),
        ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789"),
        ("GEMINI_BASE_URL", upstream),
    ]
}

#[test]
fn check_lists_all_problems_and_exits_with_78() {
    let dir = tempfile::tempdir().unwrap();
    let bad = "[server]\nlisen = \"x\"\n\n[upstream]\nattempts = \"many\"\n\n[models]\npool = \"nowhere\"\n\n[cooldown]\nbase = \"soon\"\n\n[auth]\nclient_keys = [\"your-api-key\"]\n";
    std::fs::write(dir.path().join("bad.toml"), bad).unwrap();
    let found = output(dir.path(), &["check", "--config", "bad.toml"], &[("GEMINI_API_KEYS", CANARY)]);
    let text = String::from_utf8(found.stderr).unwrap();
    assert_eq!(found.status.code(), Some(78), "{text}");
    for expected in [
        "bad.toml:2:1: error: server.lisen",
        "bad.toml:5:1: error: upstream.attempts",
        "bad.toml:11:1: error: cooldown.base",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
    assert!(text.contains("did you mean `listen`?") && !text.contains(CANARY), "{text}");
    std::fs::write(
        dir.path().join("bad.toml"),
        "[models]\npool = \"nowhere\"\n[auth]\nclient_keys = [\"your-api-key\"]\n",
    )
    .unwrap();
    let text = String::from_utf8(output(dir.path(), &["check", "--config", "bad.toml"], &[]).stderr).unwrap();
    for expected in [
        "bad.toml:2:1: error: models.pool",
        "bad.toml:4:16: error: auth.client_keys[0]: a placeholder",
        "GEMINI_API_KEYS",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }

    let variables = [("GEMINI_API_KEYS", CANARY), ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789")];
    let good = output(dir.path(), &["check"], &variables);
    assert_eq!(good.status.code(), Some(0), "{}", String::from_utf8_lossy(&good.stderr));
    assert_eq!(output(dir.path(), &["check", "--config", "absent.toml"], &variables).status.code(), Some(78));
    assert_eq!(output(dir.path(), &["serve"], &[]).status.code(), Some(78));
    assert_eq!(output(dir.path(), &["serv"], &[]).status.code(), Some(2));
    assert_eq!(output(dir.path(), &["healthcheck", "--address", "127.0.0.1:1"], &[]).status.code(), Some(69));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_open_streams_finish() {
    let Served { mut process, dir, simulator: _simulator } = Served::by("").await;
    let health = output(dir.path(), &["healthcheck", "--address", &process.address], &[]);
    assert_eq!(health.status.code(), Some(0), "{}", String::from_utf8_lossy(&health.stderr));
    let mut stream = process.chat("[[sim:long chunks=20 gap_ms=50]]", true);
    let mut first = [0; 16];
    stream.read_exact(&mut first).unwrap();
    process.signal("TERM");
    process.until("stopping");
    let rest = read(stream);
    assert!(rest.contains("19 xxx") && rest.contains("data: [DONE]"), "{rest}");
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reloads() {
    let served = Served::by("").await;
    served.save("[upstream]\nattempts = 2\n");
    served.process.signal("HUP");
    let line = served.process.until("configuration loaded");
    assert!(line.contains("\"generation\":2"), "{line}");
}

/// A thousand of them at once are taken together, and the last content is what counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_hangups_is_survived() {
    let served = Served::by("").await;
    let process = &served.process;
    let storm = format!("for _ in $(seq 1000); do kill -HUP {}; done", process.child.id());
    let mut storm = Command::new("bash").args(["-c", &storm]).spawn().unwrap();
    for number in 2..=6 {
        served.save(&format!("[upstream]\nattempts = {number}\n"));
        assert!(read(process.chat("hello", true)).contains("data: [DONE]"));
    }
    assert!(storm.wait().unwrap().success());
    process.signal("HUP");
    process.until("-> 6");
    assert!(read(process.chat("hello", false)).contains("You said: hello"));
}

/// A file that is mounted by itself, as into a container: in a mount namespace of its own, where no event of its folder tells
/// of a change outside.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_mounted_by_itself_is_followed() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("config")).unwrap();
    std::fs::write(dir.path().join("config/config.toml"), "# replaced by the mount\n").unwrap();
    let outside = dir.path().join("outside.toml");
    std::fs::write(&outside, "[upstream]\nattempts = 2\n").unwrap();
    let url = simulator.base_url();
    let mut unshare = Command::new("unshare");
    let mount = "mount --bind outside.toml config/config.toml && exec \"$0\" \"$@\"";
    unshare.current_dir(dir.path()).env_clear().args(["-r", "-m", "bash", "-c", mount]);
    unshare.arg(env!("CARGO_BIN_EXE_gemini-adapter")).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let process = Process::start_as(unshare, &variables(&url));
    std::fs::write(&outside, "[upstream]\nattempts = 3\n").unwrap();
    process.until("upstream.attempts: 2 -> 3");
    // A rename outside leaves the mounted file what it was: nothing changes, and nothing is wrong.
    std::fs::write(dir.path().join("saved"), "[upstream]\nattempts = 9\n").unwrap();
    std::fs::rename(dir.path().join("saved"), &outside).unwrap();
    process.signal("HUP");
    assert!(read(process.chat("hello", false)).contains("You said: hello"));
    assert!(process.log.try_iter().all(|line| !line.contains("rejected") && !line.contains("-> 9")));
}

/// Every fault there is, with keys that would be found anywhere: in answers, in the log.
#[tokio::test(flavor = "multi_thread")]
async fn no_key_ever_shows() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let keys: Vec<String> = ["", "leaked", "suspended", "invalid", "minute", "today"]
        .iter()
        .map(|mark| format!("{CANARY}{mark}"))
        .collect();
    let process = Process::start(
        dir.path(),
        &[
            ("GEMINI_API_KEYS", &keys.join(",")),
            ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789"),
            ("SECURITY_ADMIN_API_KEYS", "admin-key-0123456789"),
            ("GEMINI_BASE_URL", &simulator.base_url()),
            ("SERVICE_LOG_LEVEL", "trace"),
        ],
    );
    let mut seen = String::new();
    for row in gemini_adapter::simulator::SCENARIOS.iter().filter(|row| row.name != "stall") {
        for stream in [false, true] {
            seen += &read(process.chat(&format!("[[sim:{} times=2]] x", row.name), stream));
        }
    }
    let get = |path: &str, key: &str| {
        read(process.ask(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n")))
    };
    for path in ["/", "/health", "/stats", "/metrics", "/v1/models"] {
        seen += &get(path, "client-key-0123456789");
    }
    for path in ["/admin/keys", "/admin/config"] {
        seen += &get(path, "admin-key-0123456789");
    }
    seen += &read(process.ask(&format!("POST /admin/reset-key/{CANARY} HTTP/1.1\r\nhost: x\r\nx-api-key: admin-key-0123456789\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")));
    process.signal("TERM");
    while let Ok(line) = process.log.recv_timeout(Duration::from_secs(5)) {
        seen += &line;
    }
    assert!(seen.len() > 50_000, "too little was seen: {} bytes", seen.len());
    for secret in ["AIzaSyCanary", "client-key-0123", "admin-key-0123"] {
        assert!(
            !seen.contains(secret),
            "`{secret}` shows: {:?}",
            seen.find(secret).and_then(|at| seen.get(at.saturating_sub(300)..at + 60))
        );
    }
}

#[test]
fn the_demo_answers_the_curl_it_prints() {
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        command(dir.path()).args(["demo", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut words = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    while !words.contains("Ctrl-C") {
        words += &(lines.next().expect("it says how to stop") + "\n");
    }
    let curl = words.split("Try it:").nth(1).unwrap().trim().split("\n\n").next().unwrap();
    let answer = Command::new("bash").arg("-c").arg(curl).output().unwrap();
    let _ = child.kill();
    let _ = child.wait();
    assert!(String::from_utf8_lossy(&answer.stdout).contains("You said: Hello!"), "{curl}: {answer:?}");
}

/// What a client that leaves has used until then is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_has_used_something() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let url = simulator.base_url();
    let variables = [
        ("GEMINI_API_KEYS", "gemini-key-0123456789"),
        ("SECURITY_ADAPTER_API_KEYS", "client-key-0123456789"),
        ("GEMINI_BASE_URL", url.as_str()),
    ];
    let process = Process::start(dir.path(), &variables);
    let mut stream = process.chat("[[sim:stall after=1]] hello to you", true);
    let mut seen = String::new();
    while !seen.contains("You said") {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).unwrap();
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    drop(stream);
    let line: serde_json::Value = serde_json::from_str(&process.until("\"status\":499")).unwrap();
    assert!(line["prompt_tokens"].as_u64().unwrap() > 0 && line["completion_tokens"].as_u64().unwrap() > 0, "{line}");
}

/// The command shows what a request becomes, with no key at hand.
#[test]
fn translate_needs_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let translate = |path: &str, body: &str| {
        let mut child = command(dir.path())
            .args(["translate", "--path", path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let chat = "/v1/chat/completions";
    let found = translate(chat, r#"{"model":"gpt-4o","verbosity":"high","messages":[{"role":"user","content":"hi"}]}"#);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    let shown: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(shown["model"], "gemini-pro-latest");
    assert_eq!(shown["request"]["contents"][0]["parts"][0]["text"], "hi");
    let found = translate("/v1/responses", r#"{"model":"gpt-4o","input":"hi","max_output_tokens":5}"#);
    let shown: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(shown["request"]["generationConfig"]["maxOutputTokens"], 5, "{shown}");
    assert_eq!(translate("/v1/models", "{}").status.code(), Some(1));
    let refused = translate(chat, r#"{"model":"gpt-4o","messages":[{"role":"pilot"}]}"#);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("(messages[0].role)"));
}

/// What a client is told comes from the configuration; its key is named, and never shown.
#[test]
fn client_config_says_what_is_configured() {
    let dir = tempfile::tempdir().unwrap();
    let config = "[server]\nlisten = \"0.0.0.0:8123\"\n[auth]\nclient_keys = [{ key = \"canary-client-key-000\", name = \"laptop\" }]\n[models.aliases]\n\"gpt-*\" = \"gemini-2.5-pro\"\nmine = \"gemini-2.5-pro\"\n";
    std::fs::write(dir.path().join("mine.toml"), config).unwrap();
    let told = |more: &[&str]| {
        let found = command(dir.path()).args(["client-config", "--config", "mine.toml"]).args(more).output().unwrap();
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8(found.stdout).unwrap()
    };
    let codex = told(&["codex"]);
    assert!(codex.contains("base_url = \"http://127.0.0.1:8123/v1\"") && codex.contains("model = \"mine\""), "{codex}");
    assert!(codex.contains("`laptop`") && codex.contains("`mine`") && !codex.contains("canary"), "{codex}");
    let elsewhere = told(&["aider", "--url", "https://gemini.example/v1", "--model", "gpt-4o"]);
    assert!(elsewhere.contains("https://gemini.example/v1\n") && elsewhere.contains("openai/gpt-4o"), "{elsewhere}");
    assert!(told(&[]).contains("claude-code\n"));
}
