//! Threat data: from the TOML that people write and review to the bytes that are signed.
//!
//! Nothing is interpreted here. The file's `[artifact]` table says what it is; everything else
//! becomes compact JSON with sorted keys, so the same source gives the same bytes. Of a model the
//! TOML says what it was made of, and `[model]` names the file beside it that holds the bytes.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clawdefender_trust::{ArtifactEntry, ArtifactVersion, Kind, Name, Sha256Digest};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::draft::Item;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: Kind,
    name: Name,
    version: ArtifactVersion,
    schema: u32,
    detector: Name,
}

/// Compiles one file.
pub fn compile(path: &Path) -> Result<Item> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    compile_text(&text, path.parent().unwrap_or(Path::new("")))
        .with_context(|| format!("{} is no threat data", path.display()))
}

/// Where the bytes of a model are, and which they are.
#[derive(Deserialize)]
struct Weights {
    file: Name,
    sha256: Sha256Digest,
}

/// Reads a model's bytes, if they are those that its provenance speaks of.
fn weights(table: &Map<String, Value>, folder: &Path) -> Result<Vec<u8>> {
    let said = table.get("model").context("no [model] table")?;
    let said: Weights = serde_json::from_value(said.clone()).context("[model]")?;
    let path = folder.join(said.file.as_str()).with_extension("bin");
    let bytes = crate::workspace::read(&path)?;
    ensure!(
        Sha256Digest::of(&bytes) == said.sha256,
        "{} is not the file that was trained: its digest differs",
        path.display()
    );
    Ok(bytes)
}

fn compile_text(text: &str, folder: &Path) -> Result<Item> {
    let mut table: Map<String, Value> = toml::from_str(text)?;
    let header = table
        .remove("artifact")
        .context("no [artifact] table at its head")?;
    let header: Header = serde_json::from_value(header).context("[artifact]")?;
    if header.kind == Kind::Detector {
        bail!("[artifact] kind: data is signatures, blocklist, killchain or model, not detector");
    }
    if header.kind == Kind::Model {
        let bytes = weights(&table, folder)?;
        return Ok(item(header, bytes, None));
    }
    let entries: usize = table
        .values()
        .filter_map(Value::as_array)
        .map(Vec::len)
        .sum();
    if entries == 0 {
        bail!("it has no entries");
    }
    let bytes = serde_json::to_vec(&sorted(Value::Object(table))?)?;
    Ok(item(header, bytes, Some(entries as u64)))
}

fn item(header: Header, bytes: Vec<u8>, entries: Option<u64>) -> Item {
    let entry = ArtifactEntry {
        kind: header.kind,
        name: header.name,
        version: header.version,
        abi: None,
        schema: Some(header.schema),
        detector: Some(header.detector),
        sha256: Sha256Digest::of(&bytes),
        length: bytes.len() as u64,
        entries,
        required: true,
        endorsement: None,
        limits: None,
    };
    Item { entry, bytes }
}

/// Sorted keys at every depth, however the map type keeps them.
fn sorted(value: Value) -> Result<Value> {
    Ok(match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            let mut out = Map::new();
            for (key, value) in pairs {
                // What the TOML reader makes of a date, which JSON has no type for.
                if key.starts_with("$__toml") {
                    bail!("write dates as \"quoted text\"");
                }
                out.insert(key, sorted(value)?);
            }
            Value::Object(out)
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect::<Result<_>>()?),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile_text(text: &str) -> Result<Item> {
        super::compile_text(text, Path::new("nowhere"))
    }

    const HEAD: &str = "[artifact]\nkind='blocklist'\nname='packages'\nversion='7'\nschema=1\ndetector='supply-chain'\n";

    #[test]
    fn the_header_becomes_the_entry_and_the_rest_sorted_json() {
        let item = compile_text(&format!(
            "{HEAD}[[entries]]\nz=1\na=['x']\n[[entries]]\nb.c=true"
        ));
        let item = item.unwrap();
        assert_eq!(
            item.bytes,
            br#"{"entries":[{"a":["x"],"z":1},{"b":{"c":true}}]}"#
        );
        assert_eq!(item.entry.entries, Some(2));
        assert_eq!(item.entry.kind, Kind::Blocklist);
        assert_eq!(item.entry.sha256, Sha256Digest::of(&item.bytes));
    }

    #[test]
    fn order_and_spacing_of_the_source_do_not_change_the_bytes() {
        let one = compile_text(&format!("{HEAD}[[entries]]\nb=2\na=1")).unwrap();
        let two = compile_text(&format!(
            "{HEAD}\n# said otherwise\n[[entries]]\na = 1\nb = 2\n"
        ));
        assert_eq!(one.bytes, two.unwrap().bytes);
    }

    #[test]
    fn what_is_no_data_is_refused() {
        for text in [
            "",
            "[[entries]]\na=1",
            HEAD,
            &format!("{HEAD}extra=1\n[[entries]]\na=1"),
            &format!("{HEAD}[[entries]]\nwhen=2026-11-22"),
            &HEAD.replace("blocklist", "detector"),
            &HEAD.replace("packages", "../packages"),
        ] {
            assert!(compile_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_model_is_the_bytes_that_its_provenance_names() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("weights.bin"), b"weights").unwrap();
        let source = |digest: &str| {
            format!(
                "{}[model]\nfile='weights'\nsha256='{digest}'\n[[source]]\nname='x'",
                HEAD.replace("blocklist", "model")
            )
        };
        let path = folder.path().join("weights.toml");
        let right = Sha256Digest::of(b"weights").to_string();
        std::fs::write(&path, source(&right)).unwrap();
        let item = compile(&path).unwrap();
        assert_eq!(item.bytes, b"weights");
        assert_eq!((item.entry.kind, item.entry.entries), (Kind::Model, None));
        let wrong = Sha256Digest::of(b"others").to_string();
        std::fs::write(&path, source(&wrong)).unwrap();
        let refused = format!("{:#}", compile(&path).unwrap_err());
        assert!(refused.contains("its digest differs"), "{refused}");
    }
}
