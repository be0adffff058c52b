//! The running Merkle root of a growing list of leaves (RFC 6962 §2.1), without keeping the leaves.
//!
//! Proofs are not made here; they need the leaves, which a reader finds in the segments.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// The roots of the perfect subtrees that make up a tree, largest first: one per bit of `size`.
#[derive(Clone, Debug, Default)]
pub struct CompactRange {
    size: u64,
    peaks: Vec<Hash>,
}

impl CompactRange {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // A trailing one bit of the size is a peak as high as the node being added.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = parent(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(*last, |right, left| parent(left, &right)),
        }
    }
}

/// RFC 6962: SHA-256(0x00 ‖ entry).
pub fn leaf(entry: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize()
        .into()
}

/// RFC 6962: SHA-256(0x01 ‖ left ‖ right).
fn parent(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1, word for word: split at the largest power of two below n.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                parent(&naive(&leaves[..split]), &naive(&leaves[split..]))
            }
        }
    }

    #[test]
    fn running_root_equals_the_recursive_definition_at_every_size() {
        let mut range = CompactRange::default();
        let mut leaves = Vec::new();
        for n in 0..300_u32 {
            assert_eq!(range.root(), naive(&leaves), "at size {n}");
            assert_eq!(range.size(), u64::from(n));
            let next = leaf(&n.to_be_bytes());
            range.push(next);
            leaves.push(next);
        }
    }

    #[test]
    fn known_answers_of_rfc_6962_hold() {
        // The empty tree and the leaf of an empty entry, as published with certificate transparency.
        let hex = |hash: Hash| data_encoding::HEXLOWER.encode(&hash);
        assert_eq!(
            hex(CompactRange::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex(leaf(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }
}
