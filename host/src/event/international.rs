//! International host names in the letters that the name system has: `bücher.example` is
//! `xn--bcher-kva.example`.
//!
//! What may be registered is not asked: two spellings of a name are told to be one, nothing more.

use unicode_normalization::UnicodeNormalization;

/// A host name as it is asked for, each label in ASCII. Source: UTS 46, processing, steps 1, 2 and 4.
pub fn ascii(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let ignored = |c: &char| {
        matches!(
            c,
            '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        )
    };
    let mapped: String = name
        .chars()
        .filter(|c| !ignored(c))
        .nfkc()
        .flat_map(char::to_lowercase)
        .nfc()
        .map(|c| if c == '。' { '.' } else { c })
        .collect();
    let label = |label: &str| match label.is_ascii() {
        true => label.to_owned(),
        false => encoded(label).map_or_else(|| label.to_owned(), |code| format!("xn--{code}")),
    };
    mapped.split('.').map(label).collect::<Vec<_>>().join(".")
}

/// What the standard of 2003 makes of letters that the one of 2008 keeps; `None` without them.
/// Source: UTS 46, deviations.
pub fn older_form(name: &str) -> Option<String> {
    name.contains(['ß', 'ς', '\u{200c}', '\u{200d}']).then(|| {
        name.replace('ß', "ss")
            .replace('ς', "σ")
            .replace(['\u{200c}', '\u{200d}'], "")
    })
}

/// Punycode. `None` for a label that is too long to be one. Source: RFC 3492, 6.3.
fn encoded(label: &str) -> Option<String> {
    if label.len() > MAX_LABEL_BYTES {
        return None;
    }
    let points: Vec<u32> = label.chars().map(u32::from).collect();
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    if basic > 0 {
        out.push('-');
    }
    let (mut next, mut delta, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut handled = basic;
    while let Some(least) = points.iter().copied().filter(|point| *point >= next).min() {
        delta = delta.checked_add((least - next).checked_mul(handled + 1)?)?;
        next = least;
        for point in &points {
            if *point < next {
                delta = delta.checked_add(1)?;
            }
            if *point != next {
                continue;
            }
            let mut rest = delta;
            for k in (BASE..).step_by(36) {
                let least = k.saturating_sub(bias).clamp(1, 26);
                if rest < least {
                    break;
                }
                out.push(digit(least + (rest - least) % (BASE - least)));
                rest = (rest - least) / (BASE - least);
            }
            out.push(digit(rest));
            bias = adapted(delta, handled + 1, handled == basic);
            delta = 0;
            handled += 1;
        }
        delta = delta.checked_add(1)?;
        next = next.checked_add(1)?;
    }
    Some(out)
}

/// Source: RFC 3492, 6.1.
fn adapted(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = delta / if first { 700 } else { 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > (BASE - 1) * 26 / 2 {
        delta /= BASE - 1;
        k += BASE;
    }
    k + BASE * delta / (delta + 38)
}

/// `a` to `z` are 0 to 25, the digits follow.
fn digit(value: u32) -> char {
    char::from_digit((value + 10) % BASE, BASE).unwrap_or('-')
}

const BASE: u32 = 36;
/// Chosen: a label of the name system has 63 bytes, each of them at most four before it is encoded.
const MAX_LABEL_BYTES: usize = 252;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_they_are_asked_for() {
        for (name, asked) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER2.Example", "xn--bcher2-3ya.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("a.münchen.example", "a.xn--mnchen-3ya.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("ｅｖｉｌ．ｅｘａｍｐｌｅ", "evil.example"),
            ("ev\u{ad}il.example", "evil.example"),
            ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
            ("i❤.example", "xn--i-7iq.example"),
            ("Plain.example", "plain.example"),
        ] {
            assert_eq!(ascii(name), asked, "{name}");
        }
        ascii(&"é".repeat(100_000));
        assert_eq!(older_form("straße.example").unwrap(), "strasse.example");
        assert_eq!(older_form("bücher.example"), None);
    }
}
