//! Real folders as launchers leave them, and what is said about what would run from them.

use super::*;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

mod own;

struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn link(&self, path: &str, to: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(to, path).unwrap();
    }

    fn npm(&self, folder: &str, name: &str, version: &str) -> PathBuf {
        let manifest = format!(
            r#"{{"name":"{name}","version":"{version}","bin":{{"server":"dist/cli.js"}}}}"#
        );
        self.file(&format!("{folder}/{name}/package.json"), &manifest);
        self.file(&format!("{folder}/{name}/dist/cli.js"), "run()")
    }

    fn identity(&self, argv: &[&str], named: Option<&str>) -> Identity {
        self.with(argv, named, &[])
    }

    fn with(&self, argv: &[&str], named: Option<&str>, env: &[(&str, &str)]) -> Identity {
        let launch = launch(argv, env, &self.path().join("ws"));
        identify(&launch, named, &self.path().join("home"))
    }
}

/// SHA-256 of `run()`.
fn run_digest() -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(b"run()"))
}

#[track_caller]
fn is(identity: &Identity, package: Option<&str>, entry: &Path) {
    assert_eq!(identity.package.as_deref(), package, "{identity:?}");
    assert_eq!(identity.entry.as_deref(), entry.to_str(), "{identity:?}");
    assert_eq!(identity.sha256, Some(run_digest()), "{identity:?}");
    assert_eq!(identity.unknown, None);
}

#[track_caller]
fn is_nobody_s(identity: &Identity, entry: &Path) {
    assert_eq!(identity.package, None, "{identity:?}");
    assert_eq!(identity.entry.as_deref(), entry.to_str(), "{identity:?}");
    assert_eq!(identity.sha256, Some(run_digest()));
    assert!(identity.unknown.as_deref().unwrap().contains("no link"));
}

#[test]
fn what_the_project_has_runs_in_place_of_what_npx_fetched() {
    let disk = Disk::new();
    let spec = "srv@1.0.0";
    let digest = data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(spec.as_bytes()));
    let cache = format!("home/.npm/_npx/{}/node_modules", &digest[..16]);
    let fetched = disk.npm(&cache, "srv", "1.0.0");
    let asked = || disk.identity(&["npx", "-y", spec], Some("npm:srv@1.0.0"));
    is(&asked(), Some("npm:srv@1.0.0"), &fetched);
    // Another version in the project is not what was asked for.
    let other = disk.npm("ws/node_modules", "srv", "2.0.0");
    is(&asked(), Some("npm:srv@1.0.0"), &fetched);
    fs::remove_dir_all(disk.path().join("ws/node_modules")).unwrap();
    let own = disk.npm("ws/node_modules", "srv", "1.0.0");
    assert_eq!(other, own);
    is(&asked(), Some("npm:srv@1.0.0"), &own);
    // What is started is the program of the package's name, whoever it belongs to.
    let other = disk.npm("ws/node_modules", "another", "6.6.6");
    disk.link("ws/node_modules/.bin/server", "../another/dist/cli.js");
    is(&asked(), Some("npm:another@6.6.6"), &other);
    // A program that is called like the word itself, and belongs to nobody.
    let program = disk.file("ws/node_modules/.bin/srv@1.0.0", "run()");
    disk.file("ws/package.json", r#"{"name":"srv","version":"1.0.0"}"#);
    is_nobody_s(&asked(), &program);
    fs::remove_dir_all(disk.path().join("ws/node_modules")).unwrap();
    // The project is such a package.
    disk.file(
        "ws/package.json",
        r#"{"name":"x","bin":{"srv@1.0.0":"evil.js"}}"#,
    );
    assert!(asked().unknown.unwrap().contains("project itself"));
    // Or says that it is the package, which brings what lies in its own folder to run.
    disk.file(
        "ws/package.json",
        r#"{"name":"srv","version":"1.0.0","bin":{"srv":"x.js"}}"#,
    );
    let program = disk.file("ws/node_modules/.bin/srv", "run()");
    is_nobody_s(&asked(), &program);
    fs::remove_dir_all(disk.path().join("ws/node_modules")).unwrap();
    fs::remove_file(disk.path().join("ws/package.json")).unwrap();
    // Installed for everybody.
    let npm = disk.file("lib/node_modules/npm/bin/npx-cli.js", "");
    fs::create_dir_all(disk.path().join("bin")).unwrap();
    symlink(&npm, disk.path().join("bin/npx")).unwrap();
    let global = disk.npm("lib/node_modules", "srv", "1.0.0");
    let path = disk.path().join("bin");
    let env = [("PATH", path.to_str().unwrap())];
    let found = disk.with(&["npx", "-y", spec], Some("npm:srv@1.0.0"), &env);
    is(&found, Some("npm:srv@1.0.0"), &global);
}

