//! Programs, scripts and folders of packages that a command starts without a launcher that fetches.

use super::*;

#[test]
fn a_script_of_a_wheel_belongs_to_the_distribution_that_lists_it() {
    let disk = Disk::new();
    let site = "ws/venv/lib/python3.12/site-packages";
    let program = disk.file("ws/venv/bin/old-style", "run()");
    let other = disk.file("ws/venv/bin/nobody-s", "run()");
    let module = disk.file(&format!("{site}/x/cli.py"), "run()");
    disk.file(
        &format!("{site}/Old_Style-1.0.dist-info/RECORD"),
        "../../../bin/old-style,sha256=x,1\nx/cli.py,sha256=y,1\n",
    );
    let asked = |words: &[&str]| disk.identity(words, None);
    is(
        &asked(&["venv/bin/old-style"]),
        Some("pypi:old-style@1.0"),
        &program,
    );
    is(&asked(&["venv/bin/nobody-s"]), None, &other);
    disk.file("ws/venv/bin/python", "interpreter");
    let path = format!("{site}/x/cli.py").replace("ws/", "");
    is(
        &asked(&["venv/bin/python", &path]),
        Some("pypi:old-style@1.0"),
        &module,
    );
}

#[test]
fn a_package_s_folder_is_what_node_starts_in_it() {
    let disk = Disk::new();
    disk.npm("ws/node_modules", "srv", "1.0.0");
    let main = disk.file("ws/node_modules/srv/index.js", "run()");
    disk.file("ws/bin/node", "interpreter");
    let bin = disk.path().join("ws/bin");
    let path = [("PATH", bin.to_str().unwrap())];
    for word in [
        "node_modules/srv",
        "./node_modules/srv/",
        "node_modules/srv/index",
    ] {
        is(
            &disk.with(&["node", word], None, &path),
            Some("npm:srv@1.0.0"),
            &main,
        );
    }
    let own = disk.file("ws/index.js", "run()");
    is(&disk.with(&["node", "."], None, &path), None, &own);
}

#[test]
fn a_project_s_programs_and_scripts_are_looked_up() {
    let disk = Disk::new();
    let own = disk.npm("ws/node_modules", "srv", "1.0.0");
    disk.link("ws/node_modules/.bin/good", "../srv/dist/cli.js");
    let script = disk.file("ws/server.js", "run()");
    disk.file("ws/bin/node", "interpreter");
    disk.file("ws/bin/bun", "interpreter");
    disk.file(
        "ws/package.json",
        r#"{"scripts":{"start":"node server.js --port 1","tool":"good --stdio","shell":"x && y","loop":"npm run loop"}}"#,
    );
    let bin = disk.path().join("ws/bin");
    let path = [("PATH", bin.to_str().unwrap())];
    let asked = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        disk.with(&words, None, &path)
    };
    for line in [
        "yarn good",
        "yarn run good",
        "yarn --silent exec good --flag",
        "pnpm exec good",
        "pnpm good",
        "bun run good",
        "bun run --bun good",
        "npm run --silent tool",
        "yarn tool",
    ] {
        is(&asked(line), Some("npm:srv@1.0.0"), &own);
    }
    for line in [
        "npm start",
        "pnpm start",
        "yarn start",
        "bun run start",
        "bun server.js",
    ] {
        is(&asked(line), None, &script);
    }
    for line in [
        "npm run shell",
        "npm run loop",
        "npm run gone",
        "yarn install",
        "yarn --new good",
        "pnpm exec gone",
        "npm test",
    ] {
        let said = asked(line);
        assert_eq!((said.package, said.entry), (None, None), "{line}");
        assert!(said.unknown.is_some(), "{line}");
    }
    // A package that is fetched is no program of the project.
    let fetched = disk.identity(&["yarn", "dlx", "good"], Some("npm:good"));
    assert_eq!(fetched.entry, None);
}

#[test]
fn a_cache_that_the_project_chooses_is_looked_into() {
    let disk = Disk::new();
    let spec = "srv@1.0.0";
    let digest = data_encoding::HEXLOWER.encode(&sha2::Sha512::digest(spec.as_bytes()));
    let theirs = disk.npm(
        &format!("ws/c/_npx/{}/node_modules", &digest[..16]),
        "srv",
        "1.0.0",
    );
    disk.file("home/.npmrc", "cache=/nowhere");
    disk.file("ws/.npmrc", "\"cache\"=./c\n");
    let found = disk.identity(&["npx", "-y", spec], Some("npm:srv@1.0.0"));
    is(&found, Some("npm:srv@1.0.0"), &theirs);
}
