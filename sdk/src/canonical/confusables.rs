//! Letters of other alphabets that a reader takes for Latin ones, and the few the other way round.
//!
//! Facts only; when to fold is decided beside this file. Source: Unicode TR39 confusables, cut down
//! to single letters, plus the upright forms that homoglyph generators use (в for b, н for h).

use Likeness::{Always, Loose, Twin};

/// How much a letter looks like its Latin counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// A styled form of the Latin letter itself: small capitals, negative circles and squares.
    Always,
    /// The same glyph in common fonts.
    Twin,
    /// Only read as the Latin letter inside a Latin word.
    Loose,
}

/// The Latin letter that `letter` is taken for.
pub(super) fn latin(letter: char) -> Option<(char, Likeness)> {
    if letter.is_ascii() {
        return None;
    }
    // Negative circled and negative squared capitals; Unicode gives them no decomposition.
    for first in [0x1f150_u32, 0x1f170] {
        if let Some(index) = u32::from(letter)
            .checked_sub(first)
            .filter(|index| *index < 26)
        {
            let capital = char::from_u32(u32::from('A') + index)?;
            return Some((capital, Always));
        }
    }
    let at = TABLE.binary_search_by_key(&letter, |entry| entry.0).ok()?;
    TABLE.get(at).map(|&(_, latin, likeness)| (latin, likeness))
}

/// The Cyrillic letter that a Latin one is taken for inside a Cyrillic word.
pub(super) fn cyrillic(letter: char) -> Option<char> {
    Some(match letter {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'i' => 'і',
        'o' => 'о',
        'p' => 'р',
        'x' => 'х',
        'y' => 'у',
        'A' => 'А',
        'B' => 'В',
        'C' => 'С',
        'E' => 'Е',
        'H' => 'Н',
        'I' => 'І',
        'K' => 'К',
        'M' => 'М',
        'O' => 'О',
        'P' => 'Р',
        'T' => 'Т',
        'X' => 'Х',
        'Y' => 'У',
        _ => return None,
    })
}

