//! The values of numbers that are short enough for plain arithmetic, as nearly all are.

/// The value of a float without exponent whose digits fit the precision of a float. One division of two exact numbers
/// then gives the nearest float, which is also what serde_json returns.
pub(super) fn short_float(number: &str) -> Option<f64> {
    let (digits, negative) = number.strip_prefix('-').map_or((number, false), |digits| (digits, true));
    let (whole, fraction) = digits.split_once('.')?;
    if digits.len() > 19 || fraction.contains(['e', 'E']) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let digits = small(whole)? * scale + small(fraction)?;
    if digits > 1 << f64::MANTISSA_DIGITS {
        return None;
    }
    let value = digits as f64 / scale as f64;
    Some(if negative { -value } else { value })
}

/// The value of at most 18 digits: these fit every type of integer.
#[inline]
pub(super) fn small(digits: &str) -> Option<u64> {
    if digits.len() > 18 {
        return None;
    }
    Some(digits.bytes().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}
