//! Reading a request's body: bounded while it comes, in time, UTF-8.

use super::reply::Refusal;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

/// # Errors
/// [`Refusal::TooLarge`] from the declared length alone, or as soon as more came;
/// [`Refusal::Slow`], [`Refusal::CutOff`], [`Refusal::NotUtf8`].
pub async fn read(body: Incoming, max_bytes: usize, until: Instant) -> Result<String, Refusal> {
    if body.size_hint().lower() > u64::try_from(max_bytes).unwrap_or(u64::MAX) {
        return Err(Refusal::TooLarge);
    }
    let whole = timeout_at(until, Limited::new(body, max_bytes).collect())
        .await
        .map_err(|_| Refusal::Slow)?;
    let bytes = match whole {
        Ok(whole) => whole.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::TooLarge),
        Err(_) => return Err(Refusal::CutOff),
    };
    String::from_utf8(bytes.into()).map_err(|_| Refusal::NotUtf8)
}
