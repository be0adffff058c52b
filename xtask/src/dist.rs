//! `cargo xtask dist`: the program with its papers as one archive, signed by the release key, and
//! `latest.json` beside it. The same program gives the same bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clawdefender_trust::{
    ArtifactVersion, SecretKey, Sha256Digest, release_public_line, sign_release,
};
use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::workspace::{Workspace, output, read, write_if_changed};
use crate::{build, dev_root, key_file, release_key};

#[derive(clap::Args)]
pub struct Args {
    /// The release key: a file, or env:NAME for an environment variable
    #[arg(long, value_name = "KEY")]
    key: String,
    /// Where archive, signature and latest.json are written
    #[arg(long, value_name = "DIR", default_value = "target/dist")]
    out: PathBuf,
    /// Build for release, with the feed that the owner signed as its seed
    #[arg(long, value_name = "DIR")]
    seed: Option<PathBuf>,
    /// Pack this program instead of building one
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    program: Option<PathBuf>,
    /// What the program was built for; this machine when absent
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

/// What goes beside the program, from the workspace's root.
const PAPERS: [&str; 4] = ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub fn main(args: &Args) -> Result<()> {
    let workspace = Workspace::find()?;
    let key = key_file::load(&args.key)?;
    let program = match &args.program {
        Some(program) => std::path::absolute(program)?,
        None => build::main(&build::Args::distribution(args.seed.clone()))?,
    };
    let target = args.target.clone().map_or_else(host_target, Ok)?;
    let (version, development) = version_of(&program)?;
    let owners = release_key::public_line(&workspace.root.join("feeds/release.pub")).ok();
    refuse_a_development_build(development, &key, owners.as_deref())?;
    let name = format!("clawdefender-{version}-{target}");
    let archive = pack(&name, &files(&workspace, &program)?)?;
    let file = format!("{name}.tar.gz");
    write_if_changed(&args.out.join(&file), &archive)?;
    let signature = sign(&archive, &key, &version, &target)?;
    write_if_changed(
        &args.out.join(format!("{file}.minisig")),
        signature.as_bytes(),
    )?;
    list(&args.out, &version, &target, &file, &archive)?;
    println!("{}", args.out.join(&file).display());
    println!("{} bytes, signed by {}", archive.len(), key.public().id());
    tell_who_believes_it(&workspace, &key, args.seed.is_some())
}

/// A signed archive that no installation believes is a mistake that is found out late.
fn tell_who_believes_it(workspace: &Workspace, key: &SecretKey, release: bool) -> Result<()> {
    let path = if release {
        workspace.root.join("feeds/release.pub")
    } else {
        dev_root::release_public(workspace)?
    };
    if release_key::public_line(&path)? != release_public_line(&key.public()) {
        println!(
            "note: programs built with {} do not believe this key",
            path.display()
        );
    }
    Ok(())
}

/// Who holds the owner's word takes it for a release, and then believes the keys of the machine that
/// made it.
fn refuse_a_development_build(
    development: bool,
    key: &SecretKey,
    owners: Option<&str>,
) -> Result<()> {
    ensure!(
        !development || owners != Some(release_public_line(&key.public()).as_str()),
        "this is the release key and the program is a development build: give --seed, or sign with \
         the development release key"
    );
    Ok(())
}

/// The archive's signature, checked as an installation will. What an update looks at besides it
/// stands in the trusted comment.
fn sign(
    archive: &[u8],
    key: &SecretKey,
    version: &ArtifactVersion,
    target: &str,
) -> Result<String> {
    let text = sign_release(archive, &format!("clawdefender {version} {target}"), key);
    let public = minisign_verify::PublicKey::from_base64(&release_public_line(&key.public()))?;
    public.verify(archive, &minisign_verify::Signature::decode(&text)?, false)?;
    Ok(text)
}

fn host_target() -> Result<String> {
    let mut ask = Command::new("rustc");
    ask.arg("-vV");
    let said = output(ask)?;
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc does not say its host")?.to_owned())
}

/// The program's version, and whether it calls itself a development build.
fn version_of(program: &Path) -> Result<(ArtifactVersion, bool)> {
    // A program that was just written may still be open for writing in a child that another thread is
    // starting.
    let busy = |error: &anyhow::Error| {
        let mut causes = error.chain();
        causes.any(|cause| {
            let cause = cause.downcast_ref::<std::io::Error>();
            cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::ExecutableFileBusy)
        })
    };
    let mut tries = 0;
    let said = loop {
        let mut ask = Command::new(program);
        ask.arg("--version");
        match output(ask) {
            Err(error) if busy(&error) && tries < 100 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            said => break said?,
        }
    };
    let mut words = said.split_whitespace();
    ensure!(
        words.next() == Some("clawdefender"),
        "{} is not clawdefender",
        program.display()
    );
    let version = words.next().context("it says no version")?;
    Ok((version.parse()?, said.contains("development")))
}

/// One file of the archive.
struct File {
    name: String,
    mode: u32,
    bytes: Vec<u8>,
}

