//! Signatures, digests, manifests and key rotation of the threat feed.
