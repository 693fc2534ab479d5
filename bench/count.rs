//! Runs one of the hot paths a given number of times, under an instruction counter (`scripts/instructions`). Without a
//! name, lists the paths.

#![expect(clippy::print_stdout, reason = "its output is its result")]

mod cases;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (name, times) = (arguments.next(), arguments.next().and_then(|times| times.parse::<u32>().ok()).unwrap_or(1));
    for mut case in cases::all() {
        match name.as_deref() {
            None => println!("{}", case.name),
            Some(name) if name == case.name => (0..times).for_each(|_| (case.turn)()),
            Some(_) => {}
        }
    }
}
