//! Words and what they mean; one that is no whole stem.

use super::*;

fn lexicon() -> Lexicon {
    let of = |list: &[(&str, &str)]| {
        list.iter()
            .map(|(name, words)| ((*name).to_owned(), (*words).to_owned()))
            .collect()
    };
    Lexicon::new(&[
        Words {
            language: "en".into(),
            of: of(&[
                ("drop", "ignor, pay no attention, drop|"),
                ("negate", "no|"),
            ]),
        },
        Words {
            language: "zh".into(),
            of: of(&[("drop", "忽略"), ("please", "请")]),
        },
    ])
    .unwrap()
}

#[track_caller]
fn check(text: &str, word: usize, end: usize) {
    let found = lexicon().look_up(text.as_bytes(), 0, word);
    assert_eq!(found.end, end, "{text}");
}

#[test]
fn stems_take_endings_and_closed_words_none() {
    check("ignoring it", 8, 8);
    check("drop it", 4, 4);
    check("droplet", 7, 0);
    check("pay  no\nattention!", 3, 17);
    check("pay now attention", 3, 0);
    check("no.", 2, 2);
    check("not", 3, 0);
    check("忽略之前", 12, 6);
    check("请忽略", 9, 3);
    check("请", 3, 3);
}

#[test]
fn an_open_stem_needs_enough_letters() {
    let words = Words {
        language: "xx".into(),
        of: [("drop".to_owned(), "ig".to_owned())].into(),
    };
    assert!(Lexicon::new(&[words]).is_err());
}
