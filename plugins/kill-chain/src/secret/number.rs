//! Numbers that pay: of cards (ISO/IEC 7812) and of accounts (IBAN, ISO 13616), known by their own
//! check digits.
//!
//! An order number that passes the check of a card is one of ten, so a card must also begin as a
//! card does and the text must speak of cards; and no result is told for holding one, only a call
//! that carries it out (`leak`). Numbers that documents use for tests are none.

use std::ops::Range;

/// What a number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Card,
    Account,
}

/// Digits of a card.
const CARD: Range<usize> = 13..20;
/// How cards are written in groups. Source: what is printed on them.
const GROUPS: [&[usize]; 3] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];
/// Numbers of test cards that payment services publish, beside those of few digits.
const TESTS: [&str; 8] = [
    "4012888888881881",
    "4000056655665556",
    "378282246310005",
    "371449635398431",
    "3530111333300000",
    "3566002020360505",
    "30569309025904",
    "38520000023237",
];
/// A card of fewer different digits is an example.
const MIN_KINDS: usize = 5;
/// Countries and the length of their IBAN. Source: the registry of ISO 13616, those that banks of
/// more than a few people have.
const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 \
    DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 \
    IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 \
    NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 TR26 UA29 VA22 XK20";

/// Whether a number may begin with these bytes: a cheap question for each word.
#[inline]
pub fn may_begin(bytes: &[u8]) -> bool {
    match bytes.first_chunk::<4>() {
        Some([a, b, c, d]) => {
            let first = (a.is_ascii_digit() && b.is_ascii_digit())
                || (a.is_ascii_uppercase() && b.is_ascii_uppercase());
            first && c.is_ascii_digit() && d.is_ascii_digit()
        }
        None => false,
    }
}

/// The number that begins at `start`, and where it ends.
pub fn at(bytes: &[u8], start: usize) -> Option<(Range<usize>, Number)> {
    let rest = bytes.get(start..)?;
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    if !may_begin(rest) || before.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let (length, number) = match rest.first()?.is_ascii_digit() {
        true => (card(rest)?, Number::Card),
        false => (account(rest)?, Number::Account),
    };
    Some((start..start + length, number))
}

/// How many bytes the card is that `text` begins with.
fn card(text: &[u8]) -> Option<usize> {
    let run = digits(text);
    if run > 4 {
        let own = text.get(..run).filter(|_| CARD.contains(&run))?;
        return (!goes_on(text, run) && is_card(own)).then_some(run);
    }
    let mark = *text.get(run).filter(|mark| matches!(mark, b' ' | b'-'))?;
    GROUPS.iter().find_map(|groups| {
        let (mut all, mut at) = (Vec::with_capacity(16), 0);
        for (number, group) in groups.iter().enumerate() {
            if number > 0 {
                text.get(at).filter(|own| **own == mark)?;
                at += 1;
            }
            let rest = text.get(at..)?;
            (digits(rest) == *group).then_some(())?;
            all.extend(rest.get(..*group)?);
            at += group;
        }
        (!goes_on(text, at) && is_card(&all)).then_some(at)
    })
}

/// How many bytes the account is that `text` begins with.
fn account(text: &[u8]) -> Option<usize> {
    let country = text.get(..2)?;
    let mut known = LENGTHS.split_ascii_whitespace();
    let known = known.find(|known| known.as_bytes().starts_with(country))?;
    let length: usize = known.get(2..)?.parse().ok()?;
    let (mut all, mut at) = (Vec::with_capacity(length), 0);
    while all.len() < length {
        let byte = *text.get(at)?;
        if byte.is_ascii_digit() || byte.is_ascii_uppercase() {
            all.push(byte);
        } else if byte != b' ' || all.len() % 4 != 0 || text.get(at + 1) == Some(&b' ') {
            return None;
        }
        at += 1;
    }
    (!goes_on(text, at) && leaves_one(&all)).then_some(at)
}

/// Whether the number has more letters or digits than were taken.
fn goes_on(text: &[u8], at: usize) -> bool {
    let next = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    next(at) || (matches!(text.get(at), Some(b'-' | b'.')) && next(at + 1))
}

fn digits(text: &[u8]) -> usize {
    text.iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len())
}

/// Whether these digits begin as a card of their length does, pass its check and are no example.
fn is_card(digits: &[u8]) -> bool {
    let lead = |most: usize| {
        let own = digits.iter().take(most);
        own.fold(0_u32, |all, digit| all * 10 + u32::from(digit - b'0'))
    };
    // Source: ranges that the networks publish.
    let issued = match digits.len() {
        13 => lead(1) == 4,
        14 => matches!(lead(2), 36 | 38) || matches!(lead(3), 300..=305),
        15 => matches!(lead(2), 34 | 37),
        16 => {
            matches!(lead(1), 4)
                || matches!(lead(2), 51..=55 | 62 | 65)
                || matches!(lead(3), 644..=649)
                || matches!(lead(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        19 => lead(2) == 62,
        _ => false,
    };
    issued && passes_luhn(digits) && kinds(digits) >= MIN_KINDS && !is_test(digits)
}

fn is_test(digits: &[u8]) -> bool {
    TESTS.iter().any(|test| test.as_bytes() == digits)
}

fn kinds(digits: &[u8]) -> usize {
    let seen = digits
        .iter()
        .fold(0_u16, |seen, digit| seen | 1 << (digit - b'0'));
    seen.count_ones() as usize
}

/// Source: ISO/IEC 7812-1, annex B.
fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .zip([1, 2].iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    sum.is_multiple_of(10)
}

/// Source: ISO 7064, MOD 97-10, as ISO 13616 applies it: the first four letters go to the end.
fn leaves_one(letters: &[u8]) -> bool {
    let (head, rest) = letters.split_at_checked(4).unwrap_or_default();
    let left = rest.iter().chain(head).fold(0_u32, |left, letter| {
        match char::from(*letter).to_digit(36).unwrap_or(0) {
            value @ 0..10 => (left * 10 + value) % 97,
            value => (left * 100 + value) % 97,
        }
    });
    left == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let starts = 0..text.len();
        let found = starts.filter_map(|start| at(text.as_bytes(), start));
        let found: Vec<String> = found
            .map(|(range, number)| format!("{number:?} {}", &text[range]))
            .collect();
        assert_eq!(found.join("; "), expected, "{text}");
    }

    #[test]
    fn cards_are_told_by_issuer_length_and_check_digit() {
        check("a,4539526018159083,b", "Card 4539526018159083");
        check("5218 7574 9118 6252 09/29", "Card 5218 7574 9118 6252");
        check("3714-078666-61760.", "Card 3714-078666-61760");
        check("4539 5260 1815 9083 7", "Card 4539 5260 1815 9083");
        for text in [
            "4539526018159084",
            "14539526018159083",
            "4539526018159083-7",
            "4539 5260-1815 9083",
            "4111111111111111",
            "4242 4242 4242 4242",
            "4012888888881881",
            "9939526018159081",
        ] {
            check(text, "");
        }
    }

    #[test]
    fn accounts_are_told_by_country_length_and_check_digits() {
        check("DE44500105175407324931", "Account DE44500105175407324931");
        check(
            "to FR14 2004 1010 0505 0001 3M02 606.",
            "Account FR14 2004 1010 0505 0001 3M02 606",
        );
        check("NO9386011117947", "Account NO9386011117947");
        for text in [
            "DE45500105175407324931",
            "DE4450010517540732493",
            "DE445001051754073249312",
            "ZZ44500105175407324931",
            "XDE44500105175407324931",
            "de44500105175407324931",
        ] {
            check(text, "");
        }
    }
}
