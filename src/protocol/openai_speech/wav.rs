//! WAV files: 16-bit samples after a header. Google's older voices send bare samples, newer ones send a file.

/// Audio samples and their sample rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// 16 bits each, little-endian, one channel.
    pub samples: Vec<u8>,
    /// The number of samples per second.
    pub rate: u32,
}

/// The sample rate when none is specified.
pub const RATE: u32 = 24_000;

/// Reads what Google sent: a file, or samples whose media type states the sample rate
/// (`audio/L16;codec=pcm;rate=24000`). Returns None for any other format.
pub fn read(mime: &str, data: Vec<u8>) -> Option<Sound> {
    if data.starts_with(b"RIFF") {
        return unwrapped(&data);
    }
    let mut fields = mime.split(';').map(str::trim);
    let raw =
        fields.next().is_some_and(|kind| ["audio/l16", "audio/pcm"].contains(&kind.to_ascii_lowercase().as_str()));
    let rate = fields.find_map(|field| field.strip_prefix("rate=")?.parse().ok()).unwrap_or(RATE);
    raw.then_some(Sound { samples: data, rate })
}

/// Extracts the samples of a file. A length beyond the end of the file, which streams have, means up to the end.
fn unwrapped(file: &[u8]) -> Option<Sound> {
    let number = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
    let mut rate = None;
    let mut at = 12;
    loop {
        let (name, length) = (file.get(at..at + 4)?, usize::try_from(number(at + 4)?).ok()?);
        let begin = at + 8;
        match name {
            b"fmt " => {
                let (format, channels) = (number(begin)? & 0xffff, number(begin)? >> 16);
                let bits = number(begin + 12)? >> 16;
                // Google's voices use no other format.
                if (format, channels, bits) != (1, 1, 16) {
                    return None;
                }
                rate = number(begin + 4);
            }
            b"data" => {
                let end = begin.saturating_add(length).min(file.len());
                return Some(Sound { samples: file.get(begin..end)?.to_vec(), rate: rate? });
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        at = begin.checked_add(length)?.checked_add(length % 2)?;
    }
}

/// Returns the 44-byte header for samples of this length in bytes. With None, the length is not known yet, and readers
/// read to the end.
pub fn header(length: Option<usize>, rate: u32) -> Vec<u8> {
    let length = length.and_then(|length| u32::try_from(length).ok()).filter(|length| *length < u32::MAX - 36);
    let mut header = b"RIFF".to_vec();
    header.extend_from_slice(&length.map_or(u32::MAX, |length| length + 36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend_from_slice(&rate.to_le_bytes());
    header.extend_from_slice(&rate.saturating_mul(2).to_le_bytes());
    header.extend_from_slice(b"\x02\0\x10\0data");
    header.extend_from_slice(&length.unwrap_or(u32::MAX).to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(samples: &[u8], rate: u32) -> Option<Sound> {
        Some(Sound { samples: samples.to_vec(), rate })
    }

    #[test]
    fn samples_alone() {
        assert_eq!(read("audio/L16;codec=pcm;rate=24000", vec![1, 2]), sound(&[1, 2], 24_000));
        assert_eq!(read("audio/l16; rate=16000", vec![1, 2]), sound(&[1, 2], 16_000));
        assert_eq!(read("audio/pcm", vec![]), sound(&[], RATE));
        assert_eq!(read("audio/mpeg", vec![1, 2]), None);
    }

    #[test]
    fn what_is_wrapped_unwraps() {
        let samples = [1, 2, 3, 4];
        for length in [Some(4), None] {
            let mut file = header(length, 8000);
            assert_eq!(file.len(), 44);
            file.extend_from_slice(&samples);
            assert_eq!(read("audio/wav", file), sound(&samples, 8000), "{length:?}");
        }
        // Other chunks may precede and follow the samples.
        let mut file = header(Some(4), 8000);
        file.splice(36..36, *b"LIST\x03\0\0\0abc\0");
        file.extend_from_slice(&samples);
        file.extend_from_slice(b"LIST\0\0\0\0");
        assert_eq!(read("audio/wav", file), sound(&samples, 8000));
    }

    #[test]
    fn no_file_is_none() {
        let good = header(Some(4), 8000);
        for length in [4, 12, 20, 36, 43] {
            assert_eq!(read("audio/wav", good[..length].to_vec()), None, "{length}");
        }
        let mut stereo = header(Some(4), 8000);
        stereo[22] = 2;
        assert_eq!(read("audio/wav", stereo), None);
        let mut endless = header(Some(4), 8000);
        endless[16..20].copy_from_slice(&[0xff; 4]);
        assert_eq!(read("audio/wav", endless), None);
    }
}
