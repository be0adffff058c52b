//! Reads what stands between two marks of a shell line, the first of which is ahead or just read.

pub(super) type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads `(…)` with the parentheses inside it; quotes, backslashes and comments respected.
pub(super) fn parenthesised(chars: &mut Chars<'_>) -> String {
    let mut open = 0_usize;
    let mut quote = None;
    let mut text = String::new();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let before = std::mem::replace(&mut last, c);
        match (quote, c) {
            // Of `$'…'` a backslash does not end either.
            (None | Some('"' | '$'), '\\') => {
                text.push(c);
                text.extend(chars.next());
                continue;
            }
            // What stands between back ticks has parentheses of its own.
            (None | Some('"'), '`') if chars.clone().any(|c| c == '`') => {
                text.push(c);
                while let Some(c) = chars.next() {
                    text.push(c);
                    match c {
                        '`' => break,
                        '\\' => text.extend(chars.next()),
                        _ => {}
                    }
                }
                continue;
            }
            (None, '\'') if before == '$' => quote = Some('$'),
            (Some('$'), '\'') => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c && q != '$' => quote = None,
            (None, '(') => {
                open += 1;
                if open == 1 {
                    continue;
                }
            }
            (None, ')') => {
                open = open.saturating_sub(1);
                if open == 0 {
                    break;
                }
            }
            (None, '#') if " \t\n;&|(".contains(before) => {
                text.push(c);
                while let Some(c) = chars.next_if(|c| *c != '\n') {
                    text.push(c);
                }
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    text
}

/// Whether `text`, which a parenthesis ended, may have a pattern of a `case` behind that.
pub(super) fn may_go_on(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word == "case")
}

/// Reads `{…}` behind a dollar, variables inside it included.
pub(super) fn braced(chars: &mut Chars<'_>) -> String {
    let mut open = 0_usize;
    let mut last = '$';
    let end = chars.clone().take(MAX_AHEAD).position(|c| {
        match (std::mem::replace(&mut last, c), c) {
            // What a backslash stands before ends nothing, and a second one no backslash.
            ('\\', c) => last = if c == '\\' { ' ' } else { c },
            ('$', '{') => open += 1,
            (_, '}') => open = open.saturating_sub(1),
            _ => {}
        }
        open == 0
    });
    let mut text = String::new();
    for (at, c) in chars.by_ref().enumerate() {
        text.push(c);
        if c == '}' && end.is_none_or(|end| at >= end) {
            break;
        }
    }
    text
}

/// Reads what a back tick began, as the shell that runs it gets it. Source: POSIX.1-2024, shell 2.6.3:
/// a backslash goes before a dollar, a back tick and another backslash.
pub(super) fn backticked(chars: &mut Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next().filter(|c| *c != '`') {
        let escaped = chars.next_if(|next| c == '\\' && matches!(next, '$' | '`' | '\\'));
        text.push(escaped.unwrap_or(c));
    }
    text
}

/// The lines that are run inside a text, such as the default of a variable, quotes aside: where a
/// quote keeps one from being run, more is read than is done.
pub(super) fn substitutions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('`', _) => found.push(backticked(&mut chars)),
            ('$' | '<' | '>', Some('(')) => found.push(parenthesised(&mut chars)),
            _ => {}
        }
    }
    found
}

/// The inside of `$'…'`: `\x2e`, `\056`, `\u002e` and the letter escapes.
pub(super) fn ansi_c(chars: &mut Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next().filter(|c| *c != '\'') {
        if c != '\\' {
            text.push(c);
            continue;
        }
        let Some(kind) = chars.next() else { break };
        let (radix, most, first) = match kind {
            'x' => (16, 2, None),
            'u' => (16, 4, None),
            'U' => (16, 8, None),
            '0'..='7' => (8, 3, Some(kind)),
            'n' | 'r' | 't' => {
                text.push(' ');
                continue;
            }
            other => {
                text.push(other);
                continue;
            }
        };
        let mut digits: String = first.into_iter().collect();
        while digits.len() < most
            && let Some(digit) = chars.next_if(|c| c.is_digit(radix))
        {
            digits.push(digit);
        }
        text.extend(
            u32::from_str_radix(&digits, radix)
                .ok()
                .and_then(char::from_u32),
        );
    }
    text
}

/// Letters in which a variable's braces are looked for inside those of another; behind them the first
/// one that closes counts, which parts words earlier at most. Chosen: far more than names and defaults.
const MAX_AHEAD: usize = 512;