#[test]
fn what_npx_fetched_is_found_by_the_words_it_was_asked_with() {
    let disk = Disk::new();
    let folder = |spec: &str| {
        let digest = data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(spec.as_bytes()));
        format!("home/.npm/_npx/{}/node_modules", &digest[..16])
    };
    let old = disk.npm(&folder("@a/srv@1.0.0"), "@a/srv", "1.0.0");
    let new = disk.npm(&folder("@a/srv"), "@a/srv", "2.3.4");
    let argv = |spec| ["npx", "-y", spec, "--flag"];
    is(
        &disk.identity(&argv("@a/srv@1.0.0"), Some("npm:@a/srv@1.0.0")),
        Some("npm:@a/srv@1.0.0"),
        &old,
    );
    let last = disk.identity(&argv("@a/srv"), Some("npm:@a/srv"));
    is(&last, Some("npm:@a/srv@2.3.4"), &new);
    assert!(last.may_renew);
    let absent = disk.identity(&argv("@a/srv@9.9.9"), Some("npm:@a/srv@9.9.9"));
    assert_eq!((absent.package, absent.sha256), (None, None));
    assert_eq!(
        absent.unknown.unwrap(),
        "the package is not on this disk yet"
    );

    // A cache elsewhere, by variable and by file.
    let moved = disk.npm(
        &folder("srv").replace("home/.npm", "elsewhere"),
        "srv",
        "1.1.1",
    );
    let cache = disk.path().join("elsewhere");
    let cache = cache.to_str().unwrap();
    let asked = ["npx", "srv"];
    is(
        &disk.with(&asked, Some("npm:srv"), &[("NPM_CONFIG_CACHE", cache)]),
        Some("npm:srv@1.1.1"),
        &moved,
    );
    disk.file("home/.npmrc", &format!("registry=x\ncache = {cache}\n"));
    is(
        &disk.identity(&asked, Some("npm:srv")),
        Some("npm:srv@1.1.1"),
        &moved,
    );
}

#[test]
fn a_project_s_own_program_stands_in_for_the_registry_s() {
    for folder in ["ws/", ""] {
        let disk = Disk::new();
        let own = disk.npm(&format!("{folder}node_modules"), "another", "6.6.6");
        let link = format!("{folder}node_modules/.bin/srv");
        disk.link(&link, "../another/dist/cli.js");
        let asked = |argv: &[&str]| disk.identity(argv, Some("npm:srv"));
        is(
            &asked(&["npx", "-y", "srv"]),
            Some("npm:another@6.6.6"),
            &own,
        );
        is(&asked(&["bunx", "srv"]), Some("npm:another@6.6.6"), &own);
        // A file inside of a package is no other package.
        let inner = r#"{"name":"srv","version":"1.0.0"}"#;
        disk.file(
            &format!("{folder}node_modules/another/dist/package.json"),
            inner,
        );
        is(&asked(&["npx", "srv"]), Some("npm:another@6.6.6"), &own);
        // These never look into the project.
        assert_eq!(asked(&["pnpm", "dlx", "srv"]).entry, None);
    }
}

#[test]
fn a_program_that_no_package_has_is_nobody_s() {
    let disk = Disk::new();
    let outside = disk.file("elsewhere/srv.js", "run()");
    disk.file(
        "elsewhere/package.json",
        r#"{"name":"srv","version":"1.0.0"}"#,
    );
    disk.link("ws/node_modules/.bin/srv", "../../../elsewhere/srv.js");
    let asked = || disk.identity(&["npx", "srv"], Some("npm:srv"));
    is_nobody_s(&asked(), &outside);
    fs::remove_file(disk.path().join("ws/node_modules/.bin/srv")).unwrap();
    let plain = disk.file("ws/node_modules/.bin/srv", "run()");
    is_nobody_s(&asked(), &plain);
}

