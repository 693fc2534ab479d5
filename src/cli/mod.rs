//! The command line: one file a subcommand, each with its exit codes.
//! Never: what another room could do; here are only arguments, words for the terminal, and an exit code.

pub mod check;
pub mod reference;