/// Sorted by the first column.
#[rustfmt::skip]
const TABLE: &[(char, char, Likeness)] = &[
    ('\u{0138}', 'k', Loose), ('\u{0184}', 'b', Loose), ('\u{0251}', 'a', Twin), ('\u{0261}', 'g', Twin),
    ('\u{0262}', 'g', Always), ('\u{0269}', 'i', Twin), ('\u{026a}', 'i', Always), ('\u{026d}', 'l', Loose),
    ('\u{0274}', 'n', Always), ('\u{0280}', 'r', Always), ('\u{028f}', 'y', Always), ('\u{0290}', 'z', Loose),
    ('\u{0299}', 'b', Always), ('\u{029c}', 'h', Always), ('\u{029d}', 'j', Loose), ('\u{029f}', 'l', Always),
    ('\u{037f}', 'J', Twin), ('\u{0391}', 'A', Twin), ('\u{0392}', 'B', Twin), ('\u{0395}', 'E', Twin),
    ('\u{0396}', 'Z', Twin), ('\u{0397}', 'H', Twin), ('\u{0399}', 'I', Twin), ('\u{039a}', 'K', Twin),
    ('\u{039c}', 'M', Twin), ('\u{039d}', 'N', Twin), ('\u{039f}', 'O', Twin), ('\u{03a1}', 'P', Twin),
    ('\u{03a4}', 'T', Twin), ('\u{03a5}', 'Y', Twin), ('\u{03a7}', 'X', Twin), ('\u{03b1}', 'a', Loose),
    ('\u{03b2}', 'b', Loose), ('\u{03b3}', 'y', Loose), ('\u{03b5}', 'e', Loose), ('\u{03b7}', 'n', Loose),
    ('\u{03b9}', 'i', Loose), ('\u{03ba}', 'k', Loose), ('\u{03bd}', 'v', Twin), ('\u{03bf}', 'o', Twin),
    ('\u{03c1}', 'p', Loose), ('\u{03c3}', 'o', Loose), ('\u{03c4}', 't', Loose), ('\u{03c5}', 'u', Loose),
    ('\u{03c7}', 'x', Loose), ('\u{03c9}', 'w', Loose), ('\u{03dc}', 'F', Twin), ('\u{03f3}', 'j', Twin),
    ('\u{03fa}', 'M', Twin), ('\u{0405}', 'S', Twin), ('\u{0406}', 'I', Twin), ('\u{0408}', 'J', Twin),
    ('\u{0410}', 'A', Twin), ('\u{0412}', 'B', Twin), ('\u{0415}', 'E', Twin), ('\u{041a}', 'K', Twin),
    ('\u{041c}', 'M', Twin), ('\u{041d}', 'H', Twin), ('\u{041e}', 'O', Twin), ('\u{0420}', 'P', Twin),
    ('\u{0421}', 'C', Twin), ('\u{0422}', 'T', Twin), ('\u{0423}', 'Y', Twin), ('\u{0425}', 'X', Twin),
    ('\u{042c}', 'b', Loose), ('\u{0430}', 'a', Twin), ('\u{0432}', 'b', Loose), ('\u{0433}', 'r', Loose),
    ('\u{0435}', 'e', Twin), ('\u{043a}', 'k', Loose), ('\u{043c}', 'm', Loose), ('\u{043d}', 'h', Loose),
    ('\u{043e}', 'o', Twin), ('\u{043f}', 'n', Loose), ('\u{0440}', 'p', Twin), ('\u{0441}', 'c', Twin),
    ('\u{0442}', 't', Loose), ('\u{0443}', 'y', Twin), ('\u{0445}', 'x', Twin), ('\u{0446}', 'u', Loose),
    ('\u{0448}', 'w', Loose), ('\u{0449}', 'w', Loose), ('\u{044c}', 'b', Loose), ('\u{0454}', 'e', Loose),
    ('\u{0455}', 's', Twin), ('\u{0456}', 'i', Twin), ('\u{0458}', 'j', Twin), ('\u{0474}', 'V', Twin),
    ('\u{0475}', 'v', Twin), ('\u{048f}', 'p', Loose), ('\u{04ae}', 'Y', Twin), ('\u{04af}', 'y', Twin),
    ('\u{04b3}', 'x', Loose), ('\u{04bb}', 'h', Twin), ('\u{04bd}', 'e', Twin), ('\u{04bf}', 'e', Loose),
    ('\u{04c0}', 'I', Twin), ('\u{04ce}', 'm', Loose), ('\u{04cf}', 'l', Twin), ('\u{0501}', 'd', Twin),
    ('\u{050c}', 'G', Twin), ('\u{051a}', 'Q', Twin), ('\u{051b}', 'q', Twin), ('\u{051c}', 'W', Twin),
    ('\u{051d}', 'w', Twin), ('\u{054d}', 'U', Twin), ('\u{054f}', 'S', Twin), ('\u{0555}', 'O', Twin),
    ('\u{0561}', 'w', Loose), ('\u{0566}', 'q', Twin), ('\u{0570}', 'h', Twin), ('\u{0575}', 'j', Twin),
    ('\u{0578}', 'n', Twin), ('\u{057c}', 'n', Twin), ('\u{057d}', 'u', Twin), ('\u{0581}', 'g', Twin),
    ('\u{0584}', 'p', Loose), ('\u{0585}', 'o', Twin), ('\u{10e7}', 'y', Twin), ('\u{10e9}', 'h', Loose),
    ('\u{13a0}', 'D', Twin), ('\u{13a1}', 'R', Twin), ('\u{13a2}', 'T', Twin), ('\u{13aa}', 'A', Twin),
    ('\u{13ab}', 'J', Twin), ('\u{13ac}', 'E', Twin), ('\u{13b3}', 'W', Twin), ('\u{13b7}', 'M', Twin),
    ('\u{13bb}', 'H', Twin), ('\u{13c0}', 'G', Twin), ('\u{13c3}', 'Z', Twin), ('\u{13d2}', 'R', Twin),
    ('\u{13d9}', 'V', Twin), ('\u{13da}', 'S', Twin), ('\u{13de}', 'L', Twin), ('\u{13df}', 'C', Twin),
    ('\u{13e2}', 'P', Twin), ('\u{13e6}', 'K', Twin), ('\u{13f4}', 'B', Twin), ('\u{15b4}', 'F', Twin),
    ('\u{15de}', 'D', Twin), ('\u{1d00}', 'a', Always), ('\u{1d04}', 'c', Always), ('\u{1d05}', 'd', Always),
    ('\u{1d07}', 'e', Always), ('\u{1d0a}', 'j', Always), ('\u{1d0b}', 'k', Always), ('\u{1d0d}', 'm', Always),
    ('\u{1d0f}', 'o', Always), ('\u{1d18}', 'p', Always), ('\u{1d1b}', 't', Always), ('\u{1d1c}', 'u', Always),
    ('\u{1d20}', 'v', Always), ('\u{1d21}', 'w', Always), ('\u{1d22}', 'z', Always), ('\u{1d26}', 'r', Loose),
    ('\u{2c9e}', 'O', Twin), ('\u{2c9f}', 'o', Twin), ('\u{2cd0}', 'L', Twin), ('\u{a4d0}', 'B', Twin),
    ('\u{a4d1}', 'P', Twin), ('\u{a4d3}', 'D', Twin), ('\u{a4d4}', 'T', Twin), ('\u{a4d6}', 'G', Twin),
    ('\u{a4d7}', 'K', Twin), ('\u{a4d9}', 'J', Twin), ('\u{a4da}', 'C', Twin), ('\u{a4dc}', 'Z', Twin),
    ('\u{a4dd}', 'F', Twin), ('\u{a4df}', 'M', Twin), ('\u{a4e0}', 'N', Twin), ('\u{a4e1}', 'L', Twin),
    ('\u{a4e2}', 'S', Twin), ('\u{a4e3}', 'R', Twin), ('\u{a4e6}', 'V', Twin), ('\u{a4e7}', 'H', Twin),
    ('\u{a4ea}', 'W', Twin), ('\u{a4eb}', 'X', Twin), ('\u{a4ec}', 'Y', Twin), ('\u{a4ee}', 'A', Twin),
    ('\u{a4f0}', 'E', Twin), ('\u{a4f2}', 'I', Twin), ('\u{a4f3}', 'O', Twin), ('\u{a4f4}', 'U', Twin),
    ('\u{a730}', 'f', Always), ('\u{a731}', 's', Always), ('\u{a798}', 'F', Twin), ('\u{a7af}', 'q', Always),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_folds_to_ascii_letters_only() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{:?}", pair);
        }
        for (letter, latin, _) in TABLE {
            assert!(
                !letter.is_ascii() && latin.is_ascii_alphabetic(),
                "{letter}"
            );
        }
    }

    #[test]
    fn cyrillic_twins_fold_both_ways() {
        for latin_letter in ('A'..='z').filter(char::is_ascii_alphabetic) {
            if let Some(other) = cyrillic(latin_letter) {
                assert_eq!(latin(other).map(|found| found.0), Some(latin_letter));
            }
        }
    }
}
