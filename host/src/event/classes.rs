//! Classes of characters in a shell's word, where it is not sure what they end with.

/// A shell's word with `?` for each class of characters, and `*` where shells and quotation marks leave
/// room for doubt where it ends: `[[:lower:]]`, `[]a]`, `[a]b]`.
pub fn without_classes(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('[') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let component = rest.split('/').next().unwrap_or_default();
        let Some(last) = component.rfind(']') else {
            out.push('[');
            continue;
        };
        let body = component.trim_start_matches(['!', '^']);
        let skipped = component.len() - body.len();
        let first = body.find(']').map_or(last, |first| first + skipped);
        let inside = component.get(..first).unwrap_or_default();
        let after = component.get(first + 1..).unwrap_or_default();
        let another = after
            .split('[')
            .next()
            .is_some_and(|text| text.contains(']'));
        if body.starts_with(']') || inside.contains('[') || another {
            out.push('*');
            rest = rest.get(last + 1..).unwrap_or_default();
        } else {
            out.push('?');
            rest = rest.get(first + 1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_one_letter_unless_its_end_is_in_doubt() {
        for (word, plain) in [
            ("a[bc]d", "a?d"),
            ("a[!b]", "a?"),
            ("[id]/[slug].ts", "?/?.ts"),
            ("x[[:lower:]]y", "x*y"),
            ("x[]a]y", "x*y"),
            ("x[a]w]y", "x*y"),
            ("a[b", "a[b"),
            ("a[b/c]", "a[b/c]"),
            ("é[ü]ß", "é?ß"),
        ] {
            assert_eq!(without_classes(word), plain, "{word}");
        }
    }
}
