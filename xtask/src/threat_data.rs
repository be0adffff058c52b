//! Threat data: from the TOML that people write and review to the bytes that are signed.
//!
//! The file's `[artifact]` table says what it is. A blocklist of the schema that `supply-chain`
//! reads becomes a shard, and what could never match is refused; of a model the TOML says what it
//! was made of, and `[model]` names the file beside it that holds the bytes; a catalog gets what its
//! entries say of this feed's models from those models' bytes; everything else becomes compact JSON
//! with sorted keys, uninterpreted. Either way the same source gives the same bytes.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clawdefender_trust::{ArtifactEntry, ArtifactVersion, Catalog, Kind, Name, Sha256Digest};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use supply_chain::advisory::Artifact;
use supply_chain::shard::{self, Shard};

use crate::draft::Item;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kind: Kind,
    name: Name,
    version: ArtifactVersion,
    schema: u32,
    #[serde(default)]
    detector: Option<Name>,
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
    if header.kind.names_a_detector() != header.detector.is_some() {
        bail!("[artifact] detector: which detector receives it; a catalog names none");
    }
    if header.kind == Kind::Catalog {
        complete_catalog(&mut table, folder)?;
    }
    let (entries, bytes) = if header.kind == Kind::Blocklist && header.schema == shard::SCHEMA {
        let artifact: Artifact = serde_json::from_value(Value::Object(table))?;
        let bytes = shard::compile(&artifact)?;
        (u64::from(Shard::open(bytes.clone())?.entries()), bytes)
    } else {
        let lists = table.values().filter_map(Value::as_array);
        let entries = lists.map(|list| list.len() as u64).sum::<u64>();
        (entries, serde_json::to_vec(&sorted(Value::Object(table))?)?)
    };
    // A catalog may be empty, and says so to whoever asks; a list that detects nothing is a mistake.
    if entries == 0 && header.kind != Kind::Catalog {
        bail!("it has no entries");
    }
    if header.kind == Kind::Catalog {
        // As a client will read it.
        Catalog::parse(&bytes)?;
    }
    Ok(item(header, bytes, Some(entries)))
}

fn item(header: Header, bytes: Vec<u8>, entries: Option<u64>) -> Item {
    let entry = ArtifactEntry {
        kind: header.kind,
        name: header.name,
        version: header.version,
        abi: None,
        schema: Some(header.schema),
        detector: header.detector,
        sha256: Sha256Digest::of(&bytes),
        length: bytes.len() as u64,
        entries,
        required: true,
        endorsement: None,
        limits: None,
    };
    Item { entry, bytes }
}

