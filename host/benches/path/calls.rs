//! Calls made beforehand, so that making and checking them costs the client no more than a copy.

use crate::texts;
use serde_json::json;

/// Different texts per size, so that nothing learns one by heart.
const TEXTS: u64 = 32;

/// A call of `echo` and the answer that is due, both without their ids.
struct Call {
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// The calls of one size.
pub struct Calls(Vec<Call>);

impl Calls {
    pub fn of(bytes: usize) -> Self {
        let call = |seed| {
            let text = texts::text(("prose", texts::prose), bytes, seed);
            let params = json!({ "name": "echo", "arguments": { "text": text } });
            let result = json!({ "content": [{ "type": "text", "text": text }] });
            Call {
                request: format!(
                    ",\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{params}}}\n"
                )
                .into_bytes(),
                answer: format!(",\"jsonrpc\":\"2.0\",\"result\":{result}}}\n").into_bytes(),
            }
        };
        Self((0..TEXTS).map(call).collect())
    }

    pub fn request(&self, id: u64) -> Vec<u8> {
        let mut line = format!("{{\"id\":{id}").into_bytes();
        line.extend_from_slice(&self.at(id).request);
        line
    }

    /// Whether `line` is the answer to call `id`, byte for byte.
    pub fn is_answer(&self, id: u64, line: &[u8]) -> bool {
        line.strip_prefix(format!("{{\"id\":{id}").as_bytes()) == Some(&self.at(id).answer)
    }

    fn at(&self, id: u64) -> &Call {
        let place = usize::try_from(id % TEXTS).unwrap();
        self.0.get(place).unwrap()
    }
}
