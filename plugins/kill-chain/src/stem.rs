//! Words without their endings, so that "invited" and "invite" are compared as one.

/// The word without the endings that change with its place in a sentence; English, ASCII.
pub fn stem(word: &str) -> &str {
    const ENDINGS: [&str; 13] = [
        "ations", "ation", "ating", "ated", "ates", "ate", "ions", "ion", "ings", "ing", "ies",
        "ed", "es",
    ];
    let cut = |ending: &str| {
        let at = word.len().checked_sub(ending.len())?;
        let (head, tail) = word.split_at_checked(at)?;
        (head.len() >= 3 && tail.eq_ignore_ascii_case(ending)).then_some(head)
    };
    // Every ending ends in one of these, and so does what is cut below.
    if !matches!(
        word.as_bytes().last().map(u8::to_ascii_lowercase),
        Some(b's' | b'n' | b'g' | b'd' | b'e' | b'y' | b'i')
    ) {
        return word;
    }
    let cut_all = ENDINGS.iter().find_map(|ending| cut(ending));
    let head = cut_all.or_else(|| cut("s")).unwrap_or(word);
    match head.strip_suffix(['e', 'E', 'y', 'Y', 'i', 'I']) {
        Some(shorter) if shorter.len() >= 3 => shorter,
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_stem_meet() {
        for (one, two) in [
            ("invited", "invite"),
            ("notifies", "notify"),
            ("files", "file"),
            ("reservation", "reserving"),
            ("manipulation", "manipulate"),
            ("deletion", "delete"),
            ("Deleting", "deletes"),
        ] {
            assert!(stem(one).eq_ignore_ascii_case(stem(two)), "{one} {two}");
        }
    }
}
