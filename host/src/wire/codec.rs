//! Bytes of the wire messages. Blocking: each link has a thread of its own on both sides.

use super::{Forward, FromDaemon, MAX_MESSAGE_BYTES, Ruling, Side, ToDaemon, Unread};
use std::borrow::Cow;
use std::io::{ErrorKind, IoSlice, Read, Write};

#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the other side closed")]
    Closed,
    #[error("a wire message of {0} bytes, at most {MAX_MESSAGE_BYTES} are taken")]
    TooLong(usize),
    #[error("a wire message that makes no sense: {0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A message with its byte form.
pub trait Message: Sized {
    /// Appends the message to `out`, but for a last part that can be written from where it lies.
    fn encode(&self, out: &mut Vec<u8>) -> &[u8];
    /// # Errors
    /// [`WireError::Malformed`] for anything that `encode` would not have written.
    fn decode(bytes: Vec<u8>) -> Result<Self, WireError>;
}

/// Writes one message. The caller holds the writer for the whole of it.
///
/// # Errors
/// [`WireError::Io`]; [`WireError::TooLong`] before anything is written.
pub fn write_message<M: Message>(writer: &mut impl Write, message: &M) -> Result<(), WireError> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(&[0; 4]);
    let tail = message.encode(&mut head);
    let length = head.len() - 4 + tail.len();
    let prefix = u32::try_from(length)
        .ok()
        .filter(|_| length <= MAX_MESSAGE_BYTES);
    let prefix = prefix.ok_or(WireError::TooLong(length))?;
    if let Some(place) = head.get_mut(..4) {
        place.copy_from_slice(&prefix.to_le_bytes());
    }
    // One call for both, as a rule; what a full socket did not take follows.
    let mut parts = [IoSlice::new(&head), IoSlice::new(tail)];
    let mut rest = parts.as_mut_slice();
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match writer.write_vectored(rest) {
            Ok(0) => return Err(std::io::Error::from(ErrorKind::WriteZero).into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Room for all that stands before a frame's bytes, and for most rulings.
const HEAD_BYTES: usize = 512;

/// Reserved before a message's bytes arrive; most messages fit and are then read in one call.
const READ_AHEAD_BYTES: usize = 64 << 10;

/// Reads one message.
///
/// # Errors
/// [`WireError::Closed`] when the peer closed between messages.
pub fn read_message<M: Message>(reader: &mut impl Read) -> Result<M, WireError> {
    let mut prefix = [0; 4];
    fill(reader, &mut prefix)?;
    let length = u32::from_le_bytes(prefix) as usize;
    if length > MAX_MESSAGE_BYTES {
        return Err(WireError::TooLong(length));
    }
    // The length is only a claim: at most as much as has come is reserved for what has not.
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let here = bytes.len();
        let more = (length - here).min(here.max(READ_AHEAD_BYTES));
        bytes.resize(here + more, 0);
        fill(reader, bytes.get_mut(here..).unwrap_or_default())?;
    }
    M::decode(bytes)
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), WireError> {
    match reader.read_exact(bytes) {
        Ok(()) => Ok(()),
        Err(error) => match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => Err(WireError::Closed),
            _ => Err(error.into()),
        },
    }
}

impl Message for ToDaemon<'_> {
    fn encode(&self, out: &mut Vec<u8>) -> &[u8] {
        match self {
            Self::Hello(hello) => put_json(out, b'H', hello),
            Self::Frame {
                seq,
                from,
                resent,
                bytes,
            } => {
                out.push(b'F');
                out.extend_from_slice(&seq.to_le_bytes());
                out.push(u8::from(*from == Side::Server));
                out.push(u8::from(*resent));
                return bytes;
            }
            Self::Unreadable { seq, from, what } => {
                out.push(b'U');
                out.extend_from_slice(&seq.to_le_bytes());
                out.push(u8::from(*from == Side::Server));
                out.extend_from_slice(&what.len.to_le_bytes());
                put_bytes(out, what.why.as_bytes());
                put_bytes(out, what.digest.as_bytes());
                out.extend_from_slice(&what.bones);
            }
            Self::Ended { seq, from } => {
                out.push(b'E');
                out.extend_from_slice(&seq.to_le_bytes());
                out.push(u8::from(*from == Side::Server));
            }
            Self::Control(control) => put_json(out, b'C', control),
        }
        &[]
    }

    fn decode(mut bytes: Vec<u8>) -> Result<Self, WireError> {
        let mut input = Input(&bytes);
        match input.byte()? {
            b'H' => Ok(Self::Hello(Box::new(input.json()?))),
            b'F' => {
                let (seq, from, resent) = (input.u64()?, input.side()?, input.byte()? != 0);
                // Moved to the front of what was read, not copied into a second buffer.
                let head = bytes.len() - input.0.len();
                bytes.drain(..head);
                Ok(Self::Frame {
                    seq,
                    from,
                    resent,
                    bytes: Cow::Owned(bytes),
                })
            }
            b'U' => Ok(Self::Unreadable {
                seq: input.u64()?,
                from: input.side()?,
                what: Unread {
                    len: input.u64()?,
                    why: input.text()?,
                    digest: input.text()?,
                    bones: input.0.to_vec(),
                },
            }),
            b'E' => Ok(Self::Ended {
                seq: input.u64()?,
                from: input.side()?,
            }),
            b'C' => Ok(Self::Control(input.json()?)),
            _ => Err(WireError::Malformed("unknown tag")),
        }
    }
}

