//! Text that was encoded so that nobody reads it: base64, as UTF-8 or as PowerShell's UTF-16.

use crate::effort;

/// Shorter words hold no command.
const MIN_BYTES: usize = 12;

/// The text in a base64 word, if there is text in it.
pub fn decode(word: &str) -> Option<String> {
    if word.len() < MIN_BYTES {
        return None;
    }
    effort::spend(word.len());
    let mut bytes = Vec::with_capacity(word.len() / 4 * 3);
    let mut bits = 0_u32;
    let mut held = 0_u32;
    for c in word.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
        bits &= (1 << held) - 1;
    }
    let wide = bytes.iter().skip(1).step_by(2).all(|byte| *byte == 0);
    let text = if wide {
        let units = bytes.chunks_exact(2).map(|pair| {
            pair.iter()
                .rev()
                .fold(0, |unit, byte| unit << 8 | u16::from(*byte))
        });
        String::from_utf16(&units.collect::<Vec<u16>>()).ok()?
    } else {
        String::from_utf8(bytes).ok()?
    };
    let readable = |c: char| !c.is_control() || c.is_whitespace();
    text.chars().all(readable).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn text_comes_out_and_nothing_else() {
        for (word, text) in [
            ("bnB4IC15IGV2aWxAMS4wLjA=", Some("npx -y evil@1.0.0")),
            ("bnB4IC15IGV2aWxAMS4wLjA", Some("npx -y evil@1.0.0")),
            ("bgBwAHgAIABlAHYAaQBsAA==", Some("npx evil")),
            ("AAECAwQFBgcICQoL", None),
            ("not base64 at all", None),
            ("abc", None),
        ] {
            assert_eq!(decode(word).as_deref(), text, "{word}");
        }
    }
}
