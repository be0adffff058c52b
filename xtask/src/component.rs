//! From a core WASM module to a detector component, and the proof that it reaches nothing.

use anyhow::{Context, Result, bail};
use clawdefender_trust::Abi;
use wit_component::{ComponentEncoder, DecodedWasm};

/// A component that imports nothing and exports the detector contract.
pub struct Component {
    pub bytes: Vec<u8>,
    /// The contract that it exports.
    pub abi: Abi,
}

impl Component {
    /// Makes a component of what cargo built.
    pub fn from_module(module: &[u8]) -> Result<Self> {
        let bytes = ComponentEncoder::default()
            .validate(true)
            .module(module)
            .context("no detector inside: is `clawdefender_sdk::export_detector!` called?")?
            .encode()
            .context("cannot make a component; a detector must not import anything")?;
        Self::from_bytes(bytes)
    }

    /// Checks a finished component.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let decoded = wit_component::decode(&bytes).context("not a component")?;
        let DecodedWasm::Component(resolve, world) = decoded else {
            bail!("a WIT package, not a component");
        };
        let world = resolve
            .worlds
            .get(world)
            .context("component without a world")?;
        let imports: Vec<String> = world
            .imports
            .keys()
            .map(|key| resolve.name_world_key(key))
            .collect();
        if !imports.is_empty() {
            bail!(
                "it imports {}: a detector may reach nothing, so no such component is loaded",
                imports.join(", ")
            );
        }
        let exports: Vec<String> = world
            .exports
            .keys()
            .map(|key| resolve.name_world_key(key))
            .collect();
        let abi = exports
            .iter()
            .find_map(|export| abi_of(export))
            .with_context(|| {
                format!(
                    "it exports no clawdefender:detector, only [{}]",
                    exports.join(", ")
                )
            })?;
        Ok(Self { bytes, abi })
    }
}

/// `clawdefender:detector/api@1.0.0` is the contract 1.0.
fn abi_of(export: &str) -> Option<Abi> {
    let version = export
        .strip_prefix("clawdefender:detector/")?
        .split_once('@')?
        .1;
    let (minor, _patch) = version.rsplit_once('.')?;
    format!("clawdefender:detector@{minor}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_detector_is_refused() {
        let empty_module = b"\0asm\x01\0\0\0";
        assert!(Component::from_module(empty_module).is_err());
        let empty_component = b"\0asm\x0d\0\x01\0".to_vec();
        let refused = Component::from_bytes(empty_component)
            .err()
            .unwrap()
            .to_string();
        assert!(
            refused.contains("exports no clawdefender:detector"),
            "{refused}"
        );
        assert!(Component::from_bytes(b"text".to_vec()).is_err());
    }

    #[test]
    fn an_import_is_refused_by_name() {
        // (component (import "clock" (func)))
        let importing =
            b"\0asm\x0d\0\x01\0\x07\x05\x01\x40\x00\x01\x00\x0a\x0a\x01\x00\x05clock\x01\x00";
        let refused = Component::from_bytes(importing.to_vec()).err().unwrap();
        assert!(
            format!("{refused:#}").contains("imports clock"),
            "{refused:#}"
        );
    }

    #[test]
    fn the_contract_is_read_from_the_export() {
        assert_eq!(
            abi_of("clawdefender:detector/api@1.0.3"),
            Some(clawdefender_trust::ABI)
        );
        assert_eq!(abi_of("other:detector/api@1.0.0"), None);
        assert_eq!(abi_of("clawdefender:detector/api"), None);
    }
}
