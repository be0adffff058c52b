//! Characters that are written as numbers: `\u0041`, `&#65;`, `[65, 66]`, `0x41,0x42`.

/// Numbers in a row that are worth reading as characters.
const MIN_NUMBERS: usize = 10;

/// The text with `\uXXXX` and `&#NN;` undone, when it has any.
pub fn escapes(text: &[u8]) -> Option<Vec<u8>> {
    let marked = |mark: [u8; 2]| {
        let [first, _] = mark;
        text.contains(&first) && text.array_windows().any(|two| *two == mark)
    };
    if !marked(*b"\\u") && !marked(*b"&#") {
        return None;
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut decoded = false;
    while let Some((&byte, after)) = rest.split_first() {
        match unescape(rest) {
            Some((char, length)) => {
                let mut buffer = [0; 4];
                plain.extend(char.encode_utf8(&mut buffer).as_bytes());
                rest = rest.get(length..).unwrap_or_default();
                decoded = true;
            }
            None => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    decoded.then_some(plain)
}

/// The character that an escape at the beginning of `text` stands for, and the escape's length.
fn unescape(text: &[u8]) -> Option<(char, usize)> {
    if let Some(rest) = text.strip_prefix(b"\\u") {
        let digits = std::str::from_utf8(rest.get(..4)?).ok()?;
        return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 6));
    }
    let rest = text.strip_prefix(b"&#")?;
    let end = rest.iter().take(8).position(|&byte| byte == b';')?;
    let number = std::str::from_utf8(rest.get(..end)?).ok()?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some((char::from_u32(code)?, end + 3))
}

/// Calls `found` with the characters of each list of numbers that are printable bytes.
pub fn numbers(text: &[u8], mut found: impl FnMut(&[u8])) {
    let mut bytes: Vec<u8> = Vec::new();
    let mut at = 0;
    let mut gap = 0;
    while at <= text.len() {
        if bytes.is_empty() {
            // Words are passed over: a number begins with a digit.
            let rest = text.get(at..).unwrap_or_default();
            let Some(digit) = rest.iter().position(u8::is_ascii_digit) else {
                return;
            };
            let before = rest.get(..digit).unwrap_or_default().iter().rev();
            at += digit
                - before
                    .take_while(|byte| byte.is_ascii_alphanumeric())
                    .count();
        }
        let length = text.get(at..).unwrap_or_default();
        let length = length
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let number = text.get(at..at + length).and_then(number);
        match number {
            Some(byte) if gap <= 3 || bytes.is_empty() => {
                bytes.push(byte);
                gap = 0;
            }
            _ if length == 0 && gap < 3 => gap += 1,
            _ => {
                if bytes.len() >= MIN_NUMBERS {
                    found(&bytes);
                }
                bytes.clear();
                gap = 0;
            }
        }
        at += length.max(1);
    }
    if bytes.len() >= MIN_NUMBERS {
        found(&bytes);
    }
}

/// A printable byte written as a decimal number or as `0x…`.
fn number(text: &[u8]) -> Option<u8> {
    if !(2..=4).contains(&text.len()) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let byte = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u8::from_str_radix(hex, 16).ok()?,
        None => text.parse().ok()?,
    };
    (0x20..0x7f).contains(&byte).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_other_text_stays() {
        let undone =
            |text: &str| escapes(text.as_bytes()).map(|plain| String::from_utf8(plain).unwrap());
        assert_eq!(undone("a\\u0062c&#100;&#x65;f").as_deref(), Some("abcdef"));
        assert_eq!(undone("C:\\users &# \\u00zz"), None);
        assert_eq!(undone("plain"), None);
        assert_eq!(undone("&#99999999;&#;\\u"), None);
    }

    #[test]
    fn lists_of_numbers_are_characters() {
        let read = |text: &str| {
            let mut all = Vec::new();
            numbers(text.as_bytes(), |bytes| {
                all.push(String::from_utf8(bytes.to_vec()).unwrap())
            });
            all
        };
        assert_eq!(
            read("[97, 98,99 ,100,101,102,103,104,105,106]"),
            ["abcdefghij"]
        );
        assert_eq!(
            read("0x61,0x62,0x63,0x64,0x65,0x66,0x67,0x68,0x69,0x6a"),
            ["abcdefghij"]
        );
        assert_eq!(read("97 98 99"), Vec::<String>::new());
        assert_eq!(read("12 April 2026, 10 rooms, 4711"), Vec::<String>::new());
    }
}
