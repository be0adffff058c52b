//! Edits change what they name and not one byte more, and never leave ambiguous JSON.

use super::*;

fn node(text: &str) -> Node<'_> {
    parse(text.as_bytes(), &Limits::default()).unwrap()
}

#[track_caller]
fn removing(text: &str, pointer: &str, indexes: &[usize], expect: &str) {
    let root = node(text);
    let mut splice = Splice::new(text.as_bytes());
    for index in indexes {
        splice
            .remove(root.pointer(pointer).unwrap(), *index)
            .unwrap();
    }
    assert_eq!(String::from_utf8(splice.finish().unwrap()).unwrap(), expect);
}

#[test]
fn nothing_to_edit_changes_nothing() {
    removing(
        " { \"a\" : [ 1e2 , \"\\u0061\" ] } \r\n",
        "/a",
        &[],
        " { \"a\" : [ 1e2 , \"\\u0061\" ] } \r\n",
    );
}

#[test]
fn removed_elements_take_their_commas_along() {
    removing("[1]", "", &[0], "[]");
    removing("[1,2,3]", "", &[0], "[2,3]");
    removing("[1,2,3]", "", &[1], "[1,3]");
    removing("[1,2,3]", "", &[2], "[1,2]");
    removing("[1,2,3]", "", &[2, 0], "[2]");
    removing("[1,2,3,4]", "", &[1, 2], "[1,4]");
    removing("[1,2,3,4]", "", &[0, 1, 3], "[3]");
    removing("[1,2,3]", "", &[0, 1, 2, 1], "[]");
    removing("[ 1 , 2 , 3 ]", "", &[1], "[ 1 , 3 ]");
    removing("[ 1 , 2 , 3 ]", "", &[0, 1, 2], "[  ]");
    removing(
        r#"{"tools":[{"n":"a"},{"n":"b"}],"ttlMs":1.0}"#,
        "/tools",
        &[0],
        r#"{"tools":[{"n":"b"}],"ttlMs":1.0}"#,
    );
}

#[test]
fn every_way_to_thin_out_an_array_leaves_what_was_kept() {
    let text = "[ 0,1 ,2, 3,\t4 ]";
    let root = node(text);
    for mask in 0_u32..32 {
        let mut splice = Splice::new(text.as_bytes());
        let (gone, kept): (Vec<usize>, Vec<usize>) =
            (0..5).partition(|index| mask >> index & 1 == 1);
        for index in gone {
            splice.remove(&root, index).unwrap();
        }
        let edited: Vec<usize> = serde_json::from_slice(&splice.finish().unwrap()).unwrap();
        assert_eq!(edited, kept);
    }
}

#[test]
fn elements_go_from_nested_arrays_at_once() {
    let text = "[[1,2],[3,4],[5]]";
    let root = node(text);
    let mut splice = Splice::new(text.as_bytes());
    splice.remove(root.pointer("/0").unwrap(), 0).unwrap();
    splice.remove(root.pointer("/1").unwrap(), 1).unwrap();
    splice.remove(&root, 1).unwrap();
    assert_eq!(splice.finish().unwrap(), b"[[2],[5]]");
}

#[track_caller]
fn redacting(text: &str, pointer: &str, passages: &[(Range<usize>, &str)], expect: &str) {
    let mut splice = Splice::new(text.as_bytes());
    for (passage, placeholder) in passages {
        splice
            .redact(
                node(text).pointer(pointer).unwrap().span.clone(),
                passage.clone(),
                placeholder,
            )
            .unwrap();
    }
    assert_eq!(String::from_utf8(splice.finish().unwrap()).unwrap(), expect);
}

