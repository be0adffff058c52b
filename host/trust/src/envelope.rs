//! The signed envelope: DSSE, one file, exact bytes. Says who signed what; not what it means.
//!
//! Source: DSSE protocol and envelope v1.0.2 (secure-systems-lab). Stricter here: no unknown or
//! repeated members, no bytes around the object, standard padded base64 only, and a signature that
//! names a known key must verify.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::{KeyId, PublicKey, Refusal};

/// The payload type of a feed manifest.
pub const FEED_PAYLOAD_TYPE: &str = "application/vnd.clawdefender.feed+json";
/// The payload type of a code key's word about one detector.
pub const DETECTOR_PAYLOAD_TYPE: &str = "application/vnd.clawdefender.detector+json";

/// The longest envelope that is read. Chosen: 256 artifacts with endorsements need about 300 KiB.
pub const MAX_ENVELOPE_BYTES: usize = 1 << 20;
/// The most signatures that are read: each one costs a verification.
pub const MAX_SIGNATURES: usize = 16;

/// A parsed envelope. Nothing in it is trusted until [`Envelope::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

/// One signature and the id of the key that is said to have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Selects the key to try. Trust is in the key's bytes, which the root holds.
    pub key: KeyId,
    /// The 64 bytes of RFC 8032.
    pub bytes: [u8; 64],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEnvelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: KeyId,
    sig: String,
}

impl Envelope {
    /// An envelope around `payload`; for those who sign.
    #[cfg(feature = "sign")]
    pub(crate) fn new(payload_type: &str, payload: Vec<u8>, signatures: Vec<Signature>) -> Self {
        Self {
            payload_type: payload_type.to_owned(),
            payload,
            signatures,
        }
    }

    /// Steps 2 and 3: bounds and form.
    ///
    /// # Errors
    /// [`Refusal::TooLong`], [`Refusal::Syntax`], [`Refusal::TooManySignatures`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(Refusal::TooLong {
                limit: MAX_ENVELOPE_BYTES,
                found: bytes.len(),
            });
        }
        let wire: WireEnvelope = strict_object("envelope", bytes)?;
        if wire.signatures.len() > MAX_SIGNATURES {
            return Err(Refusal::TooManySignatures {
                limit: MAX_SIGNATURES,
                found: wire.signatures.len(),
            });
        }
        let bad = Refusal::Syntax {
            part: "envelope",
            line: 1,
            column: 1,
        };
        let payload = BASE64
            .decode(wire.payload.as_bytes())
            .map_err(|_| bad.clone())?;
        let mut signatures = Vec::with_capacity(wire.signatures.len());
        for WireSignature { keyid, sig } in wire.signatures {
            let raw = BASE64.decode(sig.as_bytes()).map_err(|_| bad.clone())?;
            let bytes = raw.try_into().map_err(|_| bad.clone())?;
            signatures.push(Signature { key: keyid, bytes });
        }
        Ok(Self {
            payload_type: wire.payload_type,
            payload,
            signatures,
        })
    }

    /// Steps 4 and 5: the exact type, and enough distinct trusted keys. Returns the keys that signed.
    ///
    /// `keys` and `threshold` belong to whoever asks; the envelope has no word in them.
    ///
    /// # Errors
    /// [`Refusal::PayloadType`], [`Refusal::BadSignature`], [`Refusal::BelowThreshold`];
    /// [`Refusal::EmptyRoot`] when the question itself would accept anything.
    pub fn verify(
        &self,
        payload_type: &'static str,
        keys: &[PublicKey],
        threshold: usize,
    ) -> Result<Vec<PublicKey>, Refusal> {
        if keys.is_empty() {
            return Err(Refusal::EmptyRoot { missing: "keys" });
        }
        if threshold == 0 {
            return Err(Refusal::EmptyRoot {
                missing: "threshold",
            });
        }
        if self.payload_type != payload_type {
            return Err(Refusal::PayloadType {
                expected: payload_type,
            });
        }
        let message = pae(&self.payload_type, &self.payload);
        let mut signers: Vec<PublicKey> = Vec::new();
        for signature in &self.signatures {
            let mut named = keys
                .iter()
                .filter(|key| key.id() == signature.key)
                .peekable();
            if named.peek().is_none() {
                continue; // a stranger's signature counts for nothing and spoils nothing
            }
            let Some(key) = named.find(|key| key.verifies(&message, &signature.bytes)) else {
                return Err(Refusal::BadSignature { key: signature.key });
            };
            // Distinct by the key's bytes: the same signature twice, or one key listed twice,
            // is one voice.
            if !signers.contains(key) {
                signers.push(*key);
            }
        }
        if signers.len() < threshold {
            return Err(Refusal::BelowThreshold {
                expected: threshold,
                found: signers.len(),
            });
        }
        Ok(signers)
    }

    /// The signed bytes. Read them only after [`Envelope::verify`].
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Who is said to have signed.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The one-file form.
    #[cfg(feature = "sign")]
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let wire = WireEnvelope {
            payload_type: self.payload_type.clone(),
            payload: BASE64.encode(&self.payload),
            signatures: self
                .signatures
                .iter()
                .map(|s| WireSignature {
                    keyid: s.key,
                    sig: BASE64.encode(&s.bytes),
                })
                .collect(),
        };
        serde_json::to_vec(&wire).unwrap_or_default()
    }
}

/// What is signed: the type is part of it, and the lengths leave one way to read it.
pub(crate) fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    message.extend_from_slice(payload);
    message
}

/// One JSON object and nothing around it: no byte order mark, no space, no second value.
pub(crate) fn strict_object<'de, T: Deserialize<'de>>(
    part: &'static str,
    bytes: &'de [u8],
) -> Result<T, Refusal> {
    if bytes.first() != Some(&b'{') || bytes.last() != Some(&b'}') {
        return Err(Refusal::Syntax {
            part,
            line: 1,
            column: 1,
        });
    }
    serde_json::from_slice(bytes).map_err(|error| Refusal::syntax(part, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pae_is_the_published_example() {
        // Source: DSSE v1.0.2, protocol.md, test vector.
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
