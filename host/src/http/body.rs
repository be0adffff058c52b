//! Bodies: reading one whole within bounds, and writing one as it comes.

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;

/// For a client's whole body. Chosen: 16 MiB over loopback take far less; a client that drips is
/// no reason to keep a connection.
pub const REQUEST_TIME: Duration = Duration::from_secs(60);

/// How many pieces of a stream may wait for a client; the server is read no further then. Few,
/// because each may be as long as a frame may be.
const STREAM_PIECES: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("a body longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("a body that did not arrive in time")]
    Slow,
    #[error("a body that was cut off")]
    CutOff,
}

/// Reads a body of at most `limit` bytes; more is noticed from its declared length, or as it comes.
///
/// # Errors
/// [`ReadError`].
pub async fn read(body: Incoming, limit: usize) -> Result<Bytes, ReadError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(ReadError::TooLong { limit });
    }
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ReadError::TooLong { limit }),
        Err(_) => Err(ReadError::CutOff),
    }
}

/// The same, within [`REQUEST_TIME`].
///
/// # Errors
/// [`ReadError`].
pub async fn read_in_time(body: Incoming, limit: usize) -> Result<Bytes, ReadError> {
    tokio::time::timeout(REQUEST_TIME, read(body, limit))
        .await
        .unwrap_or(Err(ReadError::Slow))
}

/// The body of an answer.
#[derive(Debug)]
pub enum Reply {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Result<Bytes, Broken>>),
}

/// The server broke off in the middle, and so do we: a clean end would mean that all was said.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the server broke off")]
pub struct Broken;

pub type Outlet = mpsc::Sender<Result<Bytes, Broken>>;

impl Reply {
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    pub fn empty() -> Self {
        Self::Whole(None)
    }

    pub fn stream() -> (Outlet, Self) {
        let (sender, receiver) = mpsc::channel(STREAM_PIECES);
        (sender, Self::Stream(receiver))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(pieces) => pieces
                .poll_recv(context)
                .map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
