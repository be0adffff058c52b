//! Making text that a server or an agent wrote safe to print: one line, one direction, nothing
//! invisible. In JSON the same characters are written as the escapes that JSON has.
//!
//! Only shows what is there; it neither judges nor removes anything.

use std::fmt::Write as _;

/// `text` with every character that could move the cursor, hide or turn text shown as `⟨U+202E⟩`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if deceives(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// JSON text that means the same and holds none of these characters but the ends of its lines: a
/// terminal obeys what `serde_json` leaves as it is.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !unseen(c) {
            out.push(c);
            continue;
        }
        // They stand only inside of strings, where two halves of a pair are one character.
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// Escaped and cut to `max_chars`, with `…` where something is missing.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let mut out = escape(&text.chars().take(max_chars).collect::<String>());
    if text.chars().nth(max_chars).is_some() {
        out.push('…');
    }
    out
}

fn deceives(c: char) -> bool {
    // Our own bracket: otherwise text could pretend to have been escaped.
    unseen(c) || c == '⟨'
}

/// Sources: Unicode 17, general categories Cc and Cf, default-ignorable code points, UAX #9 for the
/// ones that change direction.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(escape(text), expected);
    }

    #[test]
    fn terminal_sequences_are_shown_instead_of_obeyed() {
        check("\u{1b}[2Jok", "⟨U+001B⟩[2Jok");
        check("\u{1b}]8;;http://x\u{7}", "⟨U+001B⟩]8;;http://x⟨U+0007⟩");
        check("\u{9b}31m", "⟨U+009B⟩31m");
        check("a\rb\u{8}", "a⟨U+000D⟩b⟨U+0008⟩");
    }

    #[test]
    fn one_value_stays_on_one_line() {
        check(
            "a\nb\u{2028}c\u{85}d\te",
            "a⟨U+000A⟩b⟨U+2028⟩c⟨U+0085⟩d⟨U+0009⟩e",
        );
    }

    #[test]
    fn direction_and_invisible_characters_are_shown() {
        check("exe.\u{202e}txt", "exe.⟨U+202E⟩txt");
        check(
            "a\u{200b}b\u{feff}c\u{e0041}",
            "a⟨U+200B⟩b⟨U+FEFF⟩c⟨U+E0041⟩",
        );
        check("\u{2066}x\u{2069}", "⟨U+2066⟩x⟨U+2069⟩");
    }

    #[test]
    fn an_escape_cannot_be_imitated() {
        check("⟨U+202E⟩", "⟨U+27E8⟩U+202E⟩");
    }

    #[test]
    fn ordinary_text_of_any_language_is_untouched() {
        for text in [
            "~/work/ärger.txt",
            "שלום",
            "مرحبا",
            "日本語",
            "naïve 🙂",
            "a ⇒ b",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn json_stays_what_it_was_and_a_terminal_obeys_none_of_it() {
        let value = serde_json::json!({
            "\u{9b}2J": "a\u{1b}]0;x\u{7f}\u{85}\u{202e}\u{feff}\u{e0041}\n",
            "plain": "ärger 日本 🙂 ⟨x⟩ \\u0041",
        });
        for text in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let shown = json(&text);
            assert!(!shown.chars().any(|c| c != '\n' && unseen(c)), "{shown}");
            assert!(shown.contains("ärger 日本 🙂 ⟨x⟩"), "{shown}");
            let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(read, value);
        }
        assert_eq!(json("\"\u{9b}\u{e0041}\""), r#""\u009b\udb40\udc41""#);
    }

    #[test]
    fn an_excerpt_says_that_something_is_missing() {
        assert_eq!(excerpt("abcdef", 3), "abc…");
        assert_eq!(excerpt("abc", 3), "abc");
        assert_eq!(excerpt("\u{1b}bc", 2), "⟨U+001B⟩b…");
    }
}
