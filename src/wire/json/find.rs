//! Finds one value in a document, and looks at nothing behind it.

use super::scan::{self, space};
use super::window::Window;

/// A step into a document.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// To the value of this member of an object; of several with one name, the first.
    Member(&'static str),
    /// To the first element of an array.
    First,
}

/// Returns the value at `path`, as it is written. None if there is none, if anything before its end is not JSON, or if
/// a name on the way is written with escapes.
pub fn find<'a>(text: &'a str, path: &[Step]) -> Option<&'a str> {
    let json = text.as_bytes();
    let mut window = Window::new();
    let mut at = space(json, 0);
    for step in path {
        at = match step {
            Step::Member(name) => member(json, &mut window, at, name)?,
            Step::First if json.get(at) == Some(&b'[') => space(json, at + 1),
            Step::First => return None,
        };
    }
    // The end of an empty array is no value either.
    text.get(at..scan::value(json, &mut window, at)?)
}

/// Returns the position of a member's value in the object that is here.
fn member(json: &[u8], window: &mut Window, mut at: usize, name: &str) -> Option<usize> {
    let mut before = b'{';
    while json.get(at) == Some(&before) {
        let (known, value) = scan::key(json, window, space(json, at + 1))?;
        if known == name.as_bytes() {
            return Some(value);
        }
        at = space(json, scan::value(json, window, value)?);
        before = b',';
    }
    None
}
