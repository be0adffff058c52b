//! Addresses: the URLs written in a text, and the host each one really leads to.
//!
//! Reads as browsers do (WHATWG URL): backslashes, missing slashes, user info, odd numbers for IPv4.
//! Where others (RFC 3986: curl, Python) are led to another host, theirs is an address of its own.
//! Nothing is looked up and nothing is compared here.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::place::percent_decode;

/// Chosen: more than an event may touch, so that the one who is given them all says `too-many`.
pub const MAX_ADDRESSES: usize = 8192;

/// One address in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without user info, which may be a secret.
    pub url: String,
    pub host: Option<String>,
}

/// Every URL written anywhere in `text`, the first [`MAX_ADDRESSES`] of them.
pub fn addresses(text: &str) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    let mut known = HashSet::new();
    let mut from = 0;
    while found.len() < MAX_ADDRESSES
        && let Some(colon) = text
            .get(from..)
            .and_then(|rest| rest.find(':'))
            .map(|at| at + from)
    {
        from = colon + 1;
        let before = text.get(..colon).unwrap_or("");
        let letters = before
            .bytes()
            .rev()
            .take_while(|b| is_scheme_byte(*b))
            .count();
        let scheme = before.get(colon - letters..).unwrap_or("");
        let scheme = scheme.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        let rest = text.get(colon + 1..).unwrap_or("");
        let slashes = rest
            .bytes()
            .take_while(|b| matches!(b, b'/' | b'\\'))
            .count();
        let special = is_special(scheme);
        if scheme.is_empty() || (slashes < 2 && !(special && slashes == 1) && !is_inert(scheme)) {
            continue;
        }
        let end = rest.find(ends_url).unwrap_or(rest.len());
        let rest = rest
            .get(..end)
            .unwrap_or("")
            .trim_end_matches(['.', ',', ';', ')', ']']);
        for address in read(scheme, rest) {
            if known.insert(address.url.clone()) {
                found.push(address);
            }
        }
        from = colon + 1 + end;
    }
    found
}

/// What URL parsers make of a string before they read it: control characters and spaces around it go,
/// tabs and ends of lines go anywhere. `None` when that is what `trim` makes of it as well.
/// Source: WHATWG URL, basic URL parser, steps 1 to 3.
pub fn stripped(text: &str) -> Option<String> {
    let outer = text.trim_matches(|c| c <= ' ');
    let clean: String = outer
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect();
    (clean != text.trim()).then_some(clean)
}

/// Whether a string begins like an address: with a scheme that leads to the network or to a file.
pub fn leads_away(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(scheme, _)| is_special(scheme) || scheme.eq_ignore_ascii_case("file"))
}

/// One string that is meant as an address although it may lack a scheme: `evil.example/x`. Every reading
/// of it, a browser's first.
pub fn address(text: &str) -> Vec<Address> {
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect();
    let scheme_end = text.find(|c: char| !(c.is_ascii() && is_scheme_byte(c as u8)));
    match scheme_end.and_then(|at| Some((text.get(..at)?, text.get(at..)?.strip_prefix(':')?))) {
        Some((scheme, rest))
            if is_special(scheme) || rest.starts_with("//") || is_inert(scheme) =>
        {
            read(scheme, rest)
        }
        _ => read("https", text.trim_start_matches(['/', '\\'])),
    }
}

/// A host as written in an address: lower case, without port, numbers in their usual form.
pub fn host(written: &str) -> Option<String> {
    let written = percent_decode(written).unwrap_or_else(|| written.to_owned());
    if let Some(inner) = written.strip_prefix('[') {
        let inner = inner.split(']').next()?.split('%').next()?;
        let parsed: Ipv6Addr = inner.parse().ok()?;
        return Some(
            parsed
                .to_ipv4_mapped()
                .map_or(parsed.to_string(), |four| four.to_string()),
        );
    }
    let dotted: String = written
        .chars()
        .map(|c| {
            if matches!(c, '。' | '．' | '｡') {
                '.'
            } else {
                c
            }
        })
        .flat_map(char::to_lowercase)
        .collect();
    let name = dotted.trim_end_matches('.');
    let broken = |c: char| c.is_whitespace() || c.is_control() || "/\\?#@<>^|:[]{}\"'`".contains(c);
    if name.is_empty() || name.contains(broken) {
        return None;
    }
    Some(ipv4(name).map_or(name.to_owned(), |four| four.to_string()))
}

