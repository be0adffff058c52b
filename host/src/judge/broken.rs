//! What is no message, or could be read as two: whom it leaves waiting, and what they are told.

use super::examine::{Examined, Shape, refused};
use crate::link::{Asked, End, Link};
use crate::mcp::message::Id;
use crate::mcp::salvage::{Nature, Salvaged, salvage};

pub(super) fn malformed(
    link: &mut Link,
    from: End,
    call: String,
    bytes: &[u8],
    code: i32,
    why: &str,
) -> Examined {
    broken(link, from, call, code, vec![salvage(bytes)], why)
}

/// What can't be read as a message, or as the batch that it would be.
pub(super) fn broken(
    link: &mut Link,
    from: End,
    call: String,
    code: i32,
    salvaged: Vec<Salvaged>,
    why: &str,
) -> Examined {
    let mut unanswered = Vec::new();
    let mut owed = Vec::new();
    for one in salvaged {
        unanswered.extend(left_unanswered(link, from, &one));
        owed.extend(owed_for(from, one));
    }
    let shape = Shape::Malformed {
        code,
        owed,
        unanswered,
    };
    refused(call, from, shape, "protocol:ambiguous", why)
}

/// The requests that a broken answer leaves without one: the one that it names. When its id can't
/// be read, it is all that were sent, because one of them would wait for ever and an error can be
/// retried; what still comes for the others is unsolicited then.
pub(super) fn left_unanswered(link: &mut Link, from: End, salvaged: &Salvaged) -> Vec<(Id, Asked)> {
    match (salvaged.nature, &salvaged.id) {
        (Nature::Answer, Some(id)) => {
            let asked = link.close(from, id);
            asked.map(|asked| (id.clone(), asked)).into_iter().collect()
        }
        (Nature::Answer, None) => link.take_sent(from.other()),
        _ => Vec::new(),
    }
}

/// Whether the sender of a broken message is told, and under which id.
pub(super) fn owed_for(from: End, salvaged: Salvaged) -> Option<Option<Id>> {
    match salvaged.nature {
        Nature::Request => Some(salvaged.id),
        // Neither waits for anything; an error would only meet a request of that id.
        Nature::Notification | Nature::Answer => None,
        // A server's chatter gets no answer into its standard input.
        _ if from == End::Server => None,
        Nature::Unclear => Some(salvaged.id),
        Nature::Noise | Nature::Batch => Some(None),
    }
}

/// How many messages of a refused batch are answered one by one. Chosen: ten times what a batch may
/// hold, and far below what the answers may fill.
pub(super) const MAX_BROKEN: usize = 1000;
