//! Hands the signed seed feed and its trust root to the compiler. Verifies nothing: the binary does
//! that itself at each start. Without a seed there is no build, since a host without detectors would
//! call everything clean.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo:rerun-if-env-changed=CLAWDEFENDER_SEED_DIR");
    println!("cargo:rerun-if-env-changed=CLAWDEFENDER_RELEASE_BUILD");
    match tell_cargo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo:error={message}");
            ExitCode::FAILURE
        }
    }
}

fn tell_cargo() -> Result<(), String> {
    let folder = seed_folder().ok_or("no signed seed feed: run `cargo xtask build`")?;
    let (pack, root) = (folder.join("seed.feedpack"), folder.join("root.json"));
    // Everything in it, so that a file that appears is noticed, too.
    println!("cargo:rerun-if-changed={}", folder.display());
    let text = std::fs::read_to_string(&root)
        .map_err(|error| format!("no signed seed feed: run `cargo xtask build` ({error})"))?;
    let root: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("seed trust root: {error}"))?;

    let keys = root.get("keys");
    let field = |name: &str| {
        keys.and_then(|keys| keys.get(name))
            .ok_or(format!("seed trust root has no `keys.{name}`"))
    };
    let hex = |name: &str| {
        let value = field(name)?
            .as_str()
            .ok_or(format!("seed trust root: `{name}` is no text"))?;
        Ok::<_, String>(value.to_owned())
    };
    let text = |name: &str| {
        let value = root.get(name).and_then(serde_json::Value::as_str);
        value
            .map(str::to_owned)
            .ok_or(format!("seed trust root has no `{name}`"))
    };
    let listed = |value: Option<&serde_json::Value>| {
        let keys = value.and_then(serde_json::Value::as_array).into_iter();
        let keys: Vec<&str> = keys
            .flatten()
            .filter_map(serde_json::Value::as_str)
            .collect();
        keys.join(" ")
    };
    let code = listed(Some(field("code")?));
    let retired = listed(keys.and_then(|keys| keys.get("retired")));
    let epoch = field("epoch")?
        .as_u64()
        .ok_or("seed trust root: `epoch` is no number")?;
    // Anything but a plain `false` is development.
    let development = root.get("development") != Some(&serde_json::Value::Bool(false));
    if development && std::env::var_os("CLAWDEFENDER_RELEASE_BUILD").is_some() {
        return Err("a release build refuses a development trust root".to_owned());
    }

    tell("SEED_PACK", &pack.display().to_string());
    tell("ROOT_FEED_ID", &text("feed_id")?);
    tell("ROOT_CHANNEL", &text("channel")?);
    tell("ROOT_PUBLIC_KEY", &hex("current")?);
    tell("ROOT_NEXT_PUBLIC_KEY", &hex("next")?);
    tell("ROOT_KEY_EPOCH", &epoch.to_string());
    tell("ROOT_CODE_KEYS", &code);
    tell("ROOT_RETIRED_KEYS", &retired);
    tell("ROOT_DEVELOPMENT", &development.to_string());
    tell("RELEASE_KEY", &release_key_in(&folder.join("release.pub"))?);
    tell("TARGET", &std::env::var("TARGET").unwrap_or_default());
    Ok(())
}

/// The key in minisign's own form: a comment, then the key. Empty when there is no such file: then
/// the program can't update itself, and says so.
fn release_key_in(path: &Path) -> Result<String, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => text
            .lines()
            .nth(1)
            .map(|line| line.trim().to_owned())
            .ok_or(format!("{}: no minisign public key", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn tell(name: &str, value: &str) {
    println!("cargo:rustc-env=CLAWDEFENDER_{name}={value}");
}

/// The folder given, or `seed/` in the target directory, which is somewhere above `OUT_DIR`.
fn seed_folder() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("CLAWDEFENDER_SEED_DIR") {
        return Some(PathBuf::from(given)).filter(|folder| complete(folder));
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR")?);
    // `target/[TRIPLE/]PROFILE/build/PACKAGE/out`, with a level to spare for newer layouts.
    out.ancestors()
        .take(8)
        .map(|folder| folder.join("seed"))
        .find(|folder| complete(folder))
}

fn complete(folder: &Path) -> bool {
    ["seed.feedpack", "root.json"]
        .iter()
        .all(|name| folder.join(name).is_file())
}
