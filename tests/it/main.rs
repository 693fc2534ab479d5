//! Integration tests: the rules of the code base, the translators against golden cases and recorded traffic, a real
//! server in front of the simulator, and the server run as a process.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod bad_input;
mod board;
mod cache;
mod chat;
mod clients;
mod config;
mod config_commands;
mod corpus;
mod dialects;
mod doors;
mod endpoint;
mod facts;
mod failover;
mod faults;
mod floors;
mod foreign;
mod fuzz;
mod golden;
mod harness;
mod held;
mod holding;
mod http2;
mod http2_floods;
mod keys;
mod media;
mod media_out;
mod memory;
mod messages;
mod native;
mod operators;
#[cfg(feature = "otel")]
mod otel;
mod ownership;
mod plugin_commands;
mod plugin_doors;
mod plugins;
mod process;
mod properties;
mod reload;
mod reload_load;
mod repeated;
mod responses;
mod simulator;
mod soak;
mod streams;
mod tls;
mod watch;
