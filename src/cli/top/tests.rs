use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

use super::feed::{FeedMessage, Frames};
use super::screen;
use super::state::{Action, Press, State};

const NOW: &str = "2026-11-23T12:00:00Z";

fn told() -> State {
    let mut state = State::new("http://127.0.0.1:8000".into(), String::new());
    let key = |name: &str, state: Value, models: Value| {
        let mut key =
            json!({ "id": "ab12cd34", "name": name, "models": models, "requests": 9, "failures": 2, "in_flight": 1 });
        key.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
        key
    };
    let ready = |requests: u64| json!({ "state": "ready", "today": { "requests": requests } });
    let resting = json!({ "state": "resting", "until": "2026-11-23T12:00:31Z", "today": { "requests": 3 } });
    let request = |number: u64, status: u64, model: &str| {
        json!({
            "number": number, "at": "2026-11-23T11:59:58.123Z", "phase": "done", "request_id": "r", "asked": "gpt-4o", "client": "team",
            "model": model, "key": "ab12cd34", "attempts": 2, "status": status, "duration_ms": 812, "first_token_ms": 204,
            "prompt_tokens": 10, "completion_tokens": 30, "written": 4096,
        })
    };
    let mut live = request(3, 0, "gemini-2.5-pro");
    live["phase"] = "streaming".into();
    let events = [
        ("hello", json!({ "version": "0.1.0", "now": NOW })),
        (
            "requests",
            json!({ "all": true, "under_way": 1, "live": [live], "over": [request(2, 503, "gemini-2.5-pro"), request(1, 200, "gemini-2.5-flash")] }),
        ),
        (
            "pools",
            json!({ "pools": { "default": { "keys": [
            key("one", json!({ "state": "ready" }), json!({ "gemini-2.5-pro": ready(7), "gemini-2.5-flash": resting })),
            key("two", json!({ "state": "dead" }), json!({})),
        ] } } }),
        ),
        ("metrics", json!({ "beats": [{ "answered": 4, "client_errors": 0, "server_errors": 1, "tokens": 100 }] })),
        ("config", json!({ "generation": 3, "hash": "abc123", "refused": null })),
    ];
    for (name, document) in events {
        assert!(!state.is_whole());
        state.take(FeedMessage::Event(name.into(), document), NOW.parse().unwrap());
    }
    assert!(state.is_whole());
    state
}

fn frame(state: &State, columns: u16, lines: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| screen::draw(frame, state, NOW.parse::<Timestamp>().unwrap())).unwrap();
    let cells = &terminal.backend().buffer().content;
    let rows = cells.chunks(usize::from(columns));
    rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n").collect()
}

/// Compares the whole 80×24 screen with the stored one.
#[test]
fn it_fits_a_small_terminal() {
    let shown = frame(&told(), 80, 24);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/top/80x24.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &shown).unwrap();
    }
    assert_eq!(shown, std::fs::read_to_string(file).unwrap_or_default());
}

#[test]
fn any_size_is_drawn() {
    let state = told();
    for (columns, lines) in [(1, 1), (20, 5), (40, 12), (300, 100)] {
        assert_eq!(frame(&state, columns, lines).lines().count(), usize::from(lines));
    }
    assert!(frame(&State::new(String::new(), String::new()), 80, 24).contains("0 of 0 can serve"));
}

#[test]
fn keys_sort_filter_and_end_it() {
    let mut state = told();
    let names = |state: &State| state.rows(NOW.parse().unwrap()).iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&state), ["one", "two"]);
    assert_eq!(state.press(Press::Letter('s')), Action::Stay);
    assert_eq!(names(&state), ["two", "one"], "the dead one first");
    state.press(Press::Letter('/'));
    "one".chars().for_each(|letter| assert_eq!(state.press(Press::Letter(letter)), Action::Stay));
    assert!(frame(&state, 80, 24).contains("filter: one_"));
    state.press(Press::Enter);
    assert_eq!(names(&state), ["one"]);
    state.press(Press::Letter('/'));
    state.press(Press::Escape);
    assert_eq!(names(&state).len(), 2);
    state.press(Press::Letter('/'));
    "503".chars().for_each(|letter| assert_eq!(state.press(Press::Letter(letter)), Action::Stay));
    assert_eq!((state.over().len(), state.live().len()), (1, 0));
    assert_eq!(state.press(Press::Interrupt), Action::Leave);
    assert_eq!(told().press(Press::Letter('q')), Action::Leave);
}

#[test]
fn what_is_new_comes_first_and_a_lost_server_is_told() {
    let mut state = told();
    let over = json!([{ "number": 9, "status": 200, "model": "gemini-9", "asked": "gemini-9" }]);
    let now = NOW.parse().unwrap();
    state.take(FeedMessage::Event("requests".into(), json!({ "all": false, "live": [], "over": over })), now);
    assert_eq!(state.over().iter().map(|request| request["number"].as_u64().unwrap()).collect::<Vec<_>>(), [9, 2, 1]);
    state.take(FeedMessage::Lost, now);
    assert!(frame(&state, 100, 24).contains("LOST"));
}

#[test]
fn nothing_a_client_wrote_moves_the_cursor() {
    let mut state = told();
    let over = json!([{ "number": 9, "status": 200, "model": "m", "asked": "m", "client": "\u{1b}[2Jevil" }]);
    state.take(
        FeedMessage::Event("requests".into(), json!({ "all": true, "live": [], "over": over })),
        NOW.parse().unwrap(),
    );
    assert!(frame(&state, 100, 24).contains("[2Jevil") && !frame(&state, 100, 24).contains('\u{1b}'));
}

#[test]
fn frames_are_found_wherever_bytes_are_cut() {
    let text = "event: a\ndata: {\"x\":\"é\"}\n\n: still here\n\nevent: b\ndata: 2\n\n";
    for cut in 0..text.len() {
        let mut frames = Frames::default();
        let (one, other) = text.as_bytes().split_at(cut);
        let events = [frames.take(one), frames.take(other)].concat();
        assert_eq!(events, [("a".to_owned(), json!({ "x": "é" })), ("b".to_owned(), json!(2))], "{cut}");
    }
}
