//! `gemini-adapter clients`: keys for clients, and what to write where.

use std::io::Read;
use std::process::ExitCode;

use clap::Subcommand;

use super::{failed, print};
use crate::secret::{Digest, Secret};

/// Characters of a key: 43 of 62 are more than 256 bits.
const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LENGTH: usize = 43;

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Make a key up, and print it with what to write into the configuration: only its digest stays there
    New {
        /// What the client is called
        name: String,
    },
    /// Print the digest of a key on standard input, to write into the configuration instead of the key
    Digest,
}

/// Does it.
pub fn run(command: &ClientsCommand) -> ExitCode {
    match command {
        ClientsCommand::New { name } => match made_up() {
            Some(key) => {
                let name = serde_json::to_string(name).unwrap_or_default();
                let digest = Digest::sha256(&key);
                print(&format!(
                    "# The client's key, shown this once: {key}\n[[clients]]\nname = {name}\nkey = \"{digest}\""
                ));
                ExitCode::SUCCESS
            }
            None => failed("the system gives no random numbers"),
        },
        ClientsCommand::Digest => {
            let mut key = String::new();
            if let Err(error) = std::io::stdin().read_to_string(&mut key) {
                return failed(&format!("standard input cannot be read: {error}"));
            }
            let key = Secret::new(&key);
            if key.expose().is_empty() || key.expose().contains(char::is_whitespace) {
                return failed("write one key to standard input: `printf %s \"$KEY\" | gemini-adapter clients digest`");
            }
            print(&Digest::sha256(key.expose()));
            ExitCode::SUCCESS
        }
    }
}

/// A key that nobody guesses.
fn made_up() -> Option<String> {
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    let mut key = String::from("gk_");
    while key.len() < LENGTH + 3 {
        let mut byte = [0];
        random.fill(&mut byte).ok()?;
        // What would make the first characters likelier is thrown away.
        if let Some(character) = CHARACTERS.get(usize::from(byte[0] & 63)) {
            key.push(char::from(*character));
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_differ() {
        let (one, other) = (made_up().unwrap(), made_up().unwrap());
        assert_eq!(one.len(), 46);
        assert_ne!(one, other);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    }
}