#[test]
fn a_program_beside_its_package_is_told_by_its_own_name() {
    let disk = Disk::new();
    let spec = "@a/srv@1.0.0";
    let digest = data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(spec.as_bytes()));
    let cache = format!("home/.npm/_npx/{}/node_modules", &digest[..16]);
    let fetched = disk.npm(&cache, "@a/srv", "1.0.0");
    disk.link(&format!("{cache}/.bin/server"), "../@a/srv/dist/cli.js");
    let asked = |argv: &[&str]| disk.identity(argv, Some("npm:@a/srv@1.0.0"));
    for argv in [
        &["npx", "-y", "-p", spec, "server", "--port", "1"][..],
        &["npx", "--package=@a/srv@1.0.0", "--", "server"],
    ] {
        is(&asked(argv), Some("npm:@a/srv@1.0.0"), &fetched);
    }
    for argv in [
        &["npx", "-p", spec, "-c", "server"][..],
        &["npx", "-p", spec],
        &["npx", "-p", spec, "--new", "x", "server"],
    ] {
        let said = asked(argv);
        assert_eq!((said.package, said.entry), (None, None), "{argv:?}");
        assert!(said.unknown.unwrap().contains("options"), "{argv:?}");
    }
}

#[test]
fn scripts_programs_and_modules_are_what_is_hashed() {
    let disk = Disk::new();
    let script = disk.file("ws/app/server.js", "run()");
    disk.file("ws/bin/node", "interpreter");
    let bin = disk.path().join("ws/bin");
    let path = [("PATH", bin.to_str().unwrap())];
    let words = ["node", "--no-warnings", "app/server.js", "-m", "x"];
    is(&disk.with(&words, None, &path), None, &script);
    disk.file(
        "ws/app/package.json",
        r#"{"name":"my-app","version":"0.1.0"}"#,
    );
    is(
        &disk.with(&words, None, &path),
        Some("npm:my-app@0.1.0"),
        &script,
    );

    let program = disk.file("ws/venv/bin/mcp-git", "run()");
    let site = "ws/venv/lib/python3.12/site-packages";
    disk.file(
        &format!("{site}/Mcp_Git-1.2.dist-info/entry_points.txt"),
        "[console_scripts]\nmcp-git = mcp_git:main\n",
    );
    is(
        &disk.identity(&["venv/bin/mcp-git"], None),
        Some("pypi:mcp-git@1.2"),
        &program,
    );
    let module = disk.file(&format!("{site}/mcp_git/__main__.py"), "run()");
    disk.file("ws/venv/bin/python3.12", "interpreter");
    is(
        &disk.identity(&["venv/bin/python3.12", "-u", "-m", "mcp_git"], None),
        Some("pypi:mcp-git@1.2"),
        &module,
    );

    for words in [
        &["node", "--env-file=.env", "app/server.js"][..],
        &["node", "--import", "tsx", "app/server.js"],
    ] {
        is(
            &disk.with(words, None, &path),
            Some("npm:my-app@0.1.0"),
            &script,
        );
    }

    let tool = disk.file("home/.local/share/uv/tools/mcp-time/bin/mcp-time", "run()");
    disk.file("home/.local/share/uv/tools/mcp-time/lib/python3.13/site-packages/mcp_time-2.0.dist-info/METADATA", "");
    is(
        &disk.identity(&["uvx", "mcp-time"], Some("pypi:mcp-time")),
        Some("pypi:mcp-time@2.0"),
        &tool,
    );
}

#[test]
fn an_installed_tool_is_not_what_runs_when_another_version_is_asked_for() {
    let disk = Disk::new();
    let tools = "home/.local/share/uv/tools/mcp-time";
    let tool = disk.file(&format!("{tools}/bin/mcp-time"), "run()");
    let site = format!("{tools}/lib/python3.13/site-packages");
    disk.file(&format!("{site}/mcp_time-1.0.dist-info/METADATA"), "");
    for (spec, named) in [
        ("mcp-time", "pypi:mcp-time"),
        ("mcp-time@1.0", "pypi:mcp-time@1.0"),
        ("mcp_time==1.0", "pypi:mcp-time@1.0"),
    ] {
        let said = disk.identity(&["uvx", spec], Some(named));
        is(&said, Some("pypi:mcp-time@1.0"), &tool);
    }
    for (spec, named) in [
        ("mcp-time@2.0", "pypi:mcp-time@2.0"),
        ("mcp-time==2.0", "pypi:mcp-time@2.0"),
        ("mcp-time>=2", "pypi:mcp-time"),
        ("mcp-time@latest", "pypi:mcp-time"),
    ] {
        let said = disk.identity(&["uvx", spec], Some(named));
        assert_eq!((said.package, said.sha256), (None, None), "{spec}");
        assert!(said.unknown.is_some(), "{spec}");
    }
}

