//! The query language of `audit search`: `server:github verdict:deny since:1h "free text" -rule:x`.
//!
//! Terms are joined by "and"; `-` turns one around; `*` in a value stands for anything.

use super::record::Record;
use crate::policy::Action;

/// A parsed query. The empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Field(Field, String),
    Verdict(Action),
    Since(u64),
    Until(u64),
    /// Lower case.
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Type,
    Server,
    Client,
    Link,
    Kind,
    Method,
    Tool,
    Rule,
    Detector,
}

/// Why a query can't be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("a quotation mark is never closed")]
    OpenQuote,
    #[error("no field is called \"{0}\"; fields are {FIELDS}")]
    Field(String),
    #[error("{0}: needs a value")]
    Empty(String),
    #[error("\"{0}\" is no verdict; verdicts are allow, log, redact, ask, deny")]
    Verdict(String),
    #[error("\"{0}\" is no time span; write 90s, 15m, 1h or 7d")]
    Span(String),
}

const FIELDS: &str =
    "id, type, server, client, link, kind, method, tool, rule, detector, verdict, since, until";

impl Query {
    /// Reads a query; `since:` and `until:` count back from `now_ms`.
    ///
    /// # Errors
    /// [`QueryError`] names the part that can't be understood.
    pub fn parse(text: &str, now_ms: u64) -> Result<Self, QueryError> {
        let terms = words(text)?
            .into_iter()
            .map(|word| word.term(now_ms))
            .collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }

    /// Exactly the record with this call id, whatever characters it has.
    pub(super) fn id(id: &str) -> Self {
        Self {
            terms: vec![Term {
                negated: false,
                test: Test::Field(Field::Id, id.to_owned()),
            }],
        }
    }

    /// Whether `record`, whose stored bytes are `body`, matches.
    pub fn matches(&self, record: &Record, body: &[u8]) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.matches(record, body) != term.negated)
    }
}

impl Test {
    fn matches(&self, record: &Record, body: &[u8]) -> bool {
        match self {
            Self::Field(field, pattern) => field.matches(record, pattern),
            Self::Verdict(action) => record
                .decision
                .as_ref()
                .is_some_and(|decision| decision.action == *action),
            Self::Since(at_ms) => record.at_ms >= *at_ms,
            Self::Until(at_ms) => record.at_ms <= *at_ms,
            Self::Text(text) => String::from_utf8_lossy(body).to_lowercase().contains(text),
        }
    }
}

impl Field {
    fn matches(self, record: &Record, pattern: &str) -> bool {
        let is = |value: &str| like(pattern.as_bytes(), value.as_bytes());
        match self {
            // An id comes from a command line as it is; it is no pattern.
            Self::Id => record.id == pattern,
            Self::Type => is(&record.what),
            Self::Server => is(&record.server),
            Self::Client => is(&record.client),
            Self::Link => is(&record.link),
            Self::Kind => is(&record.kind),
            Self::Method => is(&record.method),
            Self::Tool => is(&record.name),
            Self::Rule => {
                record
                    .decision
                    .as_ref()
                    .is_some_and(|decision| is(&decision.rule))
                    || record.findings.iter().any(|finding| is(&finding.rule))
            }
            Self::Detector => record.findings.iter().any(|finding| is(&finding.detector)),
        }
    }
}

