//! Listed words by their letters: one walk from a place in a text meets every word that begins
//! there, however many are listed.
//!
//! A double array: what follows a cell stands at its base plus the next byte, and knows the cell it
//! follows. What counts as a gap between two parts of a word, and what may come after it, is for
//! the caller to say.

use std::ops::Range;

/// Words as a tree of their bytes.
pub struct Trie {
    cells: Vec<Cell>,
}

/// The place after a letter.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// The cell that this one follows; 0 where there is none, so that the place is free.
    parent: u32,
    /// What follows is counted from here, with [`FLAG`]s; of an ending, the word's value.
    base: u32,
}

/// A word with its ending as the labels of cells, and its value.
type Labels = (Vec<u8>, u32);

/// What may follow a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// More letters: it is a stem.
    Open,
    Closed,
}

impl Ending {
    pub fn of(closed: bool) -> Self {
        match closed {
            true => Self::Closed,
            false => Self::Open,
        }
    }
}

impl Trie {
    /// `words` with what is reported for them, each word and ending once. A space stands for a gap.
    ///
    /// # Errors
    /// When there are too many.
    pub fn new(words: impl IntoIterator<Item = (String, Ending, u32)>) -> Result<Self, String> {
        let mut words: Vec<Labels> = words
            .into_iter()
            .map(|(word, ending, value)| {
                let mut labels = word.into_bytes();
                for space in labels.iter_mut().filter(|label| **label == b' ') {
                    *space = GAP_LABEL;
                }
                labels.push(label(ending));
                (labels, value)
            })
            .collect();
        words.sort_unstable();
        let mut trie = Self {
            cells: vec![Cell::default(); FIRST],
        };
        let mut free = FIRST;
        let mut open = vec![(ROOT, words.as_slice(), 0)];
        while let Some((parent, words, depth)) = open.pop() {
            let branches: Vec<(usize, &[Labels])> = words
                .chunk_by(|one, other| one.0.get(depth) == other.0.get(depth))
                .filter_map(|branch| {
                    let label = branch.first()?.0.get(depth)?;
                    Some((usize::from(*label), branch))
                })
                .collect();
            let base = trie.room(branches.iter().map(|branch| branch.0), &mut free);
            let mut flags = 0;
            for (label, branch) in branches {
                let value = branch.first().map_or(0, |word| word.1);
                let [flag, value] = match u8::try_from(label) {
                    Ok(OPEN_LABEL) => [OPEN, value],
                    Ok(CLOSED_LABEL) => [CLOSED, value],
                    Ok(GAP_LABEL) => [GAP, 0],
                    _ => [0, 0],
                };
                flags |= flag;
                let parent = small(parent);
                trie.put(
                    base + label,
                    Cell {
                        parent,
                        base: value,
                    },
                );
                if flag & (OPEN | CLOSED) == 0 {
                    open.push((base + label, branch, depth + 1));
                }
            }
            if let Some(cell) = trie.cells.get_mut(parent) {
                cell.base = small(base) | flags;
            }
        }
        match u32::try_from(trie.cells.len()) {
            Ok(0..FLAG) => Ok(trie),
            _ => Err("too many words".into()),
        }
    }

    /// Where the first word that begins at `at` may end; `None` when none begins there, which is
    /// soon known of most. The first part of a word ends at `limit` at the latest.
    #[inline]
    pub fn first(&self, text: &[u8], at: usize, limit: usize) -> Option<Stop> {
        let root = Place {
            cell: ROOT as u32,
            base: self.cells.get(ROOT)?.base,
        };
        self.stop(root, text, at..limit)
    }

    /// Calls `found` for every word from its first stop on: how it ends, its value, and the byte
    /// after its last letter. Whether a closed one is closed there is for the caller to see. `gap`
    /// says how many bytes of gap a text begins with; a letter or digit of ASCII never is one.
    pub fn walk<Gap, Found>(
        &self,
        first: Stop,
        text: &[u8],
        limit: usize,
        gap: &Gap,
        found: &mut Found,
    ) where
        Gap: Fn(&[u8]) -> usize,
        Found: FnMut(Ending, u32, usize),
    {
        let mut next = Some(first);
        while let Some(Stop { here, at }) = next {
            for (flag, ending) in [(OPEN, Ending::Open), (CLOSED, Ending::Closed)] {
                if here.base & flag != 0
                    && let Some(end) = self.step(here, label(ending))
                {
                    found(ending, end.base, at);
                }
            }
            if here.base & GAP != 0
                && let Some(part) = self.step(here, GAP_LABEL)
                && let bytes @ 1.. = gap(text.get(at..).unwrap_or_default())
                && let Some(stop) = self.stop(part, text, at + bytes..text.len())
            {
                self.walk(stop, text, text.len(), gap, found);
            }
            next = self.stop(here, text, at..limit);
        }
    }

    /// The next place where a word may end or be parted.
    #[inline]
    fn stop(&self, mut here: Place, text: &[u8], range: Range<usize>) -> Option<Stop> {
        for (at, byte) in (range.start + 1..).zip(text.get(range)?) {
            here = self.step(here, *byte)?;
            // Most words of ordinary text go on where a closed one or a part would end.
            let goes_on = || text.get(at).is_some_and(u8::is_ascii_alphanumeric);
            if here.base >= FLAG && (here.base & OPEN != 0 || !goes_on()) {
                return Some(Stop { here, at });
            }
        }
        None
    }

