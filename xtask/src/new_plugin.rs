//! `new-plugin`: writes a small working detector to start from (`sdk/template/`).
//!
//! It only writes files; building and checking are other commands.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};

/// Writes the plugin `name` into `out`, or into `plugins/NAME` of this workspace.
///
/// # Errors
/// When the name is not `[a-z][a-z0-9-]{0,63}`, when the folder exists, or when writing fails.
pub fn run(name: &str, out: Option<&Path>) -> anyhow::Result<()> {
    check_name(name)?;
    let root = workspace_root()?;
    let folder = match out {
        Some(out) => out.to_path_buf(),
        None => root.join("plugins").join(name),
    };
    write(name, &folder, &root.join("sdk"))?;
    println!("wrote {}", folder.display());
    println!("next: cd {} && cargo test", folder.display());
    Ok(())
}

fn write(name: &str, folder: &Path, sdk: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        bail!("{} exists; choose another name or --out", folder.display());
    }
    let absolute = std::path::absolute(folder)?;
    let sdk = relative(&absolute, &std::path::absolute(sdk)?);
    // A path in TOML: forward slashes work everywhere and need no escapes.
    let sdk = sdk.to_string_lossy().replace('\\', "/");
    if sdk.contains('"') {
        bail!("the path to the SDK contains a quotation mark: {sdk}");
    }
    let dependency = format!("path = \"{sdk}\"");
    for (path, template) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        }
        let text = template
            .replace("{{name}}", name)
            .replace("{{sdk}}", &dependency);
        // `create_new`: a file that appeared meanwhile is not overwritten either.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        file.write_all(text.as_bytes())
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// The contract's form of an id: it becomes a folder, a crate and the prefix of rule ids.
fn check_name(name: &str) -> anyhow::Result<()> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !first || !rest || name.len() > 64 {
        bail!("a plugin's name is 1 to 64 of a-z, 0-9 and '-', beginning with a letter");
    }
    Ok(())
}

fn workspace_root() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(root.context("xtask has no parent folder")?.to_path_buf())
}

/// `to` as seen from the folder `from`; both absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let from: Vec<Component<'_>> = from.components().collect();
    let to: Vec<Component<'_>> = to.components().collect();
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right)
        .count();
    // Nothing in common but the root, or another drive: an absolute path is clearer.
    if shared < 2 {
        return to.into_iter().collect();
    }
    let up = from.iter().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.into_iter().skip(shared)).collect()
}

/// Path in the new folder, and the template's text.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../sdk/template/Cargo.toml")),
    (
        "plugin.toml",
        include_str!("../../sdk/template/plugin.toml"),
    ),
    ("README.md", include_str!("../../sdk/template/README.md")),
    ("src/lib.rs", include_str!("../../sdk/template/src/lib.rs")),
    (
        "cases/first.toml",
        include_str!("../../sdk/template/cases/first.toml"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_or_the_crate_are_refused() {
        for name in [
            "",
            "A",
            "1a",
            "-a",
            "../x",
            "a/b",
            "a b",
            "a_b",
            "é",
            &"a".repeat(65),
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["a", "my-detector", "x2"] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn every_placeholder_is_filled_and_the_manifests_parse() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("first");
        run("first", Some(&folder)).unwrap();
        for (path, _) in FILES {
            let text = std::fs::read_to_string(folder.join(path)).unwrap();
            assert!(!text.contains("{{"), "{path}");
            if path.ends_with(".toml") {
                toml::from_str::<toml::Table>(&text).unwrap();
            }
        }
    }

    #[test]
    fn an_existing_folder_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("Cargo.toml");
        std::fs::write(&kept, "mine").unwrap();
        assert!(run("first", Some(dir.path())).is_err());
        assert_eq!(std::fs::read_to_string(kept).unwrap(), "mine");
    }

    #[test]
    fn the_sdk_is_named_relative_to_the_plugin() {
        let path = relative(Path::new("/a/b/plugins/x"), Path::new("/a/b/sdk"));
        assert_eq!(path, Path::new("../../sdk"));
        assert_eq!(
            relative(Path::new("/tmp/x"), Path::new("/a/sdk")),
            Path::new("/a/sdk")
        );
    }
}
