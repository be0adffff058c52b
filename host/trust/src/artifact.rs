//! Steps 15 and 16: from a verified manifest and some bytes to a verified artifact.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE64;

use crate::envelope::strict_object;
use crate::{
    Abi, ArtifactEntry, ArtifactVersion, DETECTOR_PAYLOAD_TYPE, Endorsement, Envelope, Kind,
    Limits, Manifest, Name, PublicKey, Refusal, Sha256Digest, Verified,
};

/// One artifact with its bytes in memory: what was hashed is what gets used.
#[derive(Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What it is.
    pub kind: Kind,
    /// A detector's id, or a label of data.
    pub name: Name,
    /// As signed.
    pub version: ArtifactVersion,
    /// Detectors: the contract it was built for.
    pub abi: Option<Abi>,
    /// Data: its format.
    pub schema: Option<u32>,
    /// Data: the id of the detector that receives it.
    pub detector: Option<Name>,
    /// Of `bytes`.
    pub digest: Sha256Digest,
    /// The exact bytes.
    pub bytes: Arc<[u8]>,
    /// Who published it.
    pub feed_id: Name,
    /// What it may use.
    pub limits: Limits,
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Artifact({} {} {} {})",
            self.kind, self.name, self.version, self.digest
        )
    }
}

impl Verified<Manifest> {
    /// Steps 15 and 16 for one artifact of this manifest. Takes the bytes, so that nobody can change
    /// them between the check and the use.
    ///
    /// # Errors
    /// [`Refusal::NotInManifest`], [`Refusal::Length`], [`Refusal::Digest`]; for a detector also what
    /// its endorsement lacks; [`Refusal::AbiMismatch`] for one listed in [`crate::Proof::skipped`].
    pub fn admit(
        &self,
        entry: &ArtifactEntry,
        bytes: Vec<u8>,
    ) -> Result<Verified<Artifact>, Refusal> {
        // An entry that the caller made up carries no signature.
        if !self.artifacts.contains(entry) {
            return Err(Refusal::NotInManifest {
                kind: entry.kind,
                name: entry.name.clone(),
            });
        }
        // 15: exact length first, it is cheaper; then the digest.
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found != entry.length {
            let name = entry.name.clone();
            return Err(Refusal::Length {
                name,
                expected: entry.length,
                found,
            });
        }
        let digest = Sha256Digest::of(&bytes);
        if digest != entry.sha256 {
            let name = entry.name.clone();
            return Err(Refusal::Digest {
                name,
                expected: entry.sha256,
                found: digest,
            });
        }
        // 16: code needs the code key's word as well.
        if entry.kind == Kind::Detector {
            self.check_endorsement(entry)?;
        }
        let artifact = Artifact {
            kind: entry.kind,
            name: entry.name.clone(),
            version: entry.version.clone(),
            abi: entry.abi,
            schema: entry.schema,
            detector: entry.detector.clone(),
            digest,
            bytes: bytes.into(),
            feed_id: self.feed_id.clone(),
            limits: entry.limits.unwrap_or_default(),
        };
        Ok(Verified::new(artifact, self.share_proof()))
    }

    fn check_endorsement(&self, entry: &ArtifactEntry) -> Result<(), Refusal> {
        let field = |field| Refusal::Field {
            kind: entry.kind,
            name: entry.name.clone(),
            field,
        };
        let abi = entry.abi.ok_or_else(|| field("abi"))?;
        if !crate::ABI.serves(abi) {
            let name = entry.name.clone();
            return Err(Refusal::AbiMismatch {
                name,
                expected: abi,
                found: crate::ABI,
            });
        }
        let text = entry
            .endorsement
            .as_deref()
            .ok_or_else(|| field("endorsement"))?;
        let raw = BASE64
            .decode(text.as_bytes())
            .map_err(|_| field("endorsement"))?;
        let envelope = Envelope::parse(&raw)?;
        // A code key that this manifest revokes, or an earlier one, has no voice.
        let revoked = &self.proof().floor_after().revoked.keys;
        let keys: Vec<PublicKey> = self
            .proof()
            .root_after()
            .code_keys
            .iter()
            .filter(|key| !revoked.contains(key))
            .copied()
            .collect();
        if keys.is_empty() {
            return Err(Refusal::Revoked { what: "key" });
        }
        envelope.verify(DETECTOR_PAYLOAD_TYPE, &keys, 1)?;
        let said: Endorsement = strict_object("endorsement", envelope.payload())?;
        if Some(said) != entry.to_endorse() {
            return Err(Refusal::EndorsementMismatch {
                name: entry.name.clone(),
            });
        }
        Ok(())
    }
}
