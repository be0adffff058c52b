//! Every way in which this crate says no. One variant is one refusal and carries what was expected
//! and what was found; text that the other side wrote is never among it.

use crate::{Abi, ArtifactVersion, KeyId, Kind, Name, Sha256Digest, Timestamp};

/// A value that is not spelled as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// See [`Sha256Digest`].
    #[error("a digest is 64 lower-case hex digits")]
    Digest,
    /// See [`crate::PublicKey`].
    #[error("a public key is 64 lower-case hex digits of an ed25519 point")]
    Key,
    /// A key under which signatures exist that nobody made.
    #[error("weak public key of small order")]
    WeakKey,
    /// See [`KeyId`].
    #[error("a key id is 16 lower-case hex digits")]
    KeyId,
    /// See [`Timestamp`].
    #[error("a time is RFC 3339 in UTC with seconds, like 2026-11-22T06:00:00Z")]
    Time,
    /// See [`Name`].
    #[error("a name is 1 to 64 of a-z 0-9 . _ - and starts with a letter or digit")]
    Name,
    /// See [`ArtifactVersion`].
    #[error("a version is semantic (2.3.1) or a counter (41)")]
    Version,
    /// See [`Abi`].
    #[error("an abi is written clawdefender:detector@MAJOR.MINOR")]
    Abi,
}