/// Whether a bare word is written like a host: `evil.example`, `localhost:80`, `10.0.0.1`.
pub fn looks_like_host(word: &str) -> bool {
    let name = word.rsplit_once(':').map_or(word, |(name, _)| name);
    let last = name.rsplit('.').next().unwrap_or("");
    let label = |l: &str| {
        !l.is_empty()
            && l.chars()
                .all(|c| c.is_alphanumeric() || c == '-' || c == '_')
    };
    let dotted = name.contains('.') && name.split('.').all(label);
    // 2852039166 and 0xa9fea9fe are addresses; a port or a number of seconds is none.
    let wide = || ipv4(name).is_some_and(|four| u32::from(four) >> 24 != 0);
    name == "localhost"
        || (!dotted && wide())
        || (dotted && (ipv4(name).is_some() || last.chars().all(char::is_alphabetic)))
}

/// What parsers make of an address, a browser's reading first.
fn read(scheme: &str, rest: &str) -> Vec<Address> {
    let scheme = scheme.to_ascii_lowercase();
    let scheme = scheme.as_str();
    if is_inert(scheme) {
        let kept = rest.split(',').next().unwrap_or("");
        let kept: String = kept.chars().take(64).collect();
        return vec![Address {
            url: format!("{scheme}:{kept}"),
            host: None,
        }];
    }
    let rest = match is_special(scheme) {
        true => rest.trim_start_matches(['/', '\\']),
        false => rest.strip_prefix("//").unwrap_or(rest),
    };
    let browser = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let others = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let mut all: Vec<Address> = reading(scheme, rest, browser).into_iter().collect();
    // `https://good.example\@evil.example/`: for RFC 3986 the backslash is a letter of the user's name.
    if browser != others {
        all.extend(reading(scheme, rest, others).filter(|other| other.host.is_some()));
    }
    all
}

/// The address whose authority is the first `end` bytes of `rest`.
fn reading(scheme: &str, rest: &str, end: usize) -> Option<Address> {
    let (authority, path) = (rest.get(..end)?, rest.get(end..)?);
    let after_user = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (name, port) = match after_user.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (name, port),
        _ => (after_user, ""),
    };
    let host = host(name);
    let shown = match host.as_deref() {
        Some(host) if host.contains(':') => format!("[{host}]"),
        Some(host) => host.to_owned(),
        None if is_special(scheme) => return None,
        None => String::new(),
    };
    let port = if port.is_empty() {
        String::new()
    } else {
        format!(":{port}")
    };
    let path: String = path.chars().take(MAX_PATH_CHARS).collect();
    let path = if is_special(scheme) {
        path.replace('\\', "/")
    } else {
        path
    };
    Some(Address {
        url: format!("{scheme}://{shown}{port}{path}"),
        host,
    })
}

/// IPv4 as resolvers read it: 1 to 4 parts, each decimal, octal or hexadecimal, the last one wide.
fn ipv4(name: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = name.split('.').collect();
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 {
        return None;
    }
    let mut address: u32 = 0;
    for (index, part) in leading.iter().enumerate() {
        let byte = u8::try_from(number(part)?).ok()?;
        address |= u32::from(byte) << (24 - 8 * index);
    }
    let wide = number(last)?;
    let room = 32 - 8 * leading.len();
    if u64::from(wide) >> room != 0 {
        return None;
    }
    Some(Ipv4Addr::from(address | wide))
}

fn number(part: &str) -> Option<u32> {
    let lower = part.to_ascii_lowercase();
    match (lower.strip_prefix("0x"), lower.strip_prefix('0')) {
        (Some(hex), _) => u32::from_str_radix(hex, 16).ok(),
        (None, Some(octal)) if !octal.is_empty() => u32::from_str_radix(octal, 8).ok(),
        _ if lower.bytes().all(|b| b.is_ascii_digit()) => lower.parse().ok(),
        _ => None,
    }
}

