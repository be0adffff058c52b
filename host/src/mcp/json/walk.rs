//! Visiting every text in a message: string values and object keys, with where they stand.
//!
//! A path is a chain of stack frames, so walking allocates nothing until someone prints one.

use std::fmt;
use std::ops::Range;

use super::{Node, Value};

/// One text met by [`Node::walk`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'n> {
    pub role: Role,
    /// Decoded.
    pub text: &'n str,
    /// Bytes of the literal, quotes included.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An object key; its path names the member it belongs to.
    Key,
    /// A string value.
    Value,
}

/// Where a text stands; prints as an RFC 6901 pointer.
#[derive(Debug, Clone, Copy)]
pub struct Path<'p> {
    link: Option<(&'p Path<'p>, Step<'p>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'a> Node<'a> {
    /// Calls `visit` for every key and string below and at this node, in written order.
    pub fn walk<'n>(&'n self, visit: &mut impl FnMut(&Path<'_>, Text<'n>)) {
        self.walk_from(&Path { link: None }, visit);
    }

    fn walk_from<'n>(&'n self, here: &Path<'_>, visit: &mut impl FnMut(&Path<'_>, Text<'n>)) {
        match &self.value {
            Value::String(text) => {
                visit(
                    here,
                    Text {
                        role: Role::Value,
                        text,
                        span: self.span.clone(),
                    },
                );
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    item.walk_from(&here.then(Step::Index(index)), visit);
                }
            }
            Value::Object(members) => {
                for member in members {
                    let there = here.then(Step::Key(&member.key));
                    let span = member.key_span.clone();
                    visit(
                        &there,
                        Text {
                            role: Role::Key,
                            text: &member.key,
                            span,
                        },
                    );
                    member.node.walk_from(&there, visit);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl<'p> Path<'p> {
    fn then<'q>(&'q self, step: Step<'q>) -> Path<'q>
    where
        'p: 'q,
    {
        Path {
            link: Some((self, step)),
        }
    }

    /// Steps from here up to the root.
    pub fn steps(&self) -> impl Iterator<Item = Step<'p>> {
        let mut link = self.link;
        std::iter::from_fn(move || {
            let (parent, step) = link?;
            link = parent.link;
            Some(step)
        })
    }

    /// The nearest step: the key or index of the value itself.
    #[must_use]
    pub fn last(&self) -> Option<Step<'p>> {
        self.link.map(|(_, step)| step)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((parent, step)) = self.link else {
            return Ok(());
        };
        write!(f, "{parent}/")?;
        match step {
            Step::Key(key) if key.contains(['~', '/']) => {
                f.write_str(&key.replace('~', "~0").replace('/', "~1"))
            }
            Step::Key(key) => f.write_str(key),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}
