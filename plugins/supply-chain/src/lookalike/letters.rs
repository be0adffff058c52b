//! The letters of a name as an eye or a finger takes them, and how far two such are apart.

/// Separators dropped, look-alikes folded.
pub fn skeleton(name: &str) -> Vec<char> {
    let readable =
        clawdefender_sdk::canonical::canonical(name).map(|view| view.text.to_lowercase());
    let name = readable.as_deref().unwrap_or(name);
    let letters = name.chars().filter(|c| !"-_./@~".contains(*c));
    let mut skeleton: Vec<char> = letters.collect();
    // A digit among letters stands for the letter that it looks like; at the end it counts.
    let digits = skeleton
        .iter()
        .rev()
        .take_while(|c| c.is_ascii_digit())
        .count();
    let body = skeleton.len() - digits;
    for c in skeleton.iter_mut().take(body) {
        *c = match *c {
            '0' => 'o',
            '1' | '!' => 'l',
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            other => other,
        };
    }
    skeleton
}

/// What was done to a name, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    None,
    Swapped,
    Doubled,
    /// A key beside the right one.
    Beside,
    Replaced,
    Left,
    Added,
    /// Left out or added at an end, where a letter is often a word of its own.
    AtAnEnd,
}

impl Edit {
    /// The shortest name of which it counts. Chosen by what the thousand most used names of npm and
    /// PyPI would hold against the next nine thousand (docs/supply-chain.md).
    pub fn min_length(self) -> usize {
        match self {
            Self::None | Self::Swapped | Self::Doubled => 5,
            Self::Beside | Self::Left => 6,
            Self::Replaced | Self::Added => 8,
            Self::AtAnEnd => 11,
        }
    }
}

/// The one edit that leads from a well-known skeleton to another, if one is enough. A digit that
/// comes, goes or changes makes another package, not a misspelt one: `node18`, `elasticsearch7`.
pub fn slip(known: &[char], other: &[char]) -> Option<Edit> {
    let (short, long) = if known.len() <= other.len() {
        (known, other)
    } else {
        (other, known)
    };
    if long.len() - short.len() > 1 {
        return None;
    }
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let short_rest = short.get(same..)?;
    let long_rest = long.get(same..)?;
    match (short_rest, long_rest) {
        ([], []) => Some(Edit::None),
        ([a, short_tail @ ..], [b, long_tail @ ..]) if short.len() == long.len() => {
            if short_tail == long_tail {
                let letters = !a.is_ascii_digit() && !b.is_ascii_digit();
                let beside = are_neighbours(*a, *b);
                letters.then_some(if beside { Edit::Beside } else { Edit::Replaced })
            } else {
                let swapped = short_tail.first() == Some(b)
                    && long_tail.first() == Some(a)
                    && short_tail.get(1..) == long_tail.get(1..);
                swapped.then_some(Edit::Swapped)
            }
        }
        (rest, [extra, tail @ ..]) if rest == tail && !extra.is_ascii_digit() => {
            let twin = long.get(same.wrapping_sub(1)) == Some(extra) || tail.first() == Some(extra);
            Some(match known.len() < other.len() {
                true if twin => Edit::Doubled,
                _ if same == 0 || tail.is_empty() => Edit::AtAnEnd,
                true => Edit::Added,
                false => Edit::Left,
            })
        }
        _ => None,
    }
}

/// On a QWERTY keyboard.
fn are_neighbours(a: char, b: char) -> bool {
    const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
    let place = |c| {
        let mut rows = ROWS.iter().enumerate();
        rows.find_map(|(row, keys)| Some((row, keys.find(c)?)))
    };
    match (place(a), place(b)) {
        (Some((row, column)), Some((other_row, other_column))) => {
            row.abs_diff(other_row) <= 1 && column.abs_diff(other_column) <= 1
        }
        _ => false,
    }
}

/// What the letters look like where two of them are read as one, or a digit at the end as a letter.
pub fn other_readings(skeleton: &[char]) -> impl Iterator<Item = Vec<char>> {
    let text: String = skeleton.iter().collect();
    let joined = text.replace("rn", "m").replace("vv", "w");
    let joined = (joined != text).then(|| joined.chars().collect());
    let twins: &[char] = match skeleton.last() {
        Some('1') => &['l', 'i'],
        Some('0') => &['o'],
        _ => &[],
    };
    let stem = skeleton.len().saturating_sub(1);
    let stem: Vec<char> = skeleton.iter().copied().take(stem).collect();
    let ended = twins.iter().map(move |twin| {
        let mut letters = stem.clone();
        letters.push(*twin);
        letters
    });
    joined.into_iter().chain(ended)
}
