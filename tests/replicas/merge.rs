//! The script that merges breaker states in Redis follows the rules of `Breaker::merge`: the newer epoch wins, within one
//! epoch the stricter state wins, and a cooldown is never shortened except by a newer epoch without one.

use redis::Script;
use serde_json::Value;

use crate::redis::Redis;

const SCRIPT: &str = include_str!("../../src/store/redis/stand.lua");

/// Epoch, remaining cooldown in seconds, and whether the key is dead.
type State = (u64, u64, bool);

const fn rest(epoch: u64, seconds: u64) -> State {
    (epoch, seconds, false)
}

const fn dead(epoch: u64) -> State {
    (epoch, 0, true)
}

/// The state after both have been reported, in this order, for a scope of this name.
async fn merged(connection: &mut redis::aio::MultiplexedConnection, scope: &str, states: [State; 2]) -> State {
    let script = Script::new(SCRIPT);
    let mut known = Value::Null;
    for (epoch, seconds, dead) in states {
        let mut call = script.prepare_invoke();
        call.key("states").key("changes").key("version");
        call.arg(scope).arg("node").arg(epoch).arg(1).arg(seconds * 1000).arg(u8::from(dead)).arg(0);
        call.arg("quota").arg("").arg("channel").arg(60_000);
        let line: String = call.invoke_async(connection).await.unwrap();
        known = serde_json::from_str(&line).unwrap();
    }
    // What is left is in milliseconds, and a few have passed.
    let seconds = known["r"].as_f64().unwrap() / 1000.0;
    (known["e"].as_u64().unwrap(), seconds.ceil() as u64, known["d"].as_bool().unwrap())
}

#[tokio::test]
async fn redis_merges_as_the_ledger_does() {
    let dir = tempfile::tempdir().unwrap();
    let server = Redis::start(dir.path(), "one");
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let table = [
        (rest(2, 100), rest(1, 200), rest(2, 200)),
        (rest(2, 200), rest(1, 100), rest(2, 200)),
        (rest(2, 100), dead(1), rest(2, 100)),
        (rest(2, 0), rest(1, 100), rest(2, 0)),
        (dead(2), rest(1, 100), dead(2)),
        (rest(2, 100), rest(2, 200), rest(2, 200)),
        (rest(2, 200), rest(2, 100), rest(2, 200)),
        (rest(2, 0), rest(2, 100), rest(2, 100)),
        (rest(1, 200), rest(2, 100), rest(2, 200)),
        (rest(1, 100), rest(2, 200), rest(2, 200)),
        (rest(1, 100), rest(2, 0), rest(2, 0)),
        (dead(1), rest(2, 100), rest(2, 100)),
        (dead(1), rest(2, 0), rest(2, 0)),
        (rest(1, 100), dead(2), dead(2)),
    ];
    for (number, (ours, theirs, expected)) in table.into_iter().enumerate() {
        let known = merged(&mut connection, &format!("key{number}"), [ours, theirs]).await;
        assert_eq!(known, expected, "{ours:?} and {theirs:?}");
    }
}
