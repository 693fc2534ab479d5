//! The `gemini-adapter` binary: parses the arguments and returns the exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    gemini_adapter::cli::main()
}
