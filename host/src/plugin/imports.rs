//! What a component asks for and what it offers, read before anything is compiled.
//!
//! A detector that imports anything is refused here: what is not linked can't be reached.

use wasmparser::{Encoding, Parser, Payload};

/// The export that a detector of the served contract has.
pub const API_EXPORT: &str = "clawdefender:detector/api@1.0.0";

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ShapeError {
    #[error("not a component: {0}")]
    NotAComponent(String),
    #[error("the component imports `{0}`; a detector may import nothing")]
    Import(String),
    #[error("the component does not export `{API_EXPORT}` (it exports {0})")]
    Contract(String),
}

/// Checks that `bytes` is a component with no import and the served contract.
///
/// # Errors
/// [`ShapeError`]: the first thing that is wrong.
pub fn check(bytes: &[u8]) -> Result<(), ShapeError> {
    let mut depth = 0_usize;
    let mut exports = Vec::new();
    let mut is_component = false;
    let bad = |error: wasmparser::BinaryReaderError| ShapeError::NotAComponent(error.to_string());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(bad)? {
            // Of the outermost only: a component holds modules and components of its own.
            Payload::Version { encoding, .. } if depth == 0 && !is_component => {
                if encoding != Encoding::Component {
                    return Err(ShapeError::NotAComponent("it is a core module".into()));
                }
                is_component = true;
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                if let Some(import) = section.into_iter().next() {
                    return Err(ShapeError::Import(short(import.map_err(bad)?.name.name)));
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(bad)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    if !is_component {
        return Err(ShapeError::NotAComponent("it is empty".into()));
    }
    if exports.iter().any(|name| name == API_EXPORT) {
        Ok(())
    } else {
        Err(ShapeError::Contract(if exports.is_empty() {
            "nothing".into()
        } else {
            let some: Vec<String> = exports.iter().take(SHOWN).map(|name| short(name)).collect();
            some.join(", ")
        }))
    }
}

/// What is repeated of a component's own names: they may be long and many.
const SHOWN: usize = 8;
const SHOWN_CHARS: usize = 64;

fn short(name: &str) -> String {
    name.chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<(), ShapeError> {
        check(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn a_component_with_any_import_is_refused_by_name() {
        for name in [
            "wasi:filesystem/types@0.2.0",
            "wasi:clocks/wall-clock@0.2.0",
            "host",
        ] {
            let refused = shape(&format!(r#"(component (import "{name}" (instance)))"#));
            assert_eq!(refused, Err(ShapeError::Import(name.into())));
        }
    }

    #[test]
    fn imports_of_nested_components_are_their_own_business() {
        let nested = r#"(component (component (import "x" (instance))))"#;
        assert_eq!(shape(nested), Err(ShapeError::Contract("nothing".into())));
    }

    #[test]
    fn names_without_end_are_not_repeated() {
        let long = "x".repeat(10_000);
        let many: String = (0..300)
            .map(|n| format!(r#"(export "{long}-x{n}" (instance $i))"#))
            .collect();
        let Err(ShapeError::Contract(said)) = shape(&format!("(component (instance $i) {many})"))
        else {
            panic!("accepted");
        };
        assert!(said.len() < 1000, "{} bytes", said.len());
        let Err(ShapeError::Import(said)) =
            shape(&format!(r#"(component (import "{long}" (instance)))"#))
        else {
            panic!("accepted");
        };
        assert_eq!(said.len(), SHOWN_CHARS);
    }

    #[test]
    fn a_module_noise_and_another_contract_are_refused() {
        assert!(matches!(
            shape("(module)"),
            Err(ShapeError::NotAComponent(_))
        ));
        assert!(matches!(check(b""), Err(ShapeError::NotAComponent(_))));
        assert!(matches!(
            check(b"\0asm noise"),
            Err(ShapeError::NotAComponent(_))
        ));
        let other =
            r#"(component (instance $i) (export "clawdefender:detector/api@2.0.0" (instance $i)))"#;
        assert_eq!(
            shape(other),
            Err(ShapeError::Contract(
                "clawdefender:detector/api@2.0.0".into()
            ))
        );
    }

    #[test]
    fn the_served_contract_passes() {
        assert_eq!(
            shape(&format!(
                r#"(component (instance $i) (export "{API_EXPORT}" (instance $i)))"#
            )),
            Ok(())
        );
    }
}
