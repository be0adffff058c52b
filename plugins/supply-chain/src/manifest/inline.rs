//! What a Python script says it needs in a comment, which `uv run` and others install before they run
//! it.
//!
//! Source: PyPA, "Inline script metadata" (PEP 723).

/// The metadata without its `#`; `None` where there is none. An edit may have only the list in it.
pub(super) fn metadata(text: &str) -> Option<String> {
    const STARTS: [&str; 2] = ["/// script", "dependencies = ["];
    if !STARTS.iter().any(|start| text.contains(start)) {
        return None;
    }
    let begins = |line: &&str| {
        comment(line).is_some_and(|line| STARTS.iter().any(|start| line.starts_with(start)))
    };
    let lines = text.lines().skip_while(|line| !begins(line));
    let lines: Vec<&str> = lines.map_while(comment).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A line of a comment; a patch has a sign before it.
fn comment(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['+', ' ']).strip_prefix('#')?;
    Some(line.strip_prefix(' ').unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::metadata;

    #[test]
    fn metadata_is_read_out_of_its_comment_and_nothing_else_is() {
        for (text, expected) in [
            (
                "import x\n# /// script\n# dependencies = [\n#   \"a\",\n#\n# ]\n# ///\nb = [\"c\"]",
                Some("/// script\ndependencies = [\n  \"a\",\n\n]\n///"),
            ),
            (
                "+# dependencies = [\"a\"]\n+import a",
                Some("dependencies = [\"a\"]"),
            ),
            ("dependencies = [\"a\"]", None),
            ("# about \"a==1\"\n", None),
            ("print(\"# /// script\")", None),
        ] {
            assert_eq!(metadata(text).as_deref(), expected, "{text:?}");
        }
    }
}
