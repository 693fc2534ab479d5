//! Draws the state of `top`, on 80×24 and larger terminals. Pure: takes the state and draws a frame.

use jiff::{SignedDuration, Timestamp};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row as Drawn, Sparkline, Table};
use serde_json::Value;

use super::state::{KeyState, Row, State};

/// Column widths: a key's name, its state, its requests in flight, and a model.
const NAME: u16 = 16;
const OWN: u16 = 11;
const BUSY: u16 = 4;
const MODEL: u16 = 12;
/// Number of two-second beats that rates are computed from.
const RECENT: usize = 5;

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, state: &State, now: Timestamp) {
    let rows = state.rows(now);
    let live = state.live();
    let all = frame.area();
    let keys_height = lines(rows.len()).saturating_add(2).min((all.height / 2).saturating_sub(2)).max(3);
    let live_height = lines(live.len()).saturating_add(2).min(all.height / 4).max(3);
    let [head, timeline, keys, under_way, over, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(keys_height),
        Constraint::Length(live_height),
        Constraint::Min(2),
        Constraint::Length(1),
    ])
    .areas(all);
    frame.render_widget(title(state), head);
    beats(frame, state, timeline);
    heat(frame, state, &rows, keys);
    frame.render_widget(requests("In flight", &live, UNDER_WAY), under_way);
    frame.render_widget(requests("Finished, latest first", &state.over(), OVER), over);
    frame.render_widget(help(state), foot);
}

fn lines(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

fn title(state: &State) -> Line<'static> {
    let config = state.last("config");
    let mut spans = vec![
        Span::styled("gemini-adapter ", Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(format!("{}  {}", text(&state.last("hello")["version"]), state.server)),
        Span::raw(format!("  configuration {}-{}", config["generation"], text(&config["hash"]))),
    ];
    if state.lost {
        spans.push(Span::styled("  LOST", Style::new().fg(Color::Red)));
    }
    if config["refused"].is_object() {
        let count = config["refused"]["problems"].as_array().map_or(0, Vec::len);
        spans.push(Span::styled(format!("  LAST CHANGE REJECTED: {count}"), Style::new().fg(Color::Red)));
    }
    Line::from(spans)
}

/// Draws the rates of the last seconds and the tokens of the last minutes.
fn beats(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let metrics = state.last("metrics");
    let beats: Vec<&Value> = metrics["beats"].as_array().into_iter().flatten().collect();
    let count = |beat: &Value, field: &str| beat[field].as_u64().unwrap_or_default();
    let recent = beats.get(beats.len().saturating_sub(RECENT)..).unwrap_or_default();
    let seconds = (recent.len().max(1) * 2) as f64;
    let rate = |field: &str| recent.iter().map(|beat| count(beat, field)).sum::<u64>() as f64 / seconds;
    let requests = rate("answered") + rate("client_errors") + rate("server_errors");
    let told = format!(
        "{requests:.1} requests/s  {:.1} failed/s  {:.0} tokens/s  {} in flight  ",
        rate("server_errors"),
        rate("tokens"),
        state.last("requests")["under_way"].as_u64().unwrap_or_default()
    );
    let [words, line] =
        Layout::horizontal([Constraint::Length(lines(told.chars().count())), Constraint::Min(0)]).areas(area);
    frame.render_widget(Line::raw(told), words);
    let width = usize::from(line.width);
    let tokens: Vec<u64> =
        beats.iter().skip(beats.len().saturating_sub(width)).map(|beat| count(beat, "tokens")).collect();
    frame.render_widget(Sparkline::default().data(&tokens).style(Style::new().fg(Color::Cyan)), line);
}

/// Draws the heat map of keys by model.
fn heat(frame: &mut Frame<'_>, state: &State, rows: &[Row], area: Rect) {
    let models = state.models(rows);
    let room = area.width.saturating_sub(NAME + OWN + BUSY + 3) / (MODEL + 1);
    let shown = models.len().min(usize::from(room));
    let more = models.len() - shown;
    let models = models.get(..shown).unwrap_or_default();
    let usable = rows.iter().filter(|row| matches!(row.own.state.as_str(), "ready" | "probing")).count();
    let mut about = format!(" Keys: {usable} of {} can serve ", rows.len());
    if more > 0 {
        about.push_str(&format!("· {more} more models ",));
    }
    let header = ["key", "state", "now"].into_iter().map(str::to_owned).chain(models.iter().map(|model| short(model)));
    let header = Drawn::new(header.map(Cell::from)).style(Style::new().add_modifier(Modifier::DIM));
    let drawn = rows.iter().skip(state.past).map(|row| {
        let busy = if row.in_flight > 0 { row.in_flight.to_string() } else { String::new() };
        let own = own(&row.own);
        let cells = [Cell::from(row.name.clone()), own, Cell::from(busy)];
        Drawn::new(cells.into_iter().chain(models.iter().map(|model| cell(row.models.get(model)))))
    });
    let widths = [NAME, OWN, BUSY].into_iter().chain(models.iter().map(|_| MODEL)).map(Constraint::Length);
    frame.render_widget(Table::new(drawn, widths).header(header).block(block(about)), area);
}

/// Shortens the name of a model by the common prefix.
fn short(model: &str) -> String {
    let rest = model.strip_prefix("gemini-").unwrap_or(model);
    rest.chars().take(usize::from(MODEL)).collect()
}

fn own(standing: &KeyState) -> Cell<'static> {
    let (mark, style) = mark(&standing.state);
    let text = match standing.left {
        Some(left) => format!("{mark} {}", time(left)),
        None => format!("{mark} {}", standing.state),
    };
    Cell::from(text).style(style)
}