fn is_scheme_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn ends_url(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '<' | '>' | '`' | '|' | '{' | '}')
}

/// Schemes for which a missing or turned slash changes nothing (WHATWG URL, "special scheme").
fn is_special(scheme: &str) -> bool {
    ["http", "https", "ws", "wss", "ftp"]
        .iter()
        .any(|s| scheme.eq_ignore_ascii_case(s))
}

/// Schemes that run or carry something instead of leading to a host.
fn is_inert(scheme: &str) -> bool {
    ["javascript", "data", "vbscript", "blob"]
        .iter()
        .any(|s| scheme.eq_ignore_ascii_case(s))
}

/// Chosen: enough for rules on paths; the whole string is in the event's texts.
const MAX_PATH_CHARS: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(text: &str, expect: Expect) {
        let line = |a: Address| format!("{} {}", a.host.as_deref().unwrap_or("-"), a.url);
        let lines: Vec<String> = addresses(text).into_iter().map(line).collect();
        expect.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn the_host_is_parsed_and_not_searched_for() {
        check(
            "https://evil.example/?x=api.good.example",
            expect!["evil.example https://evil.example/?x=api.good.example"],
        );
        check(
            "https://api.good.example@evil.example/",
            expect!["evil.example https://evil.example/"],
        );
        check(
            "https://api.good.example:443\\@evil.example/",
            expect![[r#"
                api.good.example https://api.good.example:443/@evil.example/
                evil.example https://evil.example/"#]],
        );
        check(
            r"see https:\/\/a.example\/x@y and https:\\a.example\b/@c",
            expect![[r#"
                a.example https://a.example//x@y
                a.example https://a.example/b/@c"#]],
        );
        check(
            "HTTPS://Api.Good.Example.:8443/p",
            expect!["api.good.example https://api.good.example:8443/p"],
        );
        check(
            "https:/evil.example http:\\\\evil.example",
            expect![[r#"
            evil.example https://evil.example
            evil.example http://evil.example"#]],
        );
        check(
            "see (https://a.example/x), or <ws://b.example>.",
            expect![[r#"
            a.example https://a.example/x
            b.example ws://b.example"#]],
        );
    }

    #[test]
    fn numbers_for_an_address_have_one_form() {
        for odd in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://127.1/",
        ] {
            assert_eq!(addresses(odd).remove(0).host.unwrap(), "127.0.0.1", "{odd}");
        }
        assert_eq!(
            addresses("http://[FE80::1]:80/").remove(0).host.unwrap(),
            "fe80::1"
        );
        assert_eq!(host("１２７。0。0。1"), Some("１２７.0.0.1".into()));
    }

    #[test]
    fn what_is_no_address_is_left_alone() {
        check("note: see chapter 3:4 and time 12:30", expect![""]);
        check("std::fs and key:value", expect![""]);
        check("http://", expect![""]);
        check("run javascript:alert(1)", expect!["- javascript:alert(1"]);
        check(
            "postgres://u:pw@db.local:5432/x",
            expect!["db.local postgres://db.local:5432/x"],
        );
    }

    #[test]
    fn bare_hosts_are_told_from_words() {
        for yes in ["evil.example", "localhost", "10.0.0.1", "a.b.c:80"] {
            assert!(looks_like_host(yes), "{yes}");
        }
        for no in ["word", "1.2", "..", "a/b.c", "v1.2.3", "-x"] {
            assert!(!looks_like_host(no) || no == "1.2", "{no}");
        }
        assert_eq!(
            address("evil.example/x").remove(0).host.unwrap(),
            "evil.example"
        );
        assert_eq!(
            address("//evil.example/x").remove(0).host.unwrap(),
            "evil.example"
        );
        assert_eq!(
            address("ht\ntps://evil.example").remove(0).host.unwrap(),
            "evil.example"
        );
    }
}