/// An entry with `artifact = NAME` is about the model of that name in this feed, and everything that
/// can be read off its bytes is: a hand could write another digest than is published. Any other is
/// fetched from elsewhere, and not over plain http, which a client takes from its own machine only.
fn complete_catalog(table: &mut Map<String, Value>, folder: &Path) -> Result<()> {
    let models = table.get_mut("models").and_then(Value::as_array_mut);
    for model in models.into_iter().flatten() {
        let model = model.as_object_mut().context("a model is a table")?;
        let Some(name) = model.remove("artifact") else {
            let url = model.get("url").and_then(Value::as_str);
            ensure!(
                url.is_some_and(|url| url.starts_with("https://")),
                "`url` of a model that is not in this feed must begin with https://"
            );
            continue;
        };
        let name: Name = serde_json::from_value(name).context("`artifact`")?;
        let Item { entry, .. } = compile(&folder.join(format!("../models/{name}.toml")))?;
        ensure!(
            entry.kind == Kind::Model && entry.name == name,
            "the model of {name}.toml is called {}",
            entry.name
        );
        for (member, value) in [
            ("name", json!(entry.name)),
            ("version", json!(entry.version)),
            ("url", json!(entry.sha256.place())),
            ("length", json!(entry.length)),
            ("sha256", json!(entry.sha256)),
        ] {
            ensure!(
                model.insert(member.to_owned(), value).is_none(),
                "`{member}` of {name} is read off its bytes: leave it out"
            );
        }
    }
    Ok(())
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
    fn a_catalog_names_no_detector_and_its_models_are_read_as_a_client_will() {
        let head = "[artifact]\nkind='catalog'\nname='models'\nversion='1'\nschema=1\n";
        let model = format!(
            "[[models]]\nname='m'\nversion='1'\nurl='https://m.example/m'\nlength=3\nsha256='{}'\n\
             licence='MIT'\nformat='gguf'\nsource='hashed by the test'\n",
            Sha256Digest::of(b"abc")
        );
        let item = compile_text(&format!("{head}{model}")).unwrap();
        assert_eq!((item.entry.entries, item.entry.detector), (Some(1), None));
        let empty = compile_text(&format!("models = []\n{head}")).unwrap();
        assert_eq!(empty.bytes, br#"{"models":[]}"#);
        for wrong in [
            format!("{head}detector='injection'\n{model}"),
            format!("{head}{}", model.replace("https:", "http:")),
            format!("{head}{}", model.replace("licence='MIT'", "")),
            format!("{head}{}", model.replace("sha256='b", "sha256='B")),
            format!("{head}{model}{model}"),
            HEAD.replace("detector='supply-chain'\n", "") + "[[entries]]\na=1",
        ] {
            assert!(compile_text(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_catalog_says_of_a_model_of_the_feed_is_read_off_its_bytes() {
        let feeds = tempfile::tempdir().unwrap();
        let (data, models) = (feeds.path().join("data"), feeds.path().join("models"));
        std::fs::create_dir(&data).unwrap();
        std::fs::create_dir(&models).unwrap();
        std::fs::write(models.join("w.bin"), b"weights").unwrap();
        let digest = Sha256Digest::of(b"weights");
        let provenance = format!(
            "{}[model]\nfile='w'\nsha256='{digest}'\n",
            HEAD.replace("blocklist", "model")
                .replace("packages", "guess")
        );
        std::fs::write(models.join("guess.toml"), &provenance).unwrap();
        let entry = "[artifact]\nkind='catalog'\nname='models'\nversion='1'\nschema=1\n\
                     [[models]]\nartifact='guess'\nlicence='MIT'\nformat='x'\nsource='here'\n";
        let compiled = super::compile_text(entry, &data).unwrap();
        let model = Catalog::parse(&compiled.bytes).unwrap().models.remove(0);
        assert_eq!(
            (model.name.as_str(), model.version.as_str()),
            ("guess", "7")
        );
        assert_eq!((model.sha256, model.length), (digest, 7));
        assert!(model.is_in_the_feed());

        let refused = |text: &str| super::compile_text(text, &data).unwrap_err().to_string();
        let by_hand = refused(&format!("{entry}length=8\n"));
        assert!(by_hand.contains("read off its bytes"), "{by_hand}");
        refused(&entry.replace("'guess'", "'other'"));
        std::fs::write(models.join("other.toml"), &provenance).unwrap();
        let called = refused(&entry.replace("'guess'", "'other'"));
        assert!(called.contains("is called guess"), "{called}");
        std::fs::write(models.join("w.bin"), b"other weights").unwrap();
        refused(entry);
    }

    #[test]
    fn a_blocklist_of_schema_2_becomes_a_shard_or_is_refused() {
        let head = HEAD.replace("schema=1", "schema=2");
        let entry = "[[entries]]\nid='CVE-2026-1'\necosystem='npm'\nname='p'\n\
                     kind='vulnerable'\nseverity='low'\nsummary='s'\n";
        let good = format!("{head}{entry}source='https://x.example'\nversions=['1.0.0']");
        let item = compile_text(&good).unwrap();
        assert_eq!(Shard::open(item.bytes).unwrap().entries(), 1);
        assert_eq!(item.entry.entries, Some(1));
        for bad in [
            format!("{head}{entry}source='https://x.example'"),
            format!("{head}{entry}source='from memory'\nversions=['1.0.0']"),
            format!("{head}{entry}source='https://x.example'\nversions=['1.x']"),
            format!("{head}{entry}source='https://x.example'\nsha256='00'\nversions=['1.0.0']"),
        ] {
            assert!(compile_text(&bad).is_err(), "{bad}");
        }
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
