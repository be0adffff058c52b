//! What a change does to a file, for a terminal: no secret of the file's, nothing that writes to it.

use crate::event::secret::redact_secrets;

/// What stands in the place of a value.
const MASK: &str = "•••";
/// Names whose strings are shown. Every other value, of variables and headers above all, may be a secret.
const SHOWN: [&str; 6] = ["command", "args", "type", "url", "cwd", "transport"];
/// Words in an option that make what follows it a secret.
const SECRET: [&str; 9] = [
    "token", "key", "secret", "pass", "auth", "header", "cookie", "pwd", "cred",
];
/// Options that mean the same to curl, docker, ssh and database clients.
const SHORT: [&str; 6] = ["-H", "-u", "-p", "-k", "-e", "--pat"];
/// Lines times lines that are compared; beyond it all between the first and the last difference is
/// shown as changed. Chosen: two files of two thousand lines.
const MAX_COMPARED: usize = 4_000_000;

/// The lines from the first to the last difference: `-` before, `+` after, a blank what stays.
pub fn lines(before: &str, after: &str) -> Vec<String> {
    let masked = (mask(before), mask(after));
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let (old_shown, new_shown): (Vec<&str>, Vec<&str>) =
        (masked.0.lines().collect(), masked.1.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let ends = old.iter().rev().zip(new.iter().rev());
    let tail = ends.take(rest).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let mut shown = vec![format!(
        "@@ -{0},{1} +{0},{2} @@",
        head + 1,
        old_end - head,
        new_end - head
    )];
    let mut push = |sign: char, text: Option<&&str>| {
        let safe = text
            .into_iter()
            .flat_map(|line| line.chars())
            .flat_map(|c| {
                if c.is_control() {
                    c.escape_default().collect()
                } else {
                    vec![c]
                }
            });
        shown.push(std::iter::once(sign).chain(safe).collect());
    };
    let (old, new) = (
        old.get(head..old_end).unwrap_or_default(),
        new.get(head..new_end).unwrap_or_default(),
    );
    for step in steps(old, new) {
        match step {
            Step::Gone(at) => push('-', old_shown.get(head + at)),
            Step::New(at) => push('+', new_shown.get(head + at)),
            Step::Same(at) => push(' ', new_shown.get(head + at)),
        }
    }
    shown
}

/// A line by its number among those between the first and the last difference.
enum Step {
    Gone(usize),
    New(usize),
    Same(usize),
}

/// The longest common subsequence, by the table that every textbook has.
fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MAX_COMPARED {
        let gone = (0..old.len()).map(Step::Gone);
        return gone.chain((0..new.len()).map(Step::New)).collect();
    }
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let at = |table: &[u32], a: usize, b: usize| table.get(a * width + b).copied().unwrap_or(0);
    for (a, line) in old.iter().enumerate().rev() {
        for (b, other) in new.iter().enumerate().rev() {
            let longest = match line == other {
                true => at(&common, a + 1, b + 1) + 1,
                false => at(&common, a + 1, b).max(at(&common, a, b + 1)),
            };
            if let Some(place) = common.get_mut(a * width + b) {
                *place = longest;
            }
        }
    }
    let (mut a, mut b, mut steps) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old.get(a) == new.get(b) {
            steps.push(Step::Same(b));
            (a, b) = (a + 1, b + 1);
        } else if a < old.len()
            && (b == new.len() || at(&common, a + 1, b) >= at(&common, a, b + 1))
        {
            steps.push(Step::Gone(a));
            a += 1;
        } else {
            steps.push(Step::New(b));
            b += 1;
        }
    }
    steps
}