fn cell(standing: Option<&KeyState>) -> Cell<'static> {
    let Some(standing) = standing else { return Cell::from("·").style(Style::new().fg(Color::DarkGray)) };
    let (mark, style) = mark(&standing.state);
    let text = match standing.left {
        Some(left) => format!("{mark} {}", time(left)),
        None if standing.requests > 0 => format!("{mark} {}", standing.requests),
        None => mark.to_owned(),
    };
    Cell::from(text).style(style)
}

/// Returns symbol and colour of a state. The symbol suffices for those who cannot tell the colours apart.
fn mark(state: &str) -> (&'static str, Style) {
    let (mark, colour) = match state {
        "ready" => ("●", Color::Green),
        "resting" => ("◔", Color::Yellow),
        "probing" => ("◌", Color::Cyan),
        "dead" => ("✕", Color::Red),
        "disabled" => ("–", Color::DarkGray),
        _ => ("·", Color::DarkGray),
    };
    (mark, Style::new().fg(colour))
}

/// Formats the time left in the largest suitable unit.
fn time(left: SignedDuration) -> String {
    match left.as_secs() {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds => format!("{}h", seconds / 3600),
    }
}

/// A column in a list of requests: its header, its width, and the function that returns its text.
type Column = (&'static str, Constraint, fn(&Value) -> String);

const UNDER_WAY: &[Column] = &[
    ("phase", Constraint::Length(10), |request| text(&request["phase"])),
    ("for", Constraint::Length(8), |request| ms(&request["duration_ms"])),
    ("model", Constraint::Fill(2), |request| model(request)),
    ("client", Constraint::Fill(1), |request| text(&request["client"])),
    ("key", Constraint::Length(8), |request| text(&request["key"])),
    ("tries", Constraint::Length(5), |request| request["attempts"].to_string()),
    ("KiB", Constraint::Length(6), |request| (request["written"].as_u64().unwrap_or_default() / 1024).to_string()),
];

const OVER: &[Column] = &[
    ("at", Constraint::Length(8), |request| text(&request["at"]).get(11..19).unwrap_or_default().to_owned()),
    ("code", Constraint::Length(4), |request| request["status"].to_string()),
    ("model", Constraint::Fill(2), |request| model(request)),
    ("client", Constraint::Fill(1), |request| text(&request["client"])),
    ("first", Constraint::Length(7), |request| ms(&request["first_token_ms"])),
    ("took", Constraint::Length(7), |request| ms(&request["duration_ms"])),
    ("tries", Constraint::Length(5), |request| request["attempts"].to_string()),
    ("tokens", Constraint::Length(6), |request| {
        let count = |field: &str| request[field].as_u64().unwrap_or_default();
        (count("prompt_tokens") + count("completion_tokens")).to_string()
    }),
];

fn requests(about: &str, requests: &[&Value], columns: &'static [Column]) -> Table<'static> {
    let header = Drawn::new(columns.iter().map(|(name, ..)| *name)).style(Style::new().add_modifier(Modifier::DIM));
    let drawn: Vec<Drawn<'static>> = requests
        .iter()
        .map(|request| {
            let colour = match request["status"].as_u64().unwrap_or_default() {
                500.. => Color::Red,
                400.. => Color::Yellow,
                _ => Color::Reset,
            };
            Drawn::new(columns.iter().map(|(_, _, say)| say(request))).style(Style::new().fg(colour))
        })
        .collect();
    let widths = columns.iter().map(|(_, width, _)| *width);
    Table::new(drawn, widths).header(header).block(block(format!(" {about}: {} ", requests.len())))
}

fn block(about: String) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(about)
}

fn help(state: &State) -> Paragraph<'static> {
    let line = if state.typing {
        format!("filter: {}_   enter applies, esc clears", state.filter)
    } else {
        let filter = if state.filter.is_empty() { "off" } else { &state.filter };
        format!("q quit   s sort: {}   / filter: {filter}   ↑↓ scroll", state.sort.name())
    };
    Paragraph::new(line).style(Style::new().add_modifier(Modifier::REVERSED))
}

/// Returns the model that answered, followed by the requested name if it differs.
fn model(request: &Value) -> String {
    let (asked, model) = (text(&request["asked"]), text(&request["model"]));
    match model.as_str() {
        "" => asked,
        _ if asked == model => model,
        _ => format!("{model} ({asked})"),
    }
}

fn ms(value: &Value) -> String {
    match value.as_u64() {
        None => String::new(),
        Some(ms @ 0..10_000) => format!("{ms}ms"),
        Some(ms) => format!("{}s", ms / 1000),
    }
}

/// Removes control characters, so that text from clients cannot control the terminal.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().filter(|letter| !letter.is_control()).collect()
}