#[test]
fn passages_of_decoded_text_are_replaced_and_only_that_literal_is_written_anew() {
    redacting(
        r#"{"a":"\u0061", "t":"key=\u0073ecret\n.","n":1.0}"#,
        "/t",
        &[(4..10, "[secret]")],
        r#"{"a":"\u0061", "t":"key=[secret]\n.","n":1.0}"#,
    );
    redacting(r#"["é\ud83d\ude00x"]"#, "/0", &[(2..6, "*")], r#"["é*x"]"#);
    redacting(r#""abcdef""#, "", &[(4..6, "2"), (0..2, "1")], r#""1cd2""#);
    redacting(r#""abc""#, "", &[(0..3, "")], r#""""#);
    redacting(r#""abc""#, "", &[(1..1, "\"\\\n")], r#""a\"\\\nbc""#);
}

#[test]
fn overlapping_passages_become_one_and_leave_no_secret_between() {
    redacting(r#""abcdef""#, "", &[(1..3, "1"), (2..5, "2")], r#""a1f""#);
    redacting(r#""abcdef""#, "", &[(1..2, "1"), (0..6, "2")], r#""2""#);
    redacting(r#""abcdef""#, "", &[(1..3, "1"), (3..5, "2")], r#""a12f""#);
}

#[test]
fn a_value_is_replaced_as_given() {
    let text = r#"{"a":[1,{"b":"s"}],"c":2}"#;
    let root = node(text);
    let mut splice = Splice::new(text.as_bytes());
    splice
        .replace(root.pointer("/a/1").unwrap().span.clone(), br#"{"x":1}"#)
        .unwrap();
    let inner = root.pointer("/a/1/b").unwrap().span.clone();
    splice.redact(inner, 0..1, "moot").unwrap();
    assert_eq!(splice.finish().unwrap(), br#"{"a":[1,{"x":1}],"c":2}"#);
}

#[test]
fn edits_that_name_no_such_place_are_refused() {
    let text = r#"{"a":["é",1]}"#;
    let root = node(text);
    let array = root.get("a").unwrap();
    let literal = array.pointer("/0").unwrap().span.clone();
    let mut splice = Splice::new(text.as_bytes());
    assert_eq!(
        splice.remove(array, 2),
        Err(SpliceError::NoElement { index: 2, len: 2 })
    );
    assert_eq!(
        splice.remove(&root, 0),
        Err(SpliceError::NoElement { index: 0, len: 0 })
    );
    for range in [0..1, 1..2, 0..3] {
        let expected = SpliceError::NoPassage {
            start: range.start,
            end: range.end,
        };
        assert_eq!(splice.redact(literal.clone(), range, ""), Err(expected));
    }
    for span in [9..10, literal.start..literal.end + 1, 0..99] {
        let expected = SpliceError::NotAString { at: span.start };
        assert_eq!(splice.redact(span, 0..0, ""), Err(expected));
    }
    assert!(matches!(
        splice.replace(0..1, b"{"),
        Err(SpliceError::Replacement(_))
    ));
    assert_eq!(splice.replace(0..1, b"[\n]"), Err(SpliceError::LineBreak));
    assert_eq!(splice.finish().unwrap(), text.as_bytes());
}

#[test]
fn an_edit_that_would_make_a_message_ambiguous_fails() {
    let text = r#"{"k1":1,"k2":2}"#;
    let root = node(text);
    let mut splice = Splice::new(text.as_bytes());
    for member in root.as_object().unwrap() {
        splice.redact(member.key_span.clone(), 1..2, "*").unwrap();
    }
    assert_eq!(
        splice.finish(),
        Err(SpliceError::Outcome(JsonError::DuplicateKey { at: 8 }))
    );

    let mut crossing = Splice::new(text.as_bytes());
    crossing.replace(1..8, b"1").unwrap();
    crossing.replace(5..10, b"2").unwrap();
    assert_eq!(crossing.finish(), Err(SpliceError::Overlap { at: 5 }));
}

#[test]
fn a_whole_literal_goes_however_long_it_is() {
    let text = format!(r#"{{"a":"{}\u0041","b":"c"}}"#, "x".repeat(200_000));
    let span = node(&text).get("a").unwrap().span.clone();
    let mut splice = Splice::new(text.as_bytes());
    splice.redact_whole(span, "[gone]").unwrap();
    assert_eq!(splice.finish().unwrap(), br#"{"a":"[gone]","b":"c"}"#);
    let mut splice = Splice::new(text.as_bytes());
    assert!(splice.redact_whole(0..3, "[gone]").is_err());
}