/// JSON, with comments perhaps, in which no value is left that may be a secret. As many lines as before.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The name before the value, and the element of a list before this one.
    let (mut name, mut before) = (String::new(), String::new());
    while let Some(at) = rest.find(['"', '/']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with('/') {
            let end = match rest.get(..2) {
                Some("//") => rest.find('\n').unwrap_or(rest.len()),
                Some("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
                _ => 1,
            };
            let comment = rest.get(..end).unwrap_or_default();
            match end > 1 {
                // What was commented out may be an entry with its secrets.
                true => out.push_str(&masked_lines(comment)),
                false => out.push_str(comment),
            }
            rest = rest.get(end..).unwrap_or_default();
            continue;
        }
        let inside = rest.get(1..).unwrap_or_default();
        let end = end_of_string(inside);
        let value = inside.get(..end).unwrap_or_default();
        let after = inside.get(end..).unwrap_or_default();
        let (closed, after) = match after.strip_prefix('"') {
            Some(after) => ("\"", after),
            None => ("", after),
        };
        let is_name = after.trim_start().starts_with(':');
        let shown = if is_name {
            before.clear();
            value.clone_into(&mut name);
            value.to_owned()
        } else {
            let shown = shown(&name, &before, value);
            value.clone_into(&mut before);
            shown
        };
        out.push('"');
        out.push_str(&shown);
        out.push_str(closed);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Bytes up to the closing quotation mark, or to the end of the line where there is none.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => return at,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// A comment with as many lines as before and nothing in them.
fn masked_lines(comment: &str) -> String {
    let mark = comment.get(..2).unwrap_or_default();
    let breaks = comment.matches('\n').count();
    let end = if mark == "/*" { "*/" } else { "" };
    format!("{mark} {MASK}{} {end}", "\n".repeat(breaks))
}

fn shown(name: &str, before: &str, value: &str) -> String {
    let names = |text: &str| {
        let text = text.to_lowercase();
        SECRET.iter().any(|word| text.contains(word))
    };
    let option = before.starts_with('-') && !before.contains('=');
    let follows = option && (names(before) || SHORT.contains(&before));
    if !SHOWN.contains(&name) || follows {
        return match value.split_once('=') {
            // `-e NAME=VALUE`
            Some((variable, _)) if before == "-e" => format!("{variable}={MASK}"),
            _ => MASK.to_owned(),
        };
    }
    if let Some((scheme, rest)) = value.split_once("://") {
        return format!("{scheme}://{}", address(rest));
    }
    // A line for a shell: what comes behind a word that names a secret is one.
    if value.contains(char::is_whitespace) && names(value) {
        return MASK.to_owned();
    }
    match value.split_once('=') {
        Some((option, _)) if names(option) || !option.starts_with('-') => {
            format!("{option}={MASK}")
        }
        _ => redact_secrets(value).into_owned(),
    }
}

/// An address without a login, without values of its query, and without parts of its path that no person
/// would choose.
fn address(rest: &str) -> String {
    let (place, query) = match rest.split_once(['?', '#']) {
        Some((place, _)) => (place, format!("?{MASK}")),
        None => (rest, String::new()),
    };
    let mut parts = place.split('/');
    let host = parts.next().unwrap_or_default();
    let host = match host.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => host.to_owned(),
    };
    let chosen = |part: &str| part.len() < 16 || !part.bytes().any(|byte| byte.is_ascii_digit());
    let path: Vec<&str> = parts
        .map(|part| if chosen(part) { part } else { MASK })
        .collect();
    let slash = if place.contains('/') { "/" } else { "" };
    redact_secrets(&format!("{host}{slash}{}{query}", path.join("/"))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_variable_a_header_or_a_secret_option_is_shown() {
        let text = r#"{
  // Bearer abc
  "mcpServers": { "a": {
    "command": "npx", "args": ["-y", "x", "--api-key", "k3y", "--token=t0k", "--port", "80"],
    "env": {"API_TOKEN": "sk-SECRET", "HOME": "/h\"q"},
    "url": "https://h.example/mcp",
    "headers": { "Authorization": "Bearer TOP" },
    "args": [
      "--password",
      "hunter2",
      "last"
    ]
  } }
}"#;
        let masked = mask(text);
        for secret in ["k3y", "t0k", "sk-SECRET", r#"/h\"q"#, "TOP", "hunter2"] {
            assert!(!masked.contains(secret), "{secret}: {masked}");
        }
        for (before, value) in [
            ("-e", "DB_PASS=hunter2"),
            ("-H", "Cookie: hunter2"),
            ("-u", "me:hunter2"),
            ("--pat", "hunter2"),
            ("-c", "server --token hunter2"),
            ("", "SLACK=hunter2"),
            ("", "https://hunter2@h.example/x"),
            ("", "https://h.example/mcp?key=hunter2"),
            ("", "https://h.example/s/hunter2hunter2hunter2/mcp"),
        ] {
            let shown = shown("args", before, value);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(mask("/* a\n b */\n// c\n{}").lines().count(), 4);
        assert!(!mask("// \"DB_PASS\": \"hunter2\"\n{}").contains("hunter2"));
        for kept in [
            "npx",
            "--token=•••",
            "\"80\"",
            "https://h.example/mcp",
            "last",
            "API_TOKEN",
        ] {
            assert!(masked.contains(kept), "{kept}: {masked}");
        }
        assert_eq!(masked.lines().count(), text.lines().count());
        // Whatever it is, it ends.
        for broken in ["\"", "\"a", "\"a\\", "/", "/*", "{\"a\": \"b", "\"a\n\"b\""] {
            assert_eq!(mask(broken).lines().count(), broken.lines().count());
        }
    }

    #[test]
    fn what_stays_between_two_changes_is_no_change() {
        let shown = lines("a\nb\nc\nd\ne", "a\nB\nc\nD\ne");
        assert_eq!(shown, ["@@ -2,3 +2,3 @@", "-b", "+B", " c", "-d", "+D"]);
        assert_eq!(lines("a\nb", "a\nb\nc"), ["@@ -3,0 +3,1 @@", "+c"]);
        let (one, two) = ("x\n".repeat(3000), "y\n".repeat(3000));
        assert_eq!(lines(&one, &two).len(), 6001);
    }
}