    #[inline]
    fn step(&self, here: Place, label: u8) -> Option<Place> {
        let next = (here.base & (FLAG - 1)) as usize + usize::from(label);
        let cell = self.cells.get(next)?;
        (cell.parent == here.cell).then_some(Place {
            cell: next as u32,
            base: cell.base,
        })
    }

    /// A base from which all labels, ascending, fall on free cells. None below `free` is.
    fn room(&self, labels: impl Iterator<Item = usize> + Clone, free: &mut usize) -> usize {
        let is_free = |at: usize| self.cells.get(at).is_none_or(|cell| cell.parent == 0);
        while !is_free(*free) {
            *free += 1;
        }
        let first = labels.clone().next().unwrap_or(0);
        let end = self.cells.len();
        (*free..end)
            .take(TRIES)
            .map(|at| at - first)
            .find(|base| labels.clone().all(|label| is_free(base + label)))
            .unwrap_or(end - first)
    }

    fn put(&mut self, at: usize, cell: Cell) {
        if self.cells.len() <= at {
            self.cells.resize(at + 1, Cell::default());
        }
        if let Some(place) = self.cells.get_mut(at) {
            *place = cell;
        }
    }
}

/// Where a word may end: the byte after its last letter.
pub struct Stop {
    here: Place,
    at: usize,
}

/// A cell that was reached.
#[derive(Clone, Copy)]
struct Place {
    cell: u32,
    base: u32,
}

/// Labels that are no byte of any text, because none of UTF-8 has them.
const GAP_LABEL: u8 = 0xfd;
const OPEN_LABEL: u8 = 0xfe;
const CLOSED_LABEL: u8 = 0xff;

fn label(ending: Ending) -> u8 {
    match ending {
        Ending::Open => OPEN_LABEL,
        Ending::Closed => CLOSED_LABEL,
    }
}

/// Marks of a base: a stem or a closed word ends before it, or a gap can follow.
const OPEN: u32 = 1 << 31;
const CLOSED: u32 = 1 << 30;
const GAP: u32 = 1 << 29;
/// Any base below has none of them.
const FLAG: u32 = GAP;

/// Below the cells that a base can lead to, so it is nobody's child.
const ROOT: usize = 1;
/// The first cell that can be a child: no base is below 1.
const FIRST: usize = 256;
/// Places that are tried for a cell with its branches. Chosen: the table is filled well, and making
/// it stays linear.
const TRIES: usize = 512;

/// Cells are counted when all are made.
fn small(cell: usize) -> u32 {
    u32::try_from(cell).map_or(0, |cell| cell & (FLAG - 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(text: &str, limit: usize, expected: &[(&str, usize)]) {
        let words = [
            ("ignor", Ending::Open),
            ("ignore", Ending::Closed),
            ("do", Ending::Closed),
            ("do not tell", Ending::Open),
            ("do_not", Ending::Open),
            ("не", Ending::Open),
        ];
        let numbered = words.iter().zip(0..);
        let trie = Trie::new(numbered.map(|((word, ending), n)| ((*word).to_owned(), *ending, n)));
        let gap = |rest: &[u8]| rest.iter().take_while(|byte| b" _".contains(byte)).count();
        let mut found = Vec::new();
        let trie = trie.unwrap();
        let text = text.as_bytes();
        if let Some(first) = trie.first(text, 0, limit) {
            trie.walk(first, text, limit, &gap, &mut |ending, value, end| {
                let word = words[value as usize];
                assert_eq!(word.1, ending);
                found.push((word.0, end));
            });
        }
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn every_word_that_begins_here_is_met() {
        check("ignores", 7, &[("ignor", 5)]);
        check("ignore it", 6, &[("ignor", 5), ("ignore", 6)]);
        check("do  not_tell", 2, &[("do", 2), ("do not tell", 12)]);
        check(
            "do_not_tell",
            11,
            &[("do", 2), ("do not tell", 11), ("do_not", 6)],
        );
        check("нет", 6, &[("не", 4)]);
        check("do nottell", 2, &[("do", 2)]);
        for text in ["", "ign", "d", "dog", "\0\u{7f}", "я"] {
            check(text, text.len(), &[]);
        }
    }

    #[test]
    fn the_first_part_ends_within_its_limit() {
        check("do_not", 2, &[("do", 2)]);
        check("ignores", 5, &[("ignor", 5)]);
    }

    #[test]
    fn many_words_are_kept_apart() {
        let words: Vec<String> = (0..5_000)
            .map(|n: u32| format!("{:x}", n * 7_919))
            .collect();
        let numbered = words.iter().cloned().zip(0..);
        let trie = Trie::new(numbered.map(|(word, n)| (word, Ending::Closed, n))).unwrap();
        for (word, number) in words.iter().zip(0..) {
            let mut found = Vec::new();
            let mut take = |_, value, end| found.push((value, end));
            let first = trie.first(word.as_bytes(), 0, word.len()).unwrap();
            trie.walk(first, word.as_bytes(), word.len(), &|_: &[u8]| 0, &mut take);
            assert!(found.contains(&(number, word.len())), "{word}");
        }
        let places = words
            .iter()
            .flat_map(|word| (1..=word.len()).map(|end| &word[..end]));
        let places: BTreeSet<&str> = places.collect();
        let least = places.len() + words.len();
        assert!(
            trie.cells.len() < least * 3 / 2,
            "{} {least}",
            trie.cells.len()
        );
    }
}