impl Message for FromDaemon {
    fn encode(&self, out: &mut Vec<u8>) -> &[u8] {
        match self {
            Self::Welcome(welcome) => put_json(out, b'W', welcome),
            Self::Reply(reply) => put_json(out, b'A', reply),
            Self::Ruling(ruling) => {
                out.push(b'R');
                out.extend_from_slice(&ruling.seq.to_le_bytes());
                match &ruling.forward {
                    Forward::Nothing => out.push(0),
                    Forward::Original => out.push(1),
                    Forward::Instead(bytes) => {
                        out.push(2);
                        put_bytes(out, bytes);
                    }
                }
                out.push(u8::from(ruling.reply.is_some()));
                if let Some(reply) = &ruling.reply {
                    put_bytes(out, reply);
                }
                put_count(out, ruling.keep.len());
                for (key, value) in &ruling.keep {
                    put_bytes(out, key.as_bytes());
                    put_bytes(out, value.as_bytes());
                }
                put_count(out, ruling.discard.len());
                for key in &ruling.discard {
                    put_bytes(out, key.as_bytes());
                }
            }
        }
        &[]
    }

    fn decode(bytes: Vec<u8>) -> Result<Self, WireError> {
        let mut input = Input(&bytes);
        match input.byte()? {
            b'W' => Ok(Self::Welcome(input.json()?)),
            b'A' => Ok(Self::Reply(input.json()?)),
            b'R' => {
                let seq = input.u64()?;
                let forward = match input.byte()? {
                    0 => Forward::Nothing,
                    1 => Forward::Original,
                    2 => Forward::Instead(input.bytes()?.to_vec()),
                    _ => return Err(WireError::Malformed("unknown forwarding")),
                };
                let reply = match input.byte()? {
                    0 => None,
                    _ => Some(input.bytes()?.to_vec()),
                };
                let mut keep = Vec::new();
                for _ in 0..input.u32()? {
                    keep.push((input.text()?, input.text()?));
                }
                let mut discard = Vec::new();
                for _ in 0..input.u32()? {
                    discard.push(input.text()?);
                }
                Ok(Self::Ruling(Ruling {
                    seq,
                    forward,
                    reply,
                    keep,
                    discard,
                }))
            }
            _ => Err(WireError::Malformed("unknown tag")),
        }
    }
}

fn put_json(out: &mut Vec<u8>, tag: u8, value: &impl serde::Serialize) {
    out.push(tag);
    // These types hold strings, numbers and lists only; an empty body is refused by the reader.
    if let Ok(json) = serde_json::to_vec(value) {
        out.extend_from_slice(&json);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(WireError::Malformed("cut short"))?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        self.take(1)?
            .first()
            .copied()
            .ok_or(WireError::Malformed("cut short"))
    }

    fn side(&mut self) -> Result<Side, WireError> {
        Ok(if self.byte()? == 0 {
            Side::Client
        } else {
            Side::Server
        })
    }

    fn u32(&mut self) -> Result<u32, WireError> {
        let bytes = self
            .take(4)?
            .try_into()
            .map_err(|_| WireError::Malformed("cut short"))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64, WireError> {
        let bytes = self
            .take(8)?
            .try_into()
            .map_err(|_| WireError::Malformed("cut short"))?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let count = self.u32()? as usize;
        self.take(count)
    }

    fn text(&mut self) -> Result<String, WireError> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| WireError::Malformed("not UTF-8"))
    }

    fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, WireError> {
        serde_json::from_slice(self.0).map_err(|_| WireError::Malformed("not the expected JSON"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruling() -> FromDaemon {
        FromDaemon::Ruling(Ruling {
            seq: 7,
            forward: Forward::Instead(b"{}\n".to_vec()),
            reply: Some(b"[]\n".to_vec()),
            keep: vec![("k".into(), "v".into())],
            discard: vec!["d".into()],
        })
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let frame = ToDaemon::Frame {
            seq: 1,
            from: Side::Server,
            resent: true,
            bytes: b"{}".into(),
        };
        let mut bytes = Vec::new();
        write_message(&mut bytes, &frame).unwrap();
        let unread = ToDaemon::Unreadable {
            seq: 2,
            from: Side::Client,
            what: Unread {
                why: "line longer than 9 bytes".into(),
                len: 1 << 40,
                digest: "ab".into(),
                bones: b"[]".to_vec(),
            },
        };
        let ended = ToDaemon::Ended {
            seq: 3,
            from: Side::Server,
        };
        write_message(&mut bytes, &unread).unwrap();
        write_message(&mut bytes, &ended).unwrap();
        write_message(
            &mut bytes,
            &ToDaemon::Control(super::super::Control::Status),
        )
        .unwrap();
        let mut input = bytes.as_slice();
        for message in [frame, unread, ended] {
            assert_eq!(read_message::<ToDaemon>(&mut input).unwrap(), message);
        }
        assert!(matches!(
            read_message::<ToDaemon>(&mut input),
            Ok(ToDaemon::Control(_))
        ));
        assert!(matches!(
            read_message::<ToDaemon>(&mut input),
            Err(WireError::Closed)
        ));

        let mut bytes = Vec::new();
        write_message(&mut bytes, &ruling()).unwrap();
        assert_eq!(
            read_message::<FromDaemon>(&mut bytes.as_slice()).unwrap(),
            ruling()
        );
    }

    #[test]
    fn a_message_cut_anywhere_is_refused() {
        let mut bytes = Vec::new();
        ruling().encode(&mut bytes);
        for cut in 0..bytes.len() {
            assert!(
                FromDaemon::decode(bytes[..cut].to_vec()).is_err(),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_reading() {
        let mut bytes = u32::MAX.to_le_bytes().to_vec();
        bytes.push(b'F');
        assert!(matches!(
            read_message::<ToDaemon>(&mut bytes.as_slice()),
            Err(WireError::TooLong(_))
        ));
    }
}
