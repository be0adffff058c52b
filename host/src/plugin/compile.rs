//! Compiling in a process of its own.
//!
//! Cranelift needs some 70 MiB for a moment, which the C library would keep for as long as the
//! daemon lives; and a component that makes it fail, or eat all memory, must not end the daemon.

use super::engine::Runtime;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use wasmtime::Error;
use wasmtime::component::Component;

/// The child: a component comes in, its native code for this machine goes out.
///
/// # Errors
/// When the bytes don't compile, or one of the two ends breaks.
pub fn compile(mut wasm: impl Read, mut code: impl Write) -> Result<(), Error> {
    let mut bytes = Vec::new();
    wasm.read_to_end(&mut bytes)?;
    let component = Component::new(Runtime::shared()?.engine(), &bytes)?;
    code.write_all(&component.serialize()?)?;
    Ok(code.flush()?)
}

/// What ended without code.
pub(super) enum Failed {
    /// There was no other process: the caller can compile by itself.
    NotStarted(std::io::Error),
    /// It refused the component, or did not survive it: nobody should try that again.
    Refused(Error),
}

/// Native code for `wasm`, from a process of `program`, which is this very executable. One that a
/// signal ended is given a second try, one after the other: the system may have been short of
/// memory while several compiled at once.
pub(super) fn apart(program: &Path, wasm: &[u8]) -> Result<Vec<u8>, Failed> {
    static ALONE: Mutex<()> = Mutex::new(());
    let output = run(program, wasm)?;
    let output = match output.status.signal() {
        Some(_) => {
            let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            run(program, wasm)?
        }
        None => output,
    };
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let ended = output.status;
    Err(Failed::Refused(Error::msg(match said.trim() {
        "" => format!("the compiler ended with {ended}"),
        said => format!("{said} ({ended})"),
    })))
}

fn run(program: &Path, wasm: &[u8]) -> Result<Output, Failed> {
    let mut child = Command::new(program)
        .args(["daemon", "compile"])
        .current_dir("/")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failed::NotStarted)?;
    // It reads all before it writes anything, so neither waits for the other. When it ends while
    // it is written to, what it said on stderr is the better error.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(wasm);
    }
    child
        .wait_with_output()
        .map_err(|error| Failed::Refused(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_compiled_comes_out_and_what_is_no_component_does_not() {
        let wasm = wat::parse_str("(component)").unwrap();
        let mut code = Vec::new();
        compile(wasm.as_slice(), &mut code).unwrap();
        let engine = Runtime::shared().unwrap().engine();
        assert!(matches!(
            wasmtime::Engine::detect_precompiled(&code),
            Some(wasmtime::Precompiled::Component)
        ));
        assert!(Component::new(engine, b"\0asm").is_err());
        let mut nothing = Vec::new();
        assert!(compile(b"\0asm".as_slice(), &mut nothing).is_err());
        assert!(nothing.is_empty());
    }

    #[test]
    fn a_compiler_that_was_killed_once_is_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("compiler");
        let mark = folder.path().join("mark");
        let mark = mark.display();
        let script = format!(
            "#!/bin/sh\ncat >/dev/null; [ -e {mark} ] || {{ touch {mark}; kill -9 $$; }}; echo code\n"
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(
            &program,
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
        assert!(matches!(apart(&program, b"wasm"), Ok(code) if code == b"code\n"));
    }

    #[test]
    fn a_compiler_that_dies_is_a_refusal_and_one_that_is_missing_is_not() {
        let missing = apart(Path::new("/nonexistent/program"), b"");
        assert!(matches!(missing, Err(Failed::NotStarted(_))));
        let folder = tempfile::tempdir().unwrap();
        for (script, expected) in [
            ("kill -9 $$", "the compiler ended with signal: 9"),
            (
                "cat >/dev/null; echo no such type >&2; exit 3",
                "no such type (exit status: 3)",
            ),
        ] {
            let program = folder.path().join("compiler");
            std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(
                &program,
                std::os::unix::fs::PermissionsExt::from_mode(0o700),
            )
            .unwrap();
            match apart(&program, &vec![0; 1 << 20]) {
                Err(Failed::Refused(error)) => {
                    assert!(error.to_string().starts_with(expected), "{error}");
                }
                _ => panic!("{script}: not a refusal"),
            }
        }
    }
}
