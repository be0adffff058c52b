//! Keys that some parser somewhere takes for another key.
//!
//! Go's `encoding/json` matches fields without regard to ASCII case and folds `ſ` to `s` and the
//! Kelvin sign to `k`; a library under some Go SDKs cut keys at NUL. Where the protocol names the
//! keys, such twins are refused. Where people name them (tool arguments, schemas, structured
//! content) they are ordinary and nobody calls this.
//!
//! Source: CVE-2026-27896; GHSA-q382-vc8q-7jhj.

use std::collections::HashSet;

use super::json::Member;

/// The first key that reads like an earlier one, or like one of `known` without being it.
pub fn lookalike<'n, 'a>(members: &'n [Member<'a>], known: &[&str]) -> Option<&'n Member<'a>> {
    members
        .iter()
        .find(|member| {
            known
                .iter()
                .any(|name| member.key != *name && same(&member.key, name))
        })
        .or_else(|| twin(members))
}

fn twin<'n, 'a>(members: &'n [Member<'a>]) -> Option<&'n Member<'a>> {
    if members.len() > PAIRWISE_KEYS {
        let mut seen = HashSet::with_capacity(members.len());
        return members
            .iter()
            .find(|member| !seen.insert(folded(&member.key).collect::<String>()));
    }
    members
        .iter()
        .enumerate()
        .find(|(index, member)| {
            members
                .iter()
                .take(*index)
                .any(|earlier| same(&earlier.key, &member.key))
        })
        .map(|(_, member)| member)
}

/// Above this many keys, pairs cost more than hashing.
const PAIRWISE_KEYS: usize = 16;

/// Whether some parser takes one key for the other.
pub fn same(a: &str, b: &str) -> bool {
    folded(a).eq(folded(b))
}

fn folded(key: &str) -> impl Iterator<Item = char> {
    key.trim_end_matches('\0').chars().map(|char| match char {
        'ſ' => 's',
        '\u{212a}' => 'k',
        _ => char.to_ascii_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::json::{Limits, parse};
    use super::*;

    #[track_caller]
    fn check(object: &str, refused: bool) {
        let node = parse(object.as_bytes(), &Limits::default()).unwrap();
        let found = lookalike(node.as_object().unwrap(), &["result", "isError"]);
        assert_eq!(found.is_some(), refused, "{object}");
    }

    #[test]
    fn keys_that_fold_together_are_refused() {
        check(r#"{"text":1,"Text":2}"#, true);
        check(r#"{"token":1,"to\u212Aen":2}"#, true);
        check(r#"{"a":1,"a\u0000":2}"#, true);
        check(r#"{"a":1,"A\u0000\u0000":2}"#, true);
    }

    #[test]
    fn a_lone_imitation_of_a_protocol_key_is_refused() {
        check(r#"{"reſult":1}"#, true);
        check(r#"{"Result":1}"#, true);
        check(r#"{"result\u0000":1}"#, true);
        check(r#"{"ISERROR":1}"#, true);
    }

    #[test]
    fn keys_that_merely_resemble_pass() {
        check(
            r#"{"result":1,"results":2,"isError":true,"text":1,"tëxt":2,"a\u0000b":1,"a":2}"#,
            false,
        );
        check(r#"{}"#, false);
    }

    #[test]
    fn a_twin_is_found_among_many_keys() {
        let many: String = (0..5000).map(|n| format!(r#""k{n}":0,"#)).collect();
        check(&format!(r#"{{{many}"last":0}}"#), false);
        check(&format!(r#"{{{many}"K7":0}}"#), true);
    }
}
