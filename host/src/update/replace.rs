//! The swap: there is a whole program under the own name at every moment, and the old one stays
//! beside it.

use super::{Release, UpdateError};
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Whether this program is a build from source.
const DEVELOPMENT: bool = !matches!(env!("CLAWDEFENDER_ROOT_DEVELOPMENT").as_bytes(), b"false");

/// How long the new program may take to say its version. Chosen: it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most of what it says that is read, in bytes.
const MOST_SAID: usize = 4096;

/// Puts `release` in the place of the program at `own`. Returns where the old one is kept: `.previous`
/// at the end of its name.
///
/// The new program is written beside it, synced, and started once to say its version, so that one
/// which can't run here never takes the place. Then two renames.
///
/// # Errors
/// [`UpdateError::Broken`], [`UpdateError::Disk`]; the old program is at `own` then.
pub fn replace(own: &Path, release: &Release) -> Result<PathBuf, UpdateError> {
    let draft = beside(own, &format!(".new-{}", std::process::id()));
    let done = write(&draft, &release.program)
        .and_then(|()| try_out(&draft, release))
        .and_then(|()| swap(&draft, own));
    if done.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    done
}

fn beside(own: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(own.file_name().unwrap_or_default());
    name.push(end);
    own.with_file_name(name)
}

fn disk(path: &Path) -> impl Fn(std::io::Error) -> UpdateError + '_ {
    |source| UpdateError::Disk {
        path: path.to_owned(),
        source,
    }
}

fn write(draft: &Path, program: &[u8]) -> Result<(), UpdateError> {
    let write = || {
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(draft)?;
        file.write_all(program)?;
        file.sync_all()
    };
    write().map_err(disk(draft))
}

fn try_out(draft: &Path, release: &Release) -> Result<(), UpdateError> {
    let broken = |error: std::io::Error| UpdateError::Broken(error.to_string());
    let until = Instant::now() + PATIENCE;
    let mut program = loop {
        let started = Command::new(draft)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        match started {
            // A child of another thread that is not its own program yet still holds the file.
            Err(error)
                if error.kind() == ErrorKind::ExecutableFileBusy && Instant::now() < until =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            started => break started.map_err(broken)?,
        }
    };
    // A version fits into the pipe, so that nobody needs to read before it has ended.
    let status = loop {
        match program.try_wait().map_err(broken)? {
            Some(status) => break status,
            None if Instant::now() >= until => {
                let _ = program.kill();
                let _ = program.wait();
                return Err(UpdateError::Broken(format!(
                    "asked for its version it said nothing for {} seconds",
                    PATIENCE.as_secs()
                )));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut said = Vec::new();
    if let Some(out) = &mut program.stdout {
        // What it started may still hold the other end: what is there is enough.
        said.resize(MOST_SAID, 0);
        let length = out.read(&mut said).map_err(broken)?;
        said.truncate(length);
    }
    let text = String::from_utf8_lossy(&said);
    let mut words = text.split_whitespace();
    let right =
        words.next() == Some("clawdefender") && words.next() == Some(release.version.as_str());
    if !status.success() || !right {
        return Err(UpdateError::Broken(format!(
            "asked for its version it ended with {status}, and not with {}",
            release.version
        )));
    }
    if !DEVELOPMENT && text.contains("development") {
        return Err(UpdateError::Broken(
            "it is a development build, which believes another machine's keys".to_owned(),
        ));
    }
    Ok(())
}

fn swap(draft: &Path, own: &Path) -> Result<PathBuf, UpdateError> {
    let previous = beside(own, ".previous");
    let second = beside(own, &format!(".old-{}", std::process::id()));
    let swap = || {
        // A second name for the old program; a copy where the file system has no such thing.
        std::fs::hard_link(own, &second)
            .or_else(|_| std::fs::copy(own, &second).map(drop))
            .and_then(|()| std::fs::rename(&second, &previous))
            .and_then(|()| std::fs::rename(draft, own))
    };
    swap().map_err(|error| {
        let _ = std::fs::remove_file(&second);
        disk(own)(error)
    })?;
    if let Some(folder) = own.parent() {
        // The new program is in place: what may still be lost in a power cut is no failure.
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        if let Err(error) = synced {
            tracing::warn!(%error, "the new program may not outlive a power cut");
        }
    }
    Ok(previous)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(program: &str) -> Release {
        Release {
            version: "9.9.9".parse().unwrap(),
            program: program.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_new_program_takes_the_place_and_the_old_one_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("clawdefender");
        for old in ["old", "older"] {
            std::fs::write(&own, old).unwrap();
            let new = "#!/bin/sh\necho clawdefender 9.9.9 '(x)'\n";
            let previous = replace(&own, &release(new)).unwrap();
            assert_eq!(std::fs::read_to_string(&own).unwrap(), new);
            assert_eq!(std::fs::read_to_string(&previous).unwrap(), old);
            assert_eq!(previous, folder.path().join("clawdefender.previous"));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_program_that_does_not_run_here_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("clawdefender");
        std::fs::write(&own, "old").unwrap();
        for broken in [
            "\u{7f}ELF of another machine",
            "#!/bin/sh\necho clawdefender 9.9.8\n",
            "#!/bin/sh\necho clawdefender 9.9.9\nexit 1\n",
            "#!/bin/sh\necho else 9.9.9\n",
            "#!/bin/sh\nexec sleep 600\n",
        ] {
            let refused = replace(&own, &release(broken));
            assert!(matches!(refused, Err(UpdateError::Broken(_))), "{broken}");
            assert_eq!(std::fs::read_to_string(&own).unwrap(), "old");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
