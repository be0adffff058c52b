//! Whether something that no reader can read stands beside an order to decode it.

use std::ops::Range;

/// The rule whose matches count only beside something opaque.
pub const RULE: &str = "injection.encoded-order";

/// Is there, near `range` of `text`, a stretch that is no word of any language?
pub fn is_beside(text: &str, range: &Range<usize>) -> bool {
    let start = floor(text, range.start.saturating_sub(BEFORE));
    let end = floor(text, range.end.saturating_add(AFTER).min(text.len()));
    let near = text.get(start..end).unwrap_or_default();
    let parts = |letter: char| letter.is_whitespace() || !letter.is_ascii();
    near.split(parts).any(is_opaque) || is_row(near)
}

/// Bytes on both sides: what is to be decoded mostly follows.
const BEFORE: usize = 400;
const AFTER: usize = 600;

/// One stretch without white space that is no word, number, name or address.
fn is_opaque(stretch: &str) -> bool {
    let bare = stretch.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '=');
    if bare.len() < MIN_OPAQUE || bare.contains("://") {
        return false;
    }
    let (mut digits, mut lower, mut upper, mut other, mut turns) = (0, 0, 0, 0, 0);
    let mut last = bare.chars().next().unwrap_or_default();
    for letter in bare.chars() {
        match letter {
            '0'..='9' => digits += 1,
            'a'..='z' => lower += 1,
            'A'..='Z' => upper += 1,
            _ => other += 1,
        }
        turns += usize::from(sort(letter) != sort(last));
        last = letter;
    }
    let letters = lower + upper;
    let padded = bare.ends_with('=') && other <= 8;
    let all = digits + letters + other;
    // Letters and digits without order; capitals among small letters other than at beginnings.
    let mixed = other * 8 <= all && digits > 0 && letters > 0 && turns * 4 >= all;
    let cased = other * 8 <= all && lower > 0 && upper > 0 && turns * 20 >= all * 9;
    let hex = other == 0 && all >= 12 && digits > 0 && bare.chars().all(|c| c.is_ascii_hexdigit());
    let shouted = lower == 0 && other == 0 && upper >= 16;
    padded || mixed || cased || hex || shouted
}

fn sort(letter: char) -> u8 {
    match letter {
        '0'..='9' => 1,
        'a'..='z' => 2,
        'A'..='Z' => 3,
        _ => 4,
    }
}

/// Shorter ones are ids and versions.
const MIN_OPAQUE: usize = 8;

/// A row of short codes or signs: hex pairs, binary digits, Morse, Braille.
fn is_row(near: &str) -> bool {
    let mut row = 0;
    for word in near
        .split([' ', '\n', ',', '/', ':'])
        .filter(|word| !word.is_empty())
    {
        let code = word.len() <= 8
            && word
                .chars()
                .all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | '-' | 'x'))
            && !word.chars().all(|c| c.is_ascii_alphabetic());
        let cells = word
            .chars()
            .filter(|c| ('\u{2800}'..='\u{28ff}').contains(c))
            .count();
        row = if code { row + 1 } else { 0 };
        if row >= MIN_ROW || cells >= MIN_ROW {
            return true;
        }
    }
    false
}

const MIN_ROW: usize = 6;

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_stretches_are_opaque_and_words_are_not() {
        for text in [
            "QXJtb3VyZWQ=",
            "SWdub3JlIGFsbA",
            "476f6f64206461",
            "JVSXEY3FOIQGC3TEEBIGK4TDPEQ",
            "x7Qp2Lk9",
            "69 67 6e 6f 72 65 20",
            ".... . .-.. .-.. ---/ .--",
            "⠓⠊⠙⠙⠑⠝",
            "01101000 01101001 01100100 01100101 01101110 00100000",
        ] {
            assert!(is_beside(text, &(0..0)), "{text}");
        }
        for text in [
            "The quick brown fox, jumping.",
            "https://docs.example/a1b2c3d4e5f6",
            "readFileSync",
            "2024-11-29",
            "v1.22.333",
            "IMPORTANT",
            "user_name_field",
            "it's well-known/obvious",
            "- one - two - three",
            "Привет, как дела",
            "今天的天气很好",
            "1, 2, 3 and 4",
        ] {
            assert!(!is_beside(text, &(0..0)), "{text}");
        }
    }

    #[test]
    fn what_is_far_away_is_not_beside() {
        let text = format!("decode{} QXJtb3VyZWQ=", " and so on".repeat(100));
        assert!(!is_beside(&text, &(0..6)));
    }
}