/// Why bytes did not become [`crate::Verified`]. The numbers are those of the verification order in
/// `verify.rs`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Before any step: a root that could accept what nobody signed.
    #[error("trust root without {missing}")]
    EmptyRoot {
        /// What is missing: `keys`, `code keys`, `threshold`.
        missing: &'static str,
    },
    /// Before any step: one key in two offices.
    #[error("trust root uses key {key} twice")]
    KeyInTwoOffices {
        /// The key.
        key: KeyId,
    },

    /// Step 2.
    #[error("envelope has {found} bytes, at most {limit} are read")]
    TooLong {
        /// The cap.
        limit: usize,
        /// The length offered.
        found: usize,
    },
    /// Steps 3 and 6: not the JSON that the format describes. The parser's own words would quote
    /// the sender, so only the place is kept.
    #[error("{part} is not valid at line {line} column {column}")]
    Syntax {
        /// `envelope`, `manifest` or `endorsement`.
        part: &'static str,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Step 3.
    #[error("{found} signatures, at most {limit} are read")]
    TooManySignatures {
        /// The cap.
        limit: usize,
        /// The number offered.
        found: usize,
    },
    /// Step 4.
    #[error("payload type is not {expected}")]
    PayloadType {
        /// What this place accepts.
        expected: &'static str,
    },
    /// Step 5.
    #[error("signature by known key {key} does not verify")]
    BadSignature {
        /// The key it names.
        key: KeyId,
    },
    /// Step 5.
    #[error("signed by {found} of the {expected} trusted keys that must sign")]
    BelowThreshold {
        /// The threshold.
        expected: usize,
        /// Distinct trusted keys that signed.
        found: usize,
    },
    /// Step 6.
    #[error("{count} critical extensions that this version does not know")]
    UnknownCritical {
        /// How many.
        count: usize,
    },
    /// Step 7.
    #[error("manifest format {found} is not {expected}")]
    Spec {
        /// What this version reads.
        expected: u32,
        /// What the manifest says.
        found: u32,
    },
    /// Step 7: a valid manifest of another feed.
    #[error("manifest of feed {found} offered for feed {expected}")]
    WrongFeed {
        /// The root's feed.
        expected: Name,
        /// The manifest's feed.
        found: Name,
    },
    /// Step 7.
    #[error("manifest of channel {found} offered for channel {expected}")]
    WrongChannel {
        /// The root's channel.
        expected: Name,
        /// The manifest's channel.
        found: Name,
    },
    /// Step 8: keys of earlier epochs are dead for ever.
    #[error("key epoch went back from {expected} to {found}")]
    EpochBack {
        /// The root's epoch.
        expected: u64,
        /// The manifest's epoch.
        found: u64,
    },
    /// Step 8: epochs are walked one by one.
    #[error("key epoch {found} skips the link to {expected}")]
    EpochSkip {
        /// The only epoch that could follow.
        expected: u64,
        /// The manifest's epoch.
        found: u64,
    },
    /// Step 8.
    #[error("epoch {epoch} must be signed by key {expected}")]
    WrongKey {
        /// The manifest's epoch.
        epoch: u64,
        /// The key that must have signed.
        expected: KeyId,
    },
    /// Step 9: a manifest of the current epoch that names another successor. Either the current key
    /// is stolen or its owner made a mistake; both need a person.
    #[error("next key {found} is not the pinned next key {expected}")]
    RotationHijack {
        /// The pinned successor.
        expected: KeyId,
        /// The one named.
        found: KeyId,
    },
    /// Step 9.
    #[error("rotation names key {found}, which already had an office")]
    KeyNotFresh {
        /// The key named as successor.
        found: KeyId,
    },
    /// Step 10.
    #[error("feed version went back from {trusted} to {offered} in epoch {epoch}")]
    Rollback {
        /// The epoch of both.
        epoch: u64,
        /// The floor.
        trusted: u64,
        /// The version offered.
        offered: u64,
    },
    /// Step 10: one version, two contents, both signed.
    #[error("feed version {version} has digest {trusted} here and {offered} there")]
    Equivocation {
        /// The version of both.
        version: u64,
        /// What was accepted first.
        trusted: Sha256Digest,
        /// What is offered now.
        offered: Sha256Digest,
    },
    /// Step 10: a version so high that nothing could follow it.
    #[error("feed version {found} is beyond {limit}, the highest for its day")]
    FastForward {
        /// `issued` in seconds, and a day.
        limit: u64,
        /// The version offered.
        found: u64,
    },
    /// Step 11.
    #[error("manifest was issued {issued}; this machine's clock says {now}")]
    FutureIssued {
        /// When it claims to be issued.
        issued: Timestamp,
        /// The time floor.
        now: Timestamp,
    },
    /// Step 11.
    #[error("manifest expired {expired}; this machine's clock says {now}")]
    Expired {
        /// When it expired.
        expired: Timestamp,
        /// The time floor.
        now: Timestamp,
    },
    /// Step 11.
    #[error("manifest from {issued} to {expires} is longer than {limit_days} days or negative")]
    Lifetime {
        /// Start.
        issued: Timestamp,
        /// End.
        expires: Timestamp,
        /// The root's bound.
        limit_days: u32,
    },
    /// Step 12.
    #[error("{kind} {name} appears twice")]
    DuplicateName {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Name,
    },
    /// Step 12.
    #[error("{kind} {name} is outside what this feed may publish")]
    OutOfScope {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Name,
    },
    /// Step 12: a field that the kind must or must not have.
    #[error("{kind} {name}: field {field} is wrong for this kind")]
    Field {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Name,
        /// The field.
        field: &'static str,
    },
    /// Step 12: data for a detector that the manifest does not have, so nobody would read it.
    #[error("{kind} {name} is for detector {detector}, which the manifest does not have")]
    NoReceiver {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Name,
        /// Whom it names.
        detector: Name,
    },
    /// Step 12, and 6 for a key epoch.
    #[error("{what} {found} is over the budget of {limit}")]
    OverBudget {
        /// What is counted.
        what: &'static str,
        /// The cap.
        limit: u64,
        /// What the manifest asks.
        found: u64,
    },
    /// Step 13.
    #[error("manifest needs host {expected}, this is {found}")]
    HostTooOld {
        /// What the manifest asks.
        expected: semver::Version,
        /// This host.
        found: semver::Version,
    },
    /// Step 13.
    #[error("required detector {name} needs {expected}, this host serves {found}")]
    AbiMismatch {
        /// The detector.
        name: Name,
        /// What it was built for.
        expected: Abi,
        /// What this host serves.
        found: Abi,
    },
    /// Step 14, and 16 for code keys: by this manifest or by an earlier one.
    #[error("{what} is revoked, and shipped or believed all the same")]
    Revoked {
        /// `key`, `detector` or `digest`.
        what: &'static str,
    },
    /// Step 14.
    #[error("{kind} {name} went back from {trusted} to {offered} without a listed downgrade")]
    ArtifactRollback {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Name,
        /// The floor.
        trusted: ArtifactVersion,
        /// The version offered.
        offered: ArtifactVersion,
    },

    /// Step 15: an entry that this manifest does not contain.
    #[error("{kind} {name} is not in this manifest")]
    NotInManifest {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Name,
    },
    /// Step 15.
    #[error("{name} has {found} bytes, the manifest says {expected}")]
    Length {
        /// The artifact.
        name: Name,
        /// The signed length.
        expected: u64,
        /// The length offered.
        found: u64,
    },
    /// Step 15.
    #[error("{name} has digest {found}, the manifest says {expected}")]
    Digest {
        /// The artifact.
        name: Name,
        /// The signed digest.
        expected: Sha256Digest,
        /// The digest offered.
        found: Sha256Digest,
    },
    /// Step 16: the code key speaks for another detector, or for another build of it.
    #[error("endorsement of {name} speaks for something else")]
    EndorsementMismatch {
        /// The detector.
        name: Name,
    },
}

impl Refusal {
    /// Where a JSON parser stopped, without its words.
    pub(crate) fn syntax(part: &'static str, error: &serde_json::Error) -> Self {
        Self::Syntax {
            part,
            line: error.line(),
            column: error.column(),
        }
    }
}
