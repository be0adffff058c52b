//! Spellings that keep the length: leetspeak, rot13, and text written backwards.

use super::Unveiled;
use crate::place::Place;

/// English words that nearly every attack in these disguises contains.
const TELLING: &[&str] = &[
    "ignore",
    "disregard",
    "instructions",
    "previous",
    "system prompt",
    "reveal",
    "password",
    "secret",
    "override",
    "forget",
];

/// The telling words as they look in rot13 (first half) and backwards (second half).
pub fn telltales() -> Vec<String> {
    let rotated = TELLING.iter().map(|word| rot13(word));
    let reversed = TELLING.iter().map(|word| word.chars().rev().collect());
    rotated.chain(reversed).collect()
}

/// Needs two different telling words: one alone occurs by chance.
pub fn backwards_or_rot13(text: &str, telltales: &[usize], found: &mut Vec<Unveiled>) {
    let (mut rotated, mut reversed) = (0u32, 0u32);
    for index in telltales.iter().copied() {
        match index.checked_sub(TELLING.len()) {
            None => rotated |= 1 << index,
            Some(index) => reversed |= 1 << index,
        }
    }
    if rotated.count_ones() >= 2 {
        found.push(Unveiled {
            text: rot13(text),
            place: Place::Shift(0),
            name: "rot13",
        });
    }
    if reversed.count_ones() >= 2 {
        let text: String = text.chars().rev().collect();
        let place = Place::Whole(0..text.len());
        found.push(Unveiled {
            text,
            place,
            name: "reversed",
        });
    }
}

/// Digits read as letters; 1 is read both ways.
pub fn leet(text: &str, found: &mut Vec<Unveiled>) {
    for one in ['i', 'l'] {
        let read = |letter| match letter {
            '0' => 'o',
            '1' | '!' => one,
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        };
        let text = text.chars().map(read).collect();
        found.push(Unveiled {
            text,
            place: Place::Shift(0),
            name: "leetspeak",
        });
    }
}

fn rot13(text: &str) -> String {
    let turn = |letter: char| match letter {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(letter) + 13).unwrap_or(letter),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(letter) - 13).unwrap_or(letter),
        other => other,
    };
    text.chars().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telltales_are_the_words_in_disguise() {
        let words = telltales();
        assert!(words.contains(&"vtaber".to_owned()) && words.contains(&"snoitcurtsni".to_owned()));
        assert_eq!(words.len(), 2 * TELLING.len());
    }

    #[test]
    fn leet_keeps_every_offset() {
        let mut found = Vec::new();
        leet("1gn0r3 é4ll", &mut found);
        let texts: Vec<&str> = found.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["ignore éall", "lgnore éall"]);
    }
}
