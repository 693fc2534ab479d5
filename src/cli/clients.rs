//! `gemini-adapter clients`: creates keys for clients, and prints what to add to the configuration.

use std::io::Read;
use std::process::ExitCode;

use clap::Subcommand;

use super::{failed, print};
use crate::secret::{Digest, Secret};

/// The characters of a key: 43 characters out of 62 give more than 256 bits.
const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LENGTH: usize = 43;

/// The subcommands of `clients`.
#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Generate a key, and print it with the lines to add to the configuration, which hold only its digest
    New {
        /// The name of the client
        name: String,
    },
    /// Print the digest of a key read from standard input, to use in the configuration instead of the key
    Digest,
}

/// Runs the command.
pub fn run(command: &ClientsCommand) -> ExitCode {
    match command {
        ClientsCommand::New { name } => match generate_key() {
            Some(key) => {
                let name = serde_json::to_string(name).unwrap_or_default();
                let digest = Digest::sha256(&key);
                print(&format!(
                    "# The client's key, shown this once: {key}\n[[clients]]\nname = {name}\nkey = \"{digest}\""
                ));
                ExitCode::SUCCESS
            }
            None => failed("the system provides no random numbers"),
        },
        ClientsCommand::Digest => {
            let mut key = String::new();
            if let Err(error) = std::io::stdin().read_to_string(&mut key) {
                return failed(&format!("cannot read standard input: {error}"));
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

/// Generates a random key. Returns None if the system provides no random numbers.
fn generate_key() -> Option<String> {
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    let mut key = String::from("gk_");
    while key.len() < LENGTH + 3 {
        let mut byte = [0];
        random.fill(&mut byte).ok()?;
        // Values that would make some characters more likely than others are discarded.
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
        let (one, other) = (generate_key().unwrap(), generate_key().unwrap());
        assert_eq!(one.len(), 46);
        assert_ne!(one, other);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    }
}
