//! What can go wrong between the bridge and a server, and what the client hears of it.
//!
//! A client gets fixed text: nothing that a server wrote is echoed. The person finds the details on
//! standard error.

use crate::mcp::message::Id;
use crate::mcp::reply::GONE;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("The MCP server can't be reached.")]
    Unreachable,
    #[error("The MCP server redirects to another address (HTTP {0}); that is not followed.")]
    Redirect(u16),
    #[error("The MCP server wants a login (HTTP {0}). It was not sent a token that it accepts.")]
    Login(u16),
    #[error("The MCP server refused the request (HTTP {0}).")]
    Status(u16),
    #[error("The MCP server compressed its answer although it was asked not to.")]
    Compressed,
    #[error("The MCP server's answer is neither JSON nor an event stream.")]
    MediaType,
    #[error("The MCP server's answer is too long.")]
    TooLong,
    #[error("The MCP server's answer is no valid event stream.")]
    Stream,
    #[error("The MCP server ended the exchange without an answer.")]
    NoAnswer,
    #[error("The MCP server has ended this session.")]
    SessionOver,
    #[error("The MCP server's event stream ended, and with it the session.")]
    StreamOver,
    #[error("The MCP server named an address at another origin for its messages.")]
    ForeignEndpoint,
    #[error("The request can't be written as HTTP.")]
    Request,
}

impl Trouble {
    /// Outside JSON-RPC's reserved range, as MCP asks of codes that it doesn't define; after the
    /// HTTP status that says the same.
    fn code(self) -> i32 {
        match self {
            Self::Login(_) => -31401,
            Self::SessionOver | Self::StreamOver => -31404,
            _ => GONE,
        }
    }

    /// The error that a waiting request gets, as a line.
    pub(super) fn answer(self, id: &Id) -> Vec<u8> {
        let text = serde_json::Value::from(self.to_string());
        let code = self.code();
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{text}}}}}\n"
        )
        .into_bytes()
    }
}

/// Tells the person who reads standard error. Control characters of a server don't reach a terminal.
pub(super) fn note(text: &str) {
    let safe: String = text
        .chars()
        .take(MAX_NOTE_CHARS)
        .flat_map(|c| {
            if c.is_control() || is_invisible(c) {
                c.escape_unicode().collect()
            } else {
                vec![c]
            }
        })
        .collect();
    eprintln!("clawdefender bridge: {safe}");
}

/// Characters that turn or hide the text around them. Source: Unicode 16, bidirectional controls
/// and zero-width characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Chosen: the longest URL in a log line that one still reads.
const MAX_NOTE_CHARS: usize = 500;
