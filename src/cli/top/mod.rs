//! `gemini-adapter top`: shows a running server in the terminal: a heat map of keys by model, current requests and
//! finished ones. It reads the same feed as the dashboard.

mod feed;
mod screen;
mod state;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{interval, timeout};

use super::remote::RunningArgs;
use super::{UNAVAILABLE, failed, print};
use crate::config::Sources;
use feed::FeedMessage;
use state::{Action, Press, State};

/// Redraw interval, because remaining cooldowns and ages of requests change even without new events.
const REDRAW: Duration = Duration::from_millis(500);
/// How long `--once` waits for all parts of the state.
const PATIENCE: Duration = Duration::from_secs(10);
/// Capacity of the event and key-press channels.
const WAITING: usize = 64;

/// The arguments of `top`.
#[derive(Debug, Args)]
pub struct TopArgs {
    #[command(flatten)]
    running: RunningArgs,
    /// Print the state once and exit
    #[arg(long)]
    once: bool,
    /// Number of columns that `--once` prints
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(40..=400))]
    columns: u16,
    /// Number of lines that `--once` prints
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(12..=200))]
    lines: u16,
    /// Show only keys, models and requests whose names contain this text
    #[arg(long, default_value = "")]
    filter: String,
}

/// Shows the state until the user quits.
pub async fn run(args: TopArgs, sources: &Sources) -> ExitCode {
    let (tell, told) = channel(WAITING);
    let server = match feed::begin(&args.running, sources, tell).await {
        Ok(server) => server,
        Err(failure) => return failure.exit(),
    };
    let state = State::new(server, args.filter);
    if args.once {
        return once(state, told, (args.columns, args.lines)).await;
    }
    if !std::io::stdout().is_terminal() {
        return failed("this is not a terminal; use `--once`");
    }
    let shown = match ratatui::try_init() {
        Ok(terminal) => live(terminal, state, told).await,
        Err(error) => Err(error),
    };
    ratatui::restore();
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("cannot draw on the terminal: {error}")),
    }
}

async fn once(mut state: State, mut told: Receiver<FeedMessage>, (columns, lines): (u16, u16)) -> ExitCode {
    let all = async {
        while let Some(told) = told.recv().await {
            state.take(told, Timestamp::now());
            if state.is_whole() {
                return;
            }
        }
    };
    if timeout(PATIENCE, all).await.is_err() || !state.is_whole() {
        eprintln!("gemini-adapter: {}: no data received", state.server);
        return ExitCode::from(UNAVAILABLE);
    }
    print(&text(&state, columns, lines));
    ExitCode::SUCCESS
}

/// Renders a frame as text.
fn text(state: &State, columns: u16, lines: u16) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, lines));
    let Ok(drawn) = terminal.draw(|frame| screen::draw(frame, state, Timestamp::now()));
    let rows = drawn.buffer.content.chunks(usize::from(columns));
    let line = |row: &[ratatui::buffer::Cell]| {
        let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_owned()
    };
    rows.map(line).collect::<Vec<_>>().join("\n")
}

async fn live(
    mut terminal: ratatui::DefaultTerminal,
    mut state: State,
    mut told: Receiver<FeedMessage>,
) -> std::io::Result<()> {
    let (press, mut pressed) = channel(WAITING);
    // Reading a terminal blocks, so it has its own thread, which ends with the process.
    std::thread::spawn(move || read_keys(&press));
    let mut redraw = interval(REDRAW);
    loop {
        terminal.draw(|frame| screen::draw(frame, &state, Timestamp::now()))?;
        tokio::select! {
            Some(told) = told.recv() => state.take(told, Timestamp::now()),
            Some(press) = pressed.recv() => {
                if state.press(press) == Action::Leave {
                    return Ok(());
                }
            }
            _ = redraw.tick() => {}
        }
    }
}

fn read_keys(press: &Sender<Press>) {
    while let Ok(event) = event::read() {
        let Some(key) = event.as_key_event().filter(|key| key.kind != KeyEventKind::Release) else { continue };
        let pressed = match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Press::Interrupt,
            KeyCode::Char(letter) => Press::Letter(letter),
            KeyCode::Enter => Press::Enter,
            KeyCode::Esc => Press::Escape,
            KeyCode::Backspace => Press::Backspace,
            KeyCode::Up => Press::Up,
            KeyCode::Down => Press::Down,
            _ => continue,
        };
        if press.blocking_send(pressed).is_err() {
            return;
        }
    }
}
