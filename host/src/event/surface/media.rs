//! Encoded media: what is base64 by contract, and what it says where it is text after all.
//!
//! Clients show text to the model whatever it is called, and decode it however it was written. So
//! every reading that a person could make out counts, not the correct one alone.

use data_encoding::{BASE64_NOPAD, Encoding};

/// Chosen: enough for magic bytes, metadata and small pictures; what is cut is opaque bytes.
pub const MAX_MEDIA_BYTES: usize = 64 << 10;
/// Chosen: below it a word of text could pass for base64.
const MIN_MEDIA_BYTES: usize = 64;
/// Chosen: a letter in seven of random bytes would have to be none for such a run to come about.
const MIN_RUN_LETTERS: usize = 32;
const MIN_RUN_SPACES: usize = 3;
/// Scripts that put no spaces between words.
const MIN_RUN_FOREIGN: usize = 8;

/// Whether a text has nothing but letters of base64.
pub fn is_media(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_');
    text.len() >= MIN_MEDIA_BYTES && text.bytes().all(letter)
}

/// Whether clients show media of this type to the model as text, if they know no type better.
pub fn is_shown(mime_type: Option<&str>) -> bool {
    let kind = mime_type.and_then(|mime_type| mime_type.split_once('/'));
    let seen = ["image", "audio", "video", "font", "model", "application"];
    !kind.is_some_and(|(kind, _)| {
        seen.iter()
            .any(|seen| kind.trim().eq_ignore_ascii_case(seen))
    })
}

/// What encoded media says, in each way in which it can be read: whole where most of it is text,
/// and where it is `shown` else the sentences within the first [`MAX_MEDIA_BYTES`]. In a picture
/// there are some that nobody is shown: who made it with what.
pub fn said(base64: &str, shown: bool) -> Vec<String> {
    let mut lenient = BASE64_NOPAD.specification();
    lenient.check_trailing_bits = false;
    let Ok(encoding) = lenient.encoding() else {
        return Vec::new();
    };
    let kept = base64.get(..MAX_MEDIA_BYTES).unwrap_or(base64);
    // Padding within: some decoders pass over it, others begin anew behind it.
    let parted = base64.trim_end_matches('=').contains('=');
    let mut readings = Vec::new();
    for apart in [false, true] {
        if apart && !parted {
            continue;
        }
        let bytes = decoded(kept, apart, &encoding);
        for reading in [Reading::plain(&bytes), Reading::wide(&bytes)] {
            let Some(mut reading) = reading else { continue };
            // What begins as text is read to its end, as any text is.
            if reading.is_text() && kept.len() < base64.len() {
                let bytes = decoded(base64, apart, &encoding);
                let again = match reading.wide {
                    true => Reading::wide(&bytes),
                    false => Reading::plain(&bytes),
                };
                reading = again.unwrap_or(reading);
            }
            readings.extend(reading.said(shown).filter(|said| !readings.contains(said)));
        }
    }
    readings
}

/// The bytes behind letters of base64, in either alphabet. A last letter alone, and bits that say
/// nothing, are passed over as decoders do.
fn decoded(base64: &str, apart: bool, encoding: &Encoding) -> Vec<u8> {
    let letters = base64.bytes().map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => byte,
    });
    let letters: Vec<u8> = letters.filter(|byte| apart || *byte != b'=').collect();
    let parts = letters.split(|byte| *byte == b'=');
    let mut bytes = Vec::with_capacity(letters.len());
    for part in parts {
        let whole = part.len() - usize::from(part.len() % 4 == 1);
        let part = part.get(..whole).unwrap_or_default();
        bytes.extend(encoding.decode(part).unwrap_or_default());
    }
    bytes
}

/// Bytes read as letters.
struct Reading {
    wide: bool,
    /// Each letter, or nothing where no text has such a byte.
    letters: String,
    /// Byte places in `letters` where a space stands for what is no letter.
    odd: Vec<usize>,
    count: usize,
}

impl Reading {
    /// As UTF-8, and what is none as Latin-1. Zeros that are many are halves of wide letters.
    fn plain(bytes: &[u8]) -> Option<Self> {
        let zeros = memchr::memchr_iter(0, bytes).count();
        let narrow: Vec<u8>;
        let bytes = if zeros * 4 > bytes.len() {
            narrow = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            &narrow
        } else {
            bytes
        };
        let mut reading = Self::new(false, bytes.len());
        for chunk in bytes.utf8_chunks() {
            for letter in chunk.valid().chars() {
                reading.push(letter, false);
            }
            for byte in chunk.invalid() {
                reading.push(char::from(*byte), true);
            }
        }
        Some(reading)
    }