fn files(workspace: &Workspace, program: &Path) -> Result<Vec<File>> {
    let mut files = vec![File {
        name: "clawdefender".to_owned(),
        mode: 0o755,
        bytes: read(program)?,
    }];
    for name in PAPERS {
        files.push(File {
            name: name.to_owned(),
            mode: 0o644,
            bytes: read(&workspace.root.join(name))?,
        });
    }
    for (shell, name) in [
        ("bash", "clawdefender.bash"),
        ("fish", "clawdefender.fish"),
        ("zsh", "_clawdefender"),
    ] {
        let mut ask = Command::new(program);
        ask.args(["completions", shell]);
        files.push(File {
            name: format!("completions/{name}"),
            mode: 0o644,
            bytes: output(ask)?.into_bytes(),
        });
    }
    Ok(files)
}

/// A tar in gzip with nothing of this machine or moment in it: sorted, no owner, no time.
fn pack(folder: &str, files: &[File]) -> Result<Vec<u8>> {
    let mut sorted: Vec<&File> = files.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(gzip);
    archive.mode(tar::HeaderMode::Deterministic);
    for file in sorted {
        let mut header = tar::Header::new_ustar();
        header.set_size(file.bytes.len() as u64);
        header.set_mode(file.mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let name = format!("{folder}/{}", file.name);
        archive.append_data(&mut header, name, file.bytes.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

/// Writes `latest.json`, keeping what it says of other targets of the same version.
fn list(
    out: &Path,
    version: &ArtifactVersion,
    target: &str,
    file: &str,
    archive: &[u8],
) -> Result<()> {
    let path = out.join("latest.json");
    let old: Value = std::fs::read(&path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let mut archives: Vec<Value> = old
        .get("archives")
        .filter(|_| old.get("version").and_then(Value::as_str) == Some(version.as_str()))
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    archives.retain(|archive| archive.get("target").and_then(Value::as_str) != Some(target));
    archives.push(json!({
        "target": target, "file": file, "length": archive.len(), "sha256": Sha256Digest::of(archive),
    }));
    archives.sort_by_key(|archive| archive.get("target").map(ToString::to_string));
    let mut bytes =
        serde_json::to_vec_pretty(&json!({ "version": version, "archives": archives }))?;
    bytes.push(b'\n');
    write_if_changed(&path, &bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn files() -> Vec<File> {
        let file = |name: &str, mode, bytes: &[u8]| File {
            name: name.to_owned(),
            mode,
            bytes: bytes.to_vec(),
        };
        vec![
            file("clawdefender", 0o755, &[7; 70_000]),
            file("README.md", 0o644, b"read"),
            file("completions/clawdefender.bash", 0o644, b"complete"),
        ]
    }

    #[test]
    fn the_release_key_signs_no_development_build() {
        let (owner, other) = ([1; 32], [2; 32]);
        let (owner, other) = (SecretKey::from_bytes(&owner), SecretKey::from_bytes(&other));
        let line = release_public_line(&owner.public());
        let ask = |development, key| refuse_a_development_build(development, key, Some(&line));
        assert!(ask(true, &owner).is_err());
        assert!(ask(true, &other).is_ok());
        assert!(ask(false, &owner).is_ok());
        assert!(refuse_a_development_build(true, &owner, None).is_ok());

        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let says = |what: &str| {
            std::fs::write(
                &program,
                format!("#!/bin/sh\necho clawdefender 0.1.0 {what}\n"),
            )
            .unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&program, mode).unwrap();
            version_of(&program).unwrap().1
        };
        assert!(says("'(development build)'"));
        assert!(!says("'(x86_64)'"));
    }

    #[test]
    fn the_same_files_in_any_order_give_the_same_bytes() {
        let mut other = files();
        other.reverse();
        let packed = pack("x-1", &files()).unwrap();
        assert_eq!(packed, pack("x-1", &other).unwrap());

        let mut unpacked = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut seen = Vec::new();
        for entry in unpacked.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (0, 0));
            let mode = header.mode().unwrap();
            let name = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            seen.push(format!("{name} {mode:o} {}", bytes.len()));
        }
        let expected = [
            "x-1/README.md 644 4",
            "x-1/clawdefender 755 70000",
            "x-1/completions/clawdefender.bash 644 8",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_index_keeps_the_other_targets_of_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let add = |version: &str, target: &str| {
            let version = version.parse().unwrap();
            list(folder.path(), &version, target, "f", b"x").unwrap();
            let bytes = std::fs::read(folder.path().join("latest.json")).unwrap();
            let index: Value = serde_json::from_slice(&bytes).unwrap();
            let targets = index["archives"].as_array().unwrap().iter();
            let targets: Vec<String> = targets
                .map(|archive| archive["target"].as_str().unwrap().to_owned())
                .collect();
            targets.join(" ")
        };
        assert_eq!(add("0.1.0", "b"), "b");
        assert_eq!(add("0.1.0", "a"), "a b");
        assert_eq!(add("0.1.0", "a"), "a b");
        assert_eq!(add("0.2.0", "a"), "a");
    }
}
