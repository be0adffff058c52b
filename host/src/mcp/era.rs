//! Protocol revisions, and the two eras they fall into.
//!
//! Until 2025-11-25 a session opens with `initialize`; from 2026-07-28 on every request says its
//! revision itself. Both are on the wire today. Nothing here remembers a session.
//!
//! Source: MCP specification, revisions 2024-11-05 to 2026-07-28.

use super::json::Node;
use super::message::Batches;

/// A published revision, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    V2024_11_05,
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

/// How a request says which revision it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// Agreed once, in `initialize`.
    Handshake,
    /// In `_meta` of every request; every result must carry `resultType`.
    Stateless,
}

/// The `_meta` member that makes a request one of the stateless era.
pub const VERSION_META: &str = "io.modelcontextprotocol/protocolVersion";

impl Revision {
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The revision written as `word`; `None` for any that is not published.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.word() == word)
    }

    /// What a server agreed to in the result of `initialize`.
    #[must_use]
    pub fn agreed(initialize_result: &Node<'_>) -> Option<Self> {
        Self::parse(initialize_result.get("protocolVersion")?.as_str()?)
    }

    #[must_use]
    pub fn era(self) -> Era {
        if self < Self::V2026_07_28 {
            Era::Handshake
        } else {
            Era::Stateless
        }
    }

    /// Batches came with 2025-03-26 and left with the revision after it.
    #[must_use]
    pub fn batches(self) -> Batches {
        if self == Self::V2025_03_26 {
            Batches::Allowed
        } else {
            Batches::Refused
        }
    }
}

impl Era {
    /// The era of a request with these params.
    ///
    /// The member's presence decides, not its value: a later revision, or nonsense in that place,
    /// is answered in the newer form, which older clients accept too.
    #[must_use]
    pub fn of(params: Option<&Node<'_>>) -> Self {
        let meta = params.and_then(|params| params.get("_meta"));
        match meta.and_then(|meta| meta.get(VERSION_META)) {
            Some(_) => Self::Stateless,
            None => Self::Handshake,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::{Limits, parse};
    use super::*;

    #[test]
    fn every_published_revision_is_known_by_its_date_only() {
        for revision in Revision::ALL {
            assert_eq!(Revision::parse(revision.word()), Some(revision));
        }
        for unknown in ["", "2025-06-17", "2027-01-01", "draft", " 2024-11-05"] {
            assert_eq!(Revision::parse(unknown), None, "{unknown}");
        }
        assert!(Revision::ALL.is_sorted());
    }

    #[test]
    fn only_one_revision_has_batches() {
        let with = Revision::ALL
            .iter()
            .filter(|r| r.batches() == Batches::Allowed);
        assert_eq!(with.collect::<Vec<_>>(), [&Revision::V2025_03_26]);
    }

    #[test]
    fn the_era_is_read_from_the_request_itself() {
        let era =
            |params: &str| Era::of(Some(&parse(params.as_bytes(), &Limits::default()).unwrap()));
        let modern = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
        assert_eq!(era(modern), Era::Stateless);
        assert_eq!(
            era(&modern.replace("2026-07-28", "2031-01-01")),
            Era::Stateless
        );
        assert_eq!(era(r#"{"_meta":{"progressToken":1}}"#), Era::Handshake);
        assert_eq!(
            era(r#"{"arguments":{"_meta":{"io.modelcontextprotocol/protocolVersion":"x"}}}"#),
            Era::Handshake
        );
        assert_eq!(Era::of(None), Era::Handshake);
    }

    #[test]
    fn the_agreed_revision_comes_from_the_result() {
        let result = parse(br#"{"protocolVersion":"2025-03-26"}"#, &Limits::default()).unwrap();
        assert_eq!(Revision::agreed(&result), Some(Revision::V2025_03_26));
        assert_eq!(
            Revision::agreed(&parse(b"{}", &Limits::default()).unwrap()),
            None
        );
    }
}
