//! Maps OpenAI's sizes in pixels to Gemini's aspect ratios and image sizes.

/// Aspect ratios that all Gemini models accept (ai.google.dev/gemini-api/docs/image-generation, November 2026).
const RATIOS: &[(u32, u32)] = &[(1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9)];
/// Additional ratios that only newer models accept.
const EXTREME: &[(u32, u32)] = &[(1, 4), (4, 1), (1, 8), (8, 1)];
/// Ratios that Imagen accepts.
const IMAGEN: &[(u32, u32)] = &[(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)];

/// The set of ratios a model accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The ratios of all Gemini models.
    Gemini,
    /// The ratios of newer Gemini models.
    Newer,
    /// The ratios of Imagen.
    Imagen,
}

/// A requested size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// Parses a size such as `1024x1536`.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = text.split_once(['x', 'X'])?;
        let side = |text: &str| text.trim().parse().ok().filter(|side| (1..=16_384).contains(side));
        Some(Self { width: side(width)?, height: side(height)? })
    }

    /// Returns the nearest ratio, and whether it matches exactly.
    pub fn ratio(self, choice: Choice) -> (String, bool) {
        let asked = f64::from(self.width) / f64::from(self.height);
        let distance = |(width, height): (u32, u32)| (asked.ln() - (f64::from(width) / f64::from(height)).ln()).abs();
        let all = match choice {
            Choice::Imagen => IMAGEN.to_vec(),
            Choice::Gemini => RATIOS.to_vec(),
            Choice::Newer => [RATIOS, EXTREME].concat(),
        };
        let nearest = all.into_iter().min_by(|one, other| distance(*one).total_cmp(&distance(*other)));
        let (width, height) = nearest.unwrap_or((1, 1));
        (format!("{width}:{height}"), self.width * height == self.height * width)
    }

    /// Returns the image size for the longer side; None for the size that models use by default.
    pub fn step(self) -> Option<&'static str> {
        match self.width.max(self.height) {
            ..=512 => Some("512"),
            513..=1536 => None,
            1537..=2048 => Some("2K"),
            _ => Some("4K"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_openai() {
        for (text, choice, ratio, exact, step) in [
            ("1024x1024", Choice::Gemini, "1:1", true, None),
            ("256x256", Choice::Gemini, "1:1", true, Some("512")),
            ("1536x1024", Choice::Gemini, "3:2", true, None),
            ("1024x1536", Choice::Imagen, "3:4", false, None),
            ("1792x1024", Choice::Gemini, "16:9", false, Some("2K")),
            ("1024x1792", Choice::Imagen, "9:16", false, Some("2K")),
            ("4096x2304", Choice::Gemini, "16:9", true, Some("4K")),
            ("4000x1000", Choice::Gemini, "21:9", false, Some("4K")),
            ("4000x1000", Choice::Newer, "4:1", true, Some("4K")),
        ] {
            let size = Size::parse(text).unwrap();
            assert_eq!(size.ratio(choice), (ratio.to_owned(), exact), "{text}");
            assert_eq!(size.step(), step, "{text}");
        }
        for text in ["", "auto", "1024", "0x1", "-1x1", "99999x1", "1x", "axb"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
