//! What the strict parser accepts, what it refuses and why, and that it agrees with `serde_json`.

use super::*;

fn read(bytes: &[u8]) -> Result<Node<'_>, JsonError> {
    parse(bytes, &Limits::default())
}

#[track_caller]
fn accept(text: &str) {
    let node = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let oracle: serde_json::Value = serde_json::from_str(text).unwrap();
    assert!(same(&node, &oracle), "{text}: {node:?} is not {oracle}");
}

#[track_caller]
fn refuse(bytes: impl AsRef<[u8]>, expected: JsonError) {
    let bytes = bytes.as_ref();
    assert_eq!(
        read(bytes),
        Err(expected),
        "{}",
        String::from_utf8_lossy(bytes)
    );
}

/// Equal structure and equal strings; numbers as the lexeme's double.
fn same(node: &Node<'_>, oracle: &serde_json::Value) -> bool {
    match (&node.value, oracle) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Number(lexeme), serde_json::Value::Number(number)) => {
            let (a, b) = (lexeme.parse::<f64>().unwrap(), number.as_f64().unwrap());
            (a - b).abs() <= a.abs() * 1e-12
        }
        (Value::String(a), serde_json::Value::String(b)) => a == b,
        (Value::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), serde_json::Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|m| b.get(&*m.key).is_some_and(|b| same(&m.node, b)))
        }
        _ => false,
    }
}

/// Every span, cut out and parsed alone, is the same value again.
fn spans_hold(node: &Node<'_>, bytes: &[u8]) -> bool {
    let alone = read(node.raw(bytes).unwrap()).unwrap();
    let children = match (&node.value, &alone.value) {
        (Value::Array(items), Value::Array(_)) => items.iter().all(|n| spans_hold(n, bytes)),
        (Value::Object(members), Value::Object(_)) => members.iter().all(|m| {
            let key = read(&bytes[m.key_span.clone()]).unwrap();
            key.as_str() == Some(&m.key) && spans_hold(&m.node, bytes)
        }),
        (a, b) => a == b,
    };
    children && alone.span == (0..node.span.len())
}

#[test]
fn ordinary_json_is_read() {
    for text in [
        "null",
        " true\r\n",
        "\tfalse",
        "0",
        "-0",
        "-0.5e-7",
        "1E+2",
        "123456789012345678901234567890",
        "9007199254740993",
        "1.7976931348623157e308",
        "1e-9999",
        r#""""#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#""\u00e9é\ud83d\ude00\u0000\uFFFF""#,
        "\"\u{7f}\u{2028}\u{10ffff}\"",
        "[]",
        "[ ]",
        "{ }",
        r#"[1,[2,[3]],{"a":[{}]}]"#,
        r#"{"":0," ":1,"A":2,"a":3}"#,
        r#"{"a":{"a":{"a":1}}}"#,
        r#"{"\u0061":1,"b":2}"#,
    ] {
        accept(text);
    }
}

