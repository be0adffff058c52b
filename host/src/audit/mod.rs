//! The audit log: append-only segments, hashed into a Merkle log, with signed checkpoints.
//!
//! The segments are the system of record; every index beside them can be rebuilt from them. The
//! [`Ledger`] writes, [`verify()`] and [`search()`] read without it. Nothing here decides.
//!
//! What no local log can detect: whoever may write the files can cut the log back to an older
//! checkpoint together with the `checkpoint` file, or delete it altogether and start a new one with
//! a new key. Only something outside shows that: a public key or a checkpoint kept elsewhere.

mod classify;
mod damage;
mod frame;
mod key;
mod ledger;
mod merkle;
mod note;
mod query;
mod record;
mod sealed;
mod search;
mod sync;
mod timeline;
mod verify;
mod walk;

pub use damage::{Broken, Damage};
pub use frame::MAX_BODY_BYTES;
pub use key::{PublicKey, Signer};
pub use ledger::{Durability, Ledger, NowMs, Options, Receipt};
pub use merkle::Hash;
pub use query::{Query, QueryError};
pub use record::{Memo, Record};
pub use sealed::{SealError, Sealed};
pub use search::{Found, Search, search, show};
pub use sync::Trouble;
pub use timeline::{Stop, Timeline, timelines, told};
pub use verify::{Report, verify, verify_with};

/// Why the ledger could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("another process writes this audit log")]
    Busy,
    #[error("could not {what} of the audit log")]
    Io {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("the audit key can't be used: {0}")]
    Key(&'static str),
    #[error("a record of {bytes} bytes is longer than {limit}")]
    TooLong { bytes: usize, limit: usize },
    #[error("a record could not be written as JSON")]
    Encode(#[from] serde_json::Error),
    #[error("the audit log is damaged at record {seq}: {damage}")]
    Corrupt { seq: u64, damage: Damage },
    /// An earlier failure left the end of the log uncertain; only opening it again helps.
    #[error("the audit log refuses records since an earlier failure")]
    Poisoned,
    #[error("the audit log is closed")]
    Closed,
}
