//! What the hot paths cost, each alone.
//!
//! `cargo bench --bench paths`

use criterion::{Criterion, criterion_group, criterion_main};

#[path = "../bench/cases.rs"]
mod cases;

fn paths(criterion: &mut Criterion) {
    for mut case in cases::all() {
        criterion.bench_function(case.name, |bencher| bencher.iter(&mut case.turn));
    }
}

criterion_group!(benches, paths);
criterion_main!(benches);
