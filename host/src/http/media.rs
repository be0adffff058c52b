//! What a body says it is: read so that nobody who believes it reads another text than we do, and
//! said again in words of ours.

use crate::loopback::single;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

/// What a body says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    EventStream,
    /// Something else, or nothing, in UTF-8 as far as it says.
    Other,
    /// Said twice, or in another coding: a reader that believes it reads another text than we do.
    Unclear,
}

impl Media {
    pub fn of(headers: &HeaderMap) -> Self {
        match declared(headers) {
            None => Self::Unclear,
            Some(declared) => match declared.kind.as_str() {
                "application/json" => Self::Json,
                "text/event-stream" => Self::EventStream,
                _ => Self::Other,
            },
        }
    }

    /// What a body is, in words of ours. Of the other side's only this is kept: whether it named UTF-8,
    /// because some readers take a text that names nothing for Latin-1. A parameter that we overlook
    /// must not reach a reader that understands it.
    pub fn content_type(self, headers: &HeaderMap) -> HeaderValue {
        let named = declared(headers).is_some_and(|declared| declared.names_utf8);
        HeaderValue::from_static(match (self, named) {
            (Self::Json, false) => "application/json",
            (Self::Json, true) => "application/json; charset=utf-8",
            (Self::EventStream, false) => "text/event-stream",
            (Self::EventStream, true) => "text/event-stream; charset=utf-8",
            // What is not one of the two kinds that carry messages must not be taken for one.
            (Self::Other | Self::Unclear, _) => "text/plain; charset=utf-8",
        })
    }
}

/// What a Content-Type says, in lower case.
struct Declared {
    kind: String,
    names_utf8: bool,
}

/// `None` when it stands twice, or names another coding or one in a way that readers differ in.
fn declared(headers: &HeaderMap) -> Option<Declared> {
    let value = single(headers, CONTENT_TYPE).ok()?;
    let value = value.unwrap_or_default().to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_owned();
    let mut names_utf8 = false;
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim().trim_matches('"');
        match name.trim() {
            "charset" if matches!(value, "utf-8" | "utf8" | "us-ascii") => names_utf8 = true,
            // Source: RFC 2231 §3 and §4: `charset*`, `charset*0` and so on are the same parameter,
            // to those who know that standard.
            name if name.starts_with("charset") => return None,
            _ => {}
        }
    }
    Some(Declared { kind, names_utf8 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(types: &[&str]) -> HeaderMap {
        types
            .iter()
            .map(|kind| (CONTENT_TYPE, HeaderValue::from_str(kind).unwrap()))
            .collect()
    }

    #[test]
    fn a_body_in_another_coding_is_not_what_it_says() {
        let of = |types: &[&str]| Media::of(&typed(types));
        assert_eq!(of(&["application/json"]), Media::Json);
        assert_eq!(of(&["Application/JSON; charset=\"UTF-8\""]), Media::Json);
        assert_eq!(of(&["text/event-stream;charset=utf-8"]), Media::EventStream);
        assert_eq!(of(&["application/jsonx"]), Media::Other);
        assert_eq!(of(&["text/html"]), Media::Other);
        assert_eq!(of(&[]), Media::Other);
        assert_eq!(of(&["application/json; charset=utf-7"]), Media::Unclear);
        assert_eq!(of(&["text/event-stream; charset=utf-16"]), Media::Unclear);
        assert_eq!(of(&["text/html; charset=iso-8859-1"]), Media::Unclear);
        assert_eq!(
            of(&["application/json", "application/json"]),
            Media::Unclear
        );
        for named in [
            "charset*=utf-8''utf-7",
            "charset*=utf-8''utf-8",
            "charset*0=ut; charset*1=f-7",
            "CharSet*0*=us-ascii''utf-7",
            "charset=utf-8; charset*=utf-7",
            "x=\"a; charset*=utf-7\"",
        ] {
            let of = of(&[&format!("application/json; {named}")]);
            assert_eq!(of, Media::Unclear, "{named}");
        }
        let other = "application/json; profile=x; version=charset";
        assert_eq!(of(&[other]), Media::Json);
    }

    #[test]
    fn what_a_body_is_travels_in_our_words() {
        for (came, media, goes) in [
            ("application/json", Media::Json, "application/json"),
            (
                "Application/JSON ;Charset=\"UTF-8\"; x*=utf-8''utf-7",
                Media::Json,
                "application/json; charset=utf-8",
            ),
            (
                "text/event-stream; boundary=x",
                Media::EventStream,
                "text/event-stream",
            ),
            (
                "text/event-stream; charset=us-ascii",
                Media::EventStream,
                "text/event-stream; charset=utf-8",
            ),
            // It was judged as a message, so it is one.
            ("text/html; x=1", Media::Json, "application/json"),
            ("text/html; x=1", Media::Other, "text/plain; charset=utf-8"),
        ] {
            assert_eq!(media.content_type(&typed(&[came])), goes, "{came}");
        }
    }
}
