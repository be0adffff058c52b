//! Lines as the tools that read them see them: what goes on behind a backslash is one.

/// Lines of a list of requirements. Python ends a line in more ways than others, pip joins lines
/// before it reads them, and a comment ends what goes on.
///
/// Source: `str.splitlines`; pip's `req_file.py`, `join_lines` and `ignore_comments`.
pub(super) fn requirements(text: &str) -> Vec<String> {
    const ENDS: [char; 10] = [
        '\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
        '\u{2029}',
    ];
    let text = text.replace("\r\n", "\n");
    let mut lines = Vec::new();
    let mut joined = String::new();
    for line in text.split(ENDS) {
        // pip goes on behind a comment that is not alone on its line, uv does not.
        let bare = without_comment(line);
        if bare.len() == line.len()
            && let Some(start) = line.strip_suffix('\\')
        {
            joined.push_str(start);
            continue;
        }
        joined.push_str(bare);
        lines.push(std::mem::take(&mut joined).trim().to_owned());
    }
    lines.push(joined.trim().to_owned());
    lines
}

fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    let at = line.find(|c: char| {
        let begins = c == '#' && before.is_whitespace();
        before = c;
        begins
    });
    line.get(..at.unwrap_or(line.len())).unwrap_or(line)
}

/// A text with commands in which each line is whole; `None` where each is already. Docker leaves
/// out comments and empty lines in between, and may be told another sign for the backslash.
pub(super) fn commands(text: &str) -> Option<String> {
    let head = text
        .get(..text.floor_char_boundary(256))
        .unwrap_or_default();
    let backtick = head.contains("escape=`");
    let sign = |line: &str| line.ends_with('\\') || (backtick && line.ends_with('`'));
    if !text.lines().any(|line| sign(line.trim_end())) {
        return None;
    }
    let mut whole = String::with_capacity(text.len());
    let mut open = false;
    for line in text.lines() {
        let comment = line.trim_start().starts_with('#');
        if open && (comment || line.trim().is_empty()) {
            continue;
        }
        let bare = line.trim_end();
        open = sign(bare) && !comment;
        if open {
            whole.push_str(bare.get(..bare.len() - 1).unwrap_or_default());
        } else {
            whole.push_str(line);
            whole.push('\n');
        }
    }
    Some(whole)
}
