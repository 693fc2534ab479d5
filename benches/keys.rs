//! How long it takes to tell whose key was shown: the same for a right one, for one that is wrong from its first letter, and for one that
//! is wrong in its last only. Nothing can be learned of a key by trying others that begin like it.

use criterion::{Criterion, criterion_group, criterion_main};
use gemini_adapter::clients::{AuthSettings, Clients, RateLimitSettings};
use gemini_adapter::environment::{Environment, SecretRef};
use gemini_adapter::problem::Problems;

const RIGHT: &str = "client-key-of-this-benchmark-0123456789";

fn identify(criterion: &mut Criterion) {
    let mut problems = Problems::new();
    let keys = (0..100).map(|number| format!("client-key-number-{number:03}-0123456789")).chain([RIGHT.to_owned()]);
    let client_keys = keys.map(|key| SecretRef::parse(&key).into()).collect();
    let settings = AuthSettings { client_keys, ..AuthSettings::default() };
    let terms = (&settings, [].as_slice(), &RateLimitSettings::default());
    let clients = Clients::prepare(terms, &Environment::default(), true, &mut problems);
    assert!(clients.identify(RIGHT).is_some());
    let mut group = criterion.benchmark_group("identify");
    for (name, shown) in [
        ("right", RIGHT.to_owned()),
        ("wrong in the first letter", RIGHT.replacen('c', "x", 1)),
        ("wrong in the middle", RIGHT.replacen("this", "that", 1)),
        ("wrong in the last letter", format!("{}x", &RIGHT[..RIGHT.len() - 1])),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| clients.identify(std::hint::black_box(&shown))));
    }
    group.finish();
}

criterion_group!(benches, identify);
criterion_main!(benches);
