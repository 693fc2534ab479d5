//! A separate redis-server for each test, on a Unix socket; or the program that REDIS_SERVER names, such as Valkey.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Redis {
    dir: PathBuf,
    name: &'static str,
    child: Child,
}

impl Redis {
    pub fn start(dir: &Path, name: &'static str) -> Self {
        let child = spawn(dir, name);
        let redis = Self { dir: dir.to_owned(), name, child };
        redis.until_it_answers();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again, without data.
    pub fn restart(&mut self) {
        let _ = std::fs::remove_file(self.socket());
        self.child = spawn(&self.dir, self.name);
        self.until_it_answers();
    }

    /// Sends a command whose words contain no spaces, and returns the first line of the answer.
    pub fn ask(&self, command: &str) -> String {
        self.try_ask(command).unwrap()
    }

    fn try_ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Returns all its contents, keys and values.
    pub fn dump(&self) -> String {
        let dump = self.dir.join(format!("{}.rdb", self.name));
        assert_eq!(self.ask("SAVE"), "+OK");
        let mut bytes = Vec::new();
        std::fs::File::open(dump).unwrap().read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn socket(&self) -> PathBuf {
        self.dir.join(format!("{}.sock", self.name))
    }

    fn until_it_answers(&self) {
        for _ in 0..3000 {
            if self.try_ask("PING").is_ok_and(|answer| answer == "+PONG") {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not answer");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &Path, name: &str) -> Child {
    let socket = format!("{name}.sock");
    let dump = format!("{name}.rdb");
    let _ = std::fs::remove_file(dir.join(&dump));
    let server = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    Command::new(&server)
        .current_dir(dir)
        // Uncompressed, so that its contents can be searched.
        .args(["--port", "0", "--unixsocket", &socket, "--save", "", "--dbfilename", &dump, "--rdbcompression", "no"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{server}: {error}; `scripts/test` installs it"))
}
