//! Characters that a reader never sees: what to drop, and what to read because text hides in it.

/// Drawn as nothing and changing nothing that is drawn elsewhere in the word.
///
/// Source: Unicode `Default_Ignorable_Code_Point` without the Hangul fillers' letters role, plus
/// the format controls of category Cf that are not visible signs.
pub(super) fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0100}'..='\u{e01ef}')
        || is_tag_control(letter)
}

/// Text that hides at the start of `text`: how many bytes carry it, and what it says.
pub(super) fn read(text: &str) -> Option<(usize, String)> {
    let first = text.chars().next()?;
    if let Some(ascii) = tag(first) {
        return Some((first.len_utf8(), ascii.to_string()));
    }
    selector_byte(first)?;
    selectors(text)
}

/// Unicode tag characters mirror ASCII at U+E0000. Emoji flags use a handful of them; models read
/// all of them.
fn tag(letter: char) -> Option<char> {
    match letter {
        '\u{e0020}'..='\u{e007e}' => char::from_u32(u32::from(letter) - 0xe0000),
        _ => None,
    }
}

fn is_tag_control(letter: char) -> bool {
    matches!(letter, '\u{e0000}'..='\u{e001f}' | '\u{e007f}')
}

pub(super) fn is_selector(letter: char) -> bool {
    selector_byte(letter).is_some()
}

/// The byte that a variation selector stands for when a run of them carries data: the first 16
/// selectors are 0–15, the supplement goes on from 16.
fn selector_byte(letter: char) -> Option<u8> {
    let offset = match letter {
        '\u{fe00}'..='\u{fe0f}' => u32::from(letter) - 0xfe00,
        '\u{e0100}'..='\u{e01ef}' => u32::from(letter) - 0xe0100 + 16,
        _ => return None,
    };
    u8::try_from(offset).ok()
}

/// A run of selectors that spells text. Real text has at most one after a character.
fn selectors(text: &str) -> Option<(usize, String)> {
    const MIN_RUN: usize = 4;
    let mut length = 0;
    let mut bytes = Vec::new();
    for letter in text.chars() {
        let Some(byte) = selector_byte(letter) else {
            break;
        };
        bytes.push(byte);
        length += letter.len_utf8();
    }
    let said = String::from_utf8(bytes).ok()?;
    let readable = said
        .chars()
        .all(|letter| !letter.is_control() || letter.is_whitespace());
    (readable && said.len() >= MIN_RUN).then_some((length, said))
}
