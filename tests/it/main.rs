//! Tests from outside: the house's own rules, the translators against golden folders and recorded traffic, a real server in
//! front of the stand-in Gemini.

mod config;
mod corpus;
mod facts;
mod floors;
mod golden;
mod watch;