/// Whether `value` has the shape of `pattern`, in which `*` stands for any bytes. Linear per star.
fn like(pattern: &[u8], value: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| value.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = memchr::memmem::find(rest, part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}

struct Word {
    negated: bool,
    /// What stood before the first colon outside quotation marks.
    field: Option<String>,
    value: String,
}

impl Word {
    fn term(self, now_ms: u64) -> Result<Term, QueryError> {
        let Self {
            negated,
            field,
            value,
        } = self;
        let Some(name) = field else {
            return Ok(Term {
                negated,
                test: Test::Text(value.to_lowercase()),
            });
        };
        if value.is_empty() {
            return Err(QueryError::Empty(name));
        }
        let field = match name.as_str() {
            "id" => Field::Id,
            "type" => Field::Type,
            "server" => Field::Server,
            "client" => Field::Client,
            "link" => Field::Link,
            "kind" => Field::Kind,
            "method" => Field::Method,
            "tool" | "name" => Field::Tool,
            "rule" => Field::Rule,
            "detector" => Field::Detector,
            "verdict" => {
                return Ok(Term {
                    negated,
                    test: Test::Verdict(action(&value)?),
                });
            }
            "since" => {
                return Ok(Term {
                    negated,
                    test: Test::Since(ago(&value, now_ms)?),
                });
            }
            "until" => {
                return Ok(Term {
                    negated,
                    test: Test::Until(ago(&value, now_ms)?),
                });
            }
            _ => return Err(QueryError::Field(name)),
        };
        Ok(Term {
            negated,
            test: Test::Field(field, value),
        })
    }
}

fn action(word: &str) -> Result<Action, QueryError> {
    match word {
        "allow" => Ok(Action::Allow),
        "log" => Ok(Action::Log),
        "redact" => Ok(Action::Redact),
        "ask" => Ok(Action::Ask),
        "deny" => Ok(Action::Deny),
        _ => Err(QueryError::Verdict(word.to_owned())),
    }
}

fn ago(span: &str, now_ms: u64) -> Result<u64, QueryError> {
    let no_span = || QueryError::Span(span.to_owned());
    let digits = span.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms: u64 = match span.strip_prefix(digits) {
        Some("s") => 1_000,
        Some("m") => 60_000,
        Some("h") => 3_600_000,
        Some("d") => 86_400_000,
        _ => return Err(no_span()),
    };
    let count: u64 = digits.parse().map_err(|_| no_span())?;
    Ok(now_ms.saturating_sub(count.saturating_mul(unit_ms)))
}

fn words(text: &str) -> Result<Vec<Word>, QueryError> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(words);
        }
        let negated = chars.next_if_eq(&'-').is_some();
        let (mut field, mut value, mut quoted) = (None, String::new(), false);
        while let Some(c) = chars.next_if(|c| quoted || !c.is_whitespace()) {
            match c {
                '"' => quoted = !quoted,
                ':' if !quoted && field.is_none() => field = Some(std::mem::take(&mut value)),
                c => value.push(c),
            }
        }
        if quoted {
            return Err(QueryError::OpenQuote);
        }
        words.push(Word {
            negated,
            field,
            value,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Decision;

    fn record() -> Record {
        Record {
            id: "c-1".to_owned(),
            at_ms: 10_000_000,
            what: "message".to_owned(),
            server: "github".to_owned(),
            kind: "tool-call".to_owned(),
            name: "write_file".to_owned(),
            decision: Some(Decision {
                action: Action::Deny,
                rule: "finding:injection.override".to_owned(),
                reason: "no".to_owned(),
                would: None,
                losers: Vec::new(),
            }),
            subject: serde_json::json!({ "path": "/Home/Über" }),
            ..Record::default()
        }
    }

    #[track_caller]
    fn check(query: &str, matches: bool) {
        let record = record();
        let body = serde_json::to_vec(&record).unwrap();
        let query = Query::parse(query, 10_000_000 + 3_600_000).unwrap();
        assert_eq!(query.matches(&record, &body), matches);
    }

    #[test]
    fn every_term_must_hold_and_minus_turns_one_around() {
        check("", true);
        check("server:github verdict:deny tool:write_*", true);
        check("server:github verdict:allow", false);
        check("-server:github", false);
        check("-server:gitlab kind:tool-call type:message id:c-1", true);
        check("rule:finding:* -rule:other", true);
        check("rule:*override", true);
        check("tool:*_*", true);
        check("tool:write", false);
        check("tool:*read*", false);
        check("since:1h", true);
        check("since:59m", false);
        check("until:59m", true);
        check("\"/home/über\"", true);
        check("-\"/home/über\"", false);
        check("\"server:nope\"", false);
        check("server:\"github\"", true);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let error = |text| Query::parse(text, 0).unwrap_err();
        assert_eq!(error("\"open"), QueryError::OpenQuote);
        assert_eq!(error("sever:x"), QueryError::Field("sever".to_owned()));
        assert_eq!(error("server:"), QueryError::Empty("server".to_owned()));
        assert_eq!(
            error("verdict:block"),
            QueryError::Verdict("block".to_owned())
        );
        for span in [
            "since:1",
            "since:h",
            "since:1w",
            "since:-1h",
            "since:99999999999999999999d",
        ] {
            assert!(matches!(error(span), QueryError::Span(_)), "{span}");
        }
    }
}