#[test]
fn bytes_that_are_not_one_json_value_are_refused() {
    refuse("", JsonError::Empty);
    refuse(" \n", JsonError::Empty);
    refuse("\u{feff}{}", JsonError::Bom);
    refuse(b"\xff\xfe{\0}\0", JsonError::Utf8 { at: 0 });
    refuse(b"[\"\xc0\xaf\"]", JsonError::Utf8 { at: 2 });
    refuse(b"[\"\xed\xa0\x80\"]", JsonError::Utf8 { at: 2 });
    refuse("{}{}", JsonError::Trailing { at: 2 });
    refuse("{} x", JsonError::Trailing { at: 3 });
    refuse("1\0", JsonError::Trailing { at: 1 });
    refuse("[1,]", JsonError::Unexpected { at: 3 });
    refuse("[,1]", JsonError::Unexpected { at: 1 });
    refuse("[1 2]", JsonError::Unexpected { at: 3 });
    refuse("[1}", JsonError::Unexpected { at: 2 });
    refuse(r#"{"a":1,}"#, JsonError::Unexpected { at: 7 });
    refuse(r#"{"a" 1}"#, JsonError::Unexpected { at: 5 });
    refuse("{a:1}", JsonError::Unexpected { at: 1 });
    refuse("{'a':1}", JsonError::Unexpected { at: 1 });
    refuse("{1:1}", JsonError::Unexpected { at: 1 });
    refuse("[1/*c*/]", JsonError::Unexpected { at: 2 });
    refuse("// c\n1", JsonError::Unexpected { at: 0 });
    refuse("\u{a0}1", JsonError::Unexpected { at: 0 });
    refuse("\u{c}1", JsonError::Unexpected { at: 0 });
    refuse("True", JsonError::Unexpected { at: 0 });
    refuse("nul", JsonError::CutOff { at: 3 });
    refuse("nulL", JsonError::Unexpected { at: 3 });
    for cut in [
        "[",
        "[1",
        "[1,",
        "{",
        r#"{"a"#,
        r#"{"a""#,
        r#"{"a":"#,
        r#"{"a":1"#,
        "\"",
        "\"\\",
    ] {
        refuse(cut, JsonError::CutOff { at: cut.len() });
    }
}

#[test]
fn a_key_written_twice_is_refused_however_it_is_spelled() {
    refuse(r#"{"a":1,"a":1}"#, JsonError::DuplicateKey { at: 7 });
    refuse(
        r#"{"text":1,"te\u0078t":2}"#,
        JsonError::DuplicateKey { at: 10 },
    );
    refuse(r#"[{"x":{"":1,"":2}}]"#, JsonError::DuplicateKey { at: 12 });
    accept(r#"[{"a":1},{"a":1}]"#);
    let many: String = (0..10_000).map(|n| format!(r#""k{n}":0,"#)).collect();
    accept(&format!(r#"{{{many}"z":0}}"#));
    let twice = format!(r#"{{{many}"k9":0}}"#);
    refuse(
        &twice,
        JsonError::DuplicateKey {
            at: twice.len() - 7,
        },
    );
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    refuse(r#""\ud800""#, JsonError::LoneSurrogate { at: 1 });
    refuse(r#""a\udc00""#, JsonError::LoneSurrogate { at: 2 });
    refuse(r#""\ud800\ud800""#, JsonError::LoneSurrogate { at: 1 });
    refuse(r#""\ud800A""#, JsonError::LoneSurrogate { at: 1 });
    refuse(r#""\ud800\n""#, JsonError::LoneSurrogate { at: 1 });
    refuse(r#""\ud800\u00""#, JsonError::Escape { at: 7 });
    refuse(r#"{"\ud800":1}"#, JsonError::LoneSurrogate { at: 2 });
    accept(r#""\uD83D\uDE00""#);
}

#[test]
fn unknown_escapes_and_raw_control_characters_are_refused() {
    for escape in [
        r#""\x41""#,
        r#""\u12g4""#,
        r#""\U0041""#,
        r#""\'""#,
        "\"\\\u{0}\"",
        "\"\\é\"",
    ] {
        refuse(escape, JsonError::Escape { at: 1 });
    }
    for raw in ["\"\n\"", "\"\t\"", "\"\0\"", "\"\u{1f}\""] {
        refuse(raw, JsonError::Control { at: 1 });
    }
    refuse(
        "\"long enough to fill a vector\u{1b}[2J\"",
        JsonError::Control { at: 29 },
    );
}

#[test]
fn numbers_no_two_parsers_agree_on_are_refused() {
    refuse("NaN", JsonError::NotANumber { at: 0 });
    refuse("[Infinity]", JsonError::NotANumber { at: 1 });
    refuse("-Infinity", JsonError::NotANumber { at: 0 });
    refuse("1e309", JsonError::NumberRange { at: 0 });
    refuse("-1e400", JsonError::NumberRange { at: 0 });
    refuse(
        format!("1{}", "0".repeat(309)),
        JsonError::NumberRange { at: 0 },
    );
    refuse(
        "1".repeat(513),
        JsonError::NumberLength {
            at: 0,
            len: 513,
            limit: 512,
        },
    );
    refuse("01", JsonError::LeadingZero { at: 0 });
    refuse("[-007]", JsonError::LeadingZero { at: 1 });
    for bad in ["-x", "1.x", "1.ex", "1ex", "1e+x", "-.5"] {
        refuse(bad, JsonError::Number { at: 0 });
    }
    for bad in ["+1", ".5"] {
        refuse(bad, JsonError::Unexpected { at: 0 });
    }
    refuse("0x1f", JsonError::Trailing { at: 1 });
    refuse("-", JsonError::CutOff { at: 1 });
    refuse("1.", JsonError::CutOff { at: 2 });
}

#[test]
fn limits_hold_exactly() {
    let nest = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    accept(&nest(127));
    assert!(read(nest(128).as_bytes()).is_ok());
    refuse(
        nest(129),
        JsonError::TooDeep {
            at: 128,
            limit: 128,
        },
    );
    refuse(
        "[".repeat(1_000_000),
        JsonError::TooDeep {
            at: 128,
            limit: 128,
        },
    );
    refuse(
        r#"{"a":"#.repeat(200),
        JsonError::TooDeep {
            at: 128 * 5,
            limit: 128,
        },
    );
    let wide = Limits {
        max_depth: usize::MAX,
        ..Limits::default()
    };
    assert!(parse(nest(512).as_bytes(), &wide).is_ok());
    let abyss = nest(5000);
    let deep = parse(abyss.as_bytes(), &wide);
    assert_eq!(
        deep,
        Err(JsonError::TooDeep {
            at: 512,
            limit: Limits::DEEPEST
        })
    );

    let few = Limits {
        max_nodes: 3,
        ..Limits::default()
    };
    assert!(parse(b"[1,2]", &few).is_ok());
    assert_eq!(
        parse(b"[1,2,3]", &few),
        Err(JsonError::TooManyNodes { at: 5, limit: 3 })
    );
    let flat = Limits {
        max_pointers: 2 * (7 + 3),
        ..Limits::default()
    };
    assert!(parse(br#"{"abc":1,"def":2}"#, &flat).is_ok());
    assert_eq!(
        parse(br#"{"abc":1,"def":2,"g":3}"#, &flat),
        Err(JsonError::Pointers { at: 21, limit: 20 })
    );
    let key = "k".repeat(4 << 20);
    let bomb = format!(r#"{{"{key}":[{}0]}}"#, "0,".repeat(100_000));
    assert!(matches!(
        parse(bomb.as_bytes(), &Limits::default()),
        Err(JsonError::Pointers { .. })
    ));
    let short = Limits {
        max_bytes: 4,
        ..Limits::default()
    };
    assert!(parse(b"1234", &short).is_ok());
    assert_eq!(
        parse(b"12345", &short),
        Err(JsonError::TooLong { len: 5, limit: 4 })
    );
}

#[test]
fn text_without_escapes_is_borrowed() {
    let node = read(br#"{"a":"plain","b":"\n"}"#).unwrap();
    assert!(matches!(
        &node.get("a").unwrap().value,
        Value::String(Cow::Borrowed("plain"))
    ));
    assert!(matches!(
        &node.get("b").unwrap().value,
        Value::String(Cow::Owned(_))
    ));
}

#[test]
fn pointers_find_what_they_name() {
    let node = read(br#"{"a":[{"b/c":{"~":7}},"x"],"":{"0":8}}"#).unwrap();
    let number = |pointer| match node.pointer(pointer).map(|n| &n.value) {
        Some(Value::Number(lexeme)) => Some(*lexeme),
        _ => None,
    };
    assert_eq!(number("/a/0/b~1c/~0"), Some("7"));
    assert_eq!(number("//0"), Some("8"));
    assert_eq!(node.pointer("").unwrap(), &node);
    assert_eq!(node.pointer("/a/1").unwrap().as_str(), Some("x"));
    for nothing in ["a", "/a/2", "/a/01", "/a/+1", "/a/-", "/b", "/a/1/x", "/"] {
        assert_eq!(number(nothing), None, "{nothing}");
    }
}

#[test]
fn a_walk_meets_every_key_and_string_once_in_written_order() {
    let bytes = br#" {"a":["x",{"b~/":"y"},1],"c":null,"\u0064":"z"}"#;
    let mut met = Vec::new();
    let node = read(bytes).unwrap();
    node.walk(&mut |path, text| {
        let raw = std::str::from_utf8(&bytes[text.span.clone()]).unwrap();
        met.push(format!("{path} {:?} {} {raw}", text.role, text.text));
    });
    expect_test::expect![[r#"
        /a Key a "a"
        /a/0 Value x "x"
        /a/1/b~0~1 Key b~/ "b~/"
        /a/1/b~0~1 Value y "y"
        /c Key c "c"
        /d Key d "\u0064"
        /d Value z "z""#]]
    .assert_eq(&met.join("\n"));
}

/// Marsaglia's xorshift: the same inputs on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

const SEEDS: [&str; 8] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":[1,2.5e3]}}}"#,
    r#"{"a":"\ud83d\ude00 \u0061\n","b":[null,true,false,{}],"c":-0.0}"#,
    r#"[[[[]]],{"":{"":{}}},"é\\\"\/"]"#,
    r#"[0,-1,10.25,1e5,1E-5,123456789012345678901234567890]"#,
    r#"{"k1":1,"k2":2,"k3":3,"k4":4,"k5":5,"k6":6,"k7":7,"k8":8,"k9":9,"k10":10}"#,
    r#"  [ "a" , "b" , { "c" : "d" } ]  "#,
    r#""\u0000\u001f\uFFFE""#,
    r#"{"text":"x","te\u0078u":"y"}"#,
];
const SPLICES: [&[u8]; 26] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"0",
    b"-",
    b".",
    b"e",
    b"+",
    b"1e308",
    b"\\u",
    b"\\ud83d",
    b"\\ude00",
    b"\x00",
    b"\n",
    b" ",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc3",
    b"null",
    b"NaN",
    b"\"a\":",
];

#[test]
fn whatever_is_accepted_serde_json_reads_alike_and_what_it_refuses_is_refused() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut stricter) = (0, 0);
    for _ in 0..60_000 {
        let mut bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() + 1);
            match random.below(5) {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 if at < bytes.len() => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                2 => bytes.truncate(at),
                3 => {
                    let from = random.below(bytes.len() + 1);
                    let piece = bytes[from.min(at)..from.max(at)].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => drop(bytes.splice(at..at, SPLICES[random.below(SPLICES.len())].to_vec())),
            }
        }
        let shown = String::from_utf8_lossy(&bytes);
        match (
            read(&bytes),
            serde_json::from_slice::<serde_json::Value>(&bytes),
        ) {
            (Ok(node), Ok(oracle)) => {
                assert!(same(&node, &oracle), "read differently: {shown}");
                assert!(spans_hold(&node, &bytes), "spans wrong: {shown}");
                accepted += 1;
            }
            (Ok(_), Err(error)) => panic!("accepted what serde_json refuses, {error}: {shown}"),
            // The only thing serde_json takes and we don't is a key written twice.
            (Err(error), Ok(_)) => {
                assert!(
                    matches!(error, JsonError::DuplicateKey { .. }),
                    "{error}: {shown}"
                );
                stricter += 1;
            }
            (Err(_), Err(_)) => {}
        }
    }
    assert!(
        accepted > 3_000 && stricter > 10,
        "the mutations went stale: {accepted}, {stricter}"
    );
}