#[test]
fn a_module_belongs_to_the_distribution_that_lists_its_file() {
    let disk = Disk::new();
    let site = "ws/venv/lib/python3.12/site-packages";
    disk.file("ws/venv/bin/python", "interpreter");
    let record = |info: &str, text: &str| {
        disk.file(&format!("{site}/{info}.dist-info/RECORD"), text);
    };
    record("awslabs_a-1.0", "awslabs/a/__main__.py,sha256=x,1\n");
    record("awslabs_b-2.0", "awslabs/b/server.py,sha256=x,1\n");
    // Called like the top name, and not where the module is from.
    record("awslabs-9.0", "awslabs/other.py,,\n");
    let main = disk.file(&format!("{site}/awslabs/a/__main__.py"), "run()");
    let file = disk.file(&format!("{site}/awslabs/b/server.py"), "run()");
    let asked = |module| disk.identity(&["venv/bin/python", "-m", module], None);
    is(&asked("awslabs.a"), Some("pypi:awslabs-a@1.0"), &main);
    is(
        &asked("awslabs.b.server"),
        Some("pypi:awslabs-b@2.0"),
        &file,
    );
    // Nobody lists it: the only one that claims its top name, if there is one.
    let odd = disk.file(&format!("{site}/odd/__main__.py"), "run()");
    is(&asked("odd"), None, &odd);
    disk.file(&format!("{site}/x-3.0.dist-info/top_level.txt"), "odd\n");
    is(&asked("odd"), Some("pypi:x@3.0"), &odd);
    disk.file(&format!("{site}/y-4.0.dist-info/top_level.txt"), "odd\n");
    is(&asked("odd"), None, &odd);
}

#[test]
fn what_cannot_be_known_is_said_and_not_made_up() {
    let disk = Disk::new();
    disk.file("ws/bin/node", "interpreter");
    disk.file("ws/hook.js", "other()");
    let bin = disk.path().join("ws/bin");
    let path = [("PATH", bin.to_str().unwrap())];
    for argv in [
        &["node", "--require", "hook.js", "server.js"][..],
        &["node", "--import", "./hook.js", "hook.js"],
        &["node", "-e", "run()"],
        &["node"],
        &["node", "gone.js"],
        &["nowhere"],
        &["npx", "-y"],
        &["uvx", "--from", "git+https://x.example/y", "y"],
        &["docker", "run", "image"],
        &["sh", "-c", "node x.js"],
        &["java", "-jar", "x.jar"],
        &[],
    ] {
        let said = disk.with(argv, None, &path);
        assert!(said.unknown.is_some(), "{argv:?}: {said:?}");
        assert_eq!(
            (said.package, said.entry, said.sha256),
            (None, None, None),
            "{argv:?}"
        );
    }
    // A file may call itself anything; what no registry would take is not repeated.
    disk.file("ws/odd/x.js", "run()");
    disk.file(
        "ws/odd/package.json",
        "{\"name\":\"a\\u001b[31m\",\"version\":\"1\"}",
    );
    assert_eq!(disk.with(&["node", "odd/x.js"], None, &path).package, None);
}

#[test]
fn a_pipe_in_the_place_of_a_program_holds_up_nothing() {
    let disk = Disk::new();
    disk.file("ws/x", "");
    let pipe = disk.path().join("ws/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let said = disk.identity(&["./pipe"], None);
    assert_eq!(said.sha256, None);
    assert!(said.unknown.is_some());
    assert_eq!(digest(&pipe), Err("it is no regular file"));
}

/// A launch of these words in `cwd`.
pub(super) fn launch(argv: &[&str], env: &[(&str, &str)], cwd: &Path) -> Launch {
    let variable = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Launch {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: env.iter().map(variable).collect(),
        cwd: cwd.to_string_lossy().into_owned(),
        origin: None,
    }
}