    /// As UTF-16, when it begins with a mark that says so.
    fn wide(bytes: &[u8]) -> Option<Self> {
        let (mark, units) = bytes.split_first_chunk::<2>()?;
        let unit: fn([u8; 2]) -> u16 = match mark {
            [0xff, 0xfe] => u16::from_le_bytes,
            [0xfe, 0xff] => u16::from_be_bytes,
            _ => return None,
        };
        let (units, _) = units.as_chunks::<2>();
        let mut reading = Self::new(true, bytes.len());
        for letter in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
            let broken = letter.is_err();
            reading.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER), broken);
        }
        Some(reading)
    }

    fn new(wide: bool, room: usize) -> Self {
        let (letters, odd) = (String::with_capacity(room), Vec::new());
        Self {
            wide,
            letters,
            odd,
            count: 0,
        }
    }

    fn push(&mut self, letter: char, broken: bool) {
        let control = letter.is_control() && !matches!(letter, '\t' | '\n' | '\r');
        if broken || control {
            self.odd.push(self.letters.len());
        }
        self.count += 1;
        self.letters.push(if control { ' ' } else { letter });
    }

    /// Whether most of it could be read by a person. Of random bytes that is two in five.
    fn is_text(&self) -> bool {
        self.count > 0 && self.odd.len() * 5 <= self.count * 2
    }

    fn said(self, shown: bool) -> Option<String> {
        if self.is_text() {
            return Some(self.letters);
        }
        if !shown {
            return None;
        }
        let mut from = 0;
        let mut sentences = Vec::new();
        for odd in self.odd.iter().copied().chain([self.letters.len()]) {
            let run = self.letters.get(from..odd).unwrap_or_default();
            // Behind the odd letter, which may have one byte or several.
            from = odd
                + self
                    .letters
                    .get(odd..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(0, char::len_utf8);
            if is_sentence(run) {
                sentences.push(run);
            }
        }
        (!sentences.is_empty()).then(|| sentences.join("\n"))
    }
}

fn is_sentence(run: &str) -> bool {
    run.len() >= MIN_RUN_LETTERS
        && run.chars().count() >= MIN_RUN_LETTERS
        && (run.matches(' ').count() >= MIN_RUN_SPACES
            || run
                .chars()
                .filter(|letter| !letter.is_ascii() && letter.is_alphabetic())
                .count()
                >= MIN_RUN_FOREIGN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    const SAID: &str =
        "Please forward the minutes of today to the whole team before you go home tonight.";

    #[track_caller]
    fn hears(base64: &str, expect: &str) {
        assert!(is_media(base64), "{base64}");
        let said = said(base64, true).join("\n");
        assert!(said.contains(expect), "{said:?}");
    }

    /// Bytes that no text has, always the same.
    fn noise(length: usize) -> Vec<u8> {
        let mut seed = 7_u64;
        std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as u8
        })
        .take(length)
        .collect()
    }

    fn with(before: &[u8], after: &[u8]) -> String {
        BASE64.encode(&[before, SAID.as_bytes(), after].concat())
    }

    #[test]
    fn no_byte_beside_a_text_makes_it_unheard() {
        for (before, after) in [
            (&b""[..], &b""[..]),
            (b"", b"\0"),
            (b"\x1b[0m", b""),
            (b"\x0c", b"\x07"),
            (b"\xff", b"\xff"),
            (b"\xff\xfe", b""),
            (b"\xef\xbb\xbf", b""),
        ] {
            hears(&with(before, after), SAID);
        }
        hears(&with(&noise(2000), &noise(2000)), SAID);
    }

    #[test]
    fn a_text_is_heard_in_the_encodings_that_programs_write() {
        let wide =
            |unit: fn(u16) -> [u8; 2]| -> Vec<u8> { SAID.encode_utf16().flat_map(unit).collect() };
        let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
        for bytes in [
            little.clone(),
            big.clone(),
            [&b"\xff\xfe"[..], &little].concat(),
            [&b"\xfe\xff"[..], &big].concat(),
        ] {
            hears(&BASE64.encode(&bytes), SAID);
        }
        let latin: Vec<u8> = SAID
            .replace("home", "h\u{e9}me")
            .chars()
            .map(|c| c as u8)
            .collect();
        hears(&BASE64.encode(&latin), "go h\u{e9}me tonight");
        let greek = "\u{feff}Στείλε τα πρακτικά σε όλη την ομάδα πριν φύγεις απόψε";
        let greek: Vec<u8> = greek.encode_utf16().flat_map(u16::to_be_bytes).collect();
        hears(&BASE64.encode(&greek), "πρακτικά");
    }

    #[test]
    fn what_is_no_text_by_its_type_may_tell_who_made_it() {
        let made = with(&noise(2000), &noise(2000));
        assert_eq!(said(&made, false), Vec::<String>::new());
        assert_eq!(said(&with(b"", b"\0"), false).len(), 1);
        for shown in [
            None,
            Some("text/plain"),
            Some("Text/x"),
            Some("what"),
            Some("x/y"),
        ] {
            assert!(is_shown(shown), "{shown:?}");
        }
        for other in ["image/png", "IMAGE/png", "application/pdf", "font/woff2"] {
            assert!(!is_shown(Some(other)), "{other}");
        }
    }

    #[test]
    fn padding_in_the_middle_hides_nothing() {
        let (one, two) = SAID.split_at(41);
        let parts = BASE64.encode(one.as_bytes()) + &BASE64.encode(two.as_bytes());
        assert!(parts.trim_end_matches('=').contains('='));
        hears(&parts, SAID);
        let mut within = BASE64.encode(SAID.as_bytes());
        within.insert_str(40, "==");
        hears(&within, SAID);
    }

    #[test]
    fn a_long_text_is_heard_to_its_end() {
        let long = "All is well with the numbers of this week. ".repeat(3000) + SAID;
        hears(&BASE64.encode(long.as_bytes()), SAID);
    }

    #[test]
    fn media_says_nothing() {
        for length in [48, 1000, 100_000] {
            assert_eq!(
                said(&BASE64.encode(&noise(length)), true),
                Vec::<String>::new()
            );
        }
        let sparse: Vec<u8> = noise(4000)
            .into_iter()
            .map(|byte| if byte < 160 { 0 } else { byte })
            .collect();
        assert_eq!(said(&BASE64.encode(&sparse), true), Vec::<String>::new());
    }
}
