//! Reading a request's body: bounded while it comes, in time, UTF-8.

use super::reply::Refusal;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use tokio::time::{Instant, timeout_at};

/// What is still taken of a body that is too large, in bodies of the largest size, after the refusal
/// was sent. A client that writes all before it reads would otherwise see a broken connection instead
/// of the refusal. Chosen: 64 MiB for the guard API, which no detector's limit comes near.
const DRAINED: usize = 16;

/// # Errors
/// [`Refusal::TooLarge`] from the declared length alone, or as soon as more came;
/// [`Refusal::Slow`], [`Refusal::CutOff`], [`Refusal::NotUtf8`].
pub async fn read(mut body: Incoming, max_bytes: usize, until: Instant) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    let mut large = body.size_hint().lower() > u64::try_from(max_bytes).unwrap_or(u64::MAX);
    while !large {
        let frame = timeout_at(until, body.frame()).await;
        let Some(frame) = frame.map_err(|_| Refusal::Slow)? else {
            return String::from_utf8(bytes).map_err(|_| Refusal::NotUtf8);
        };
        if let Ok(data) = frame.map_err(|_| Refusal::CutOff)?.into_data() {
            large = bytes.len() + data.len() > max_bytes;
            bytes.extend_from_slice(&data);
        }
    }
    tokio::spawn(drain(body, max_bytes.saturating_mul(DRAINED), until));
    Err(Refusal::TooLarge)
}

async fn drain(mut body: Incoming, mut bytes: usize, until: Instant) {
    while let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = bytes.checked_sub(length) else {
            return;
        };
        bytes = left;
    }
}
