//! Golden folders are in `tests/golden`; here is what needs the inside.
