//! Folders with the files that launchers read, and what is told of them.

use super::super::tests::launch;
use super::*;
use std::fs;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(tree.0.path().join("home/ws/deep")).unwrap();
        for (path, text) in files {
            let path = tree.0.path().join("home").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    fn read(&self, argv: &[&str], env: &[(&str, &str)]) -> Vec<String> {
        let home = self.0.path().join("home");
        let launch = launch(argv, env, &home.join("ws/deep"));
        of_files(&launch, &home)
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }
}

#[test]
fn a_project_chooses_a_registry_for_npm() {
    let tree = Tree::new(&[
        ("ws/package.json", "{}"),
        (
            "ws/.npmrc",
            "; theirs\nregistry = \"https://r.example/\"\n@acme:registry=https://a.example\n\
             //r.example/:_authToken=s3cret\nnode-options=--require ./x.js\nfund=false\n",
        ),
        ("ws/deep/.npmrc", "script-shell=/tmp/sh"),
        (".npmrc", "registry=https://the-users-own.example"),
    ]);
    let told = [
        "npm_config_script_shell=/tmp/sh",
        "npm_config_registry=https://r.example/",
        "npm_config_@acme:registry=https://a.example",
        "npm_config_node_options=--require ./x.js",
    ];
    assert_eq!(tree.read(&["npx", "-y", "x"], &[]), told);
    assert!(tree.read(&["/srv/tool"], &[]).is_empty());
    // A variable wins.
    let set = [("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org")];
    let left = tree.read(&["sh", "-c", "npx x"], &set);
    assert_eq!(left, [told[0], told[2], told[3]]);
    // A folder above that is no project says nothing.
    let tree = Tree::new(&[("ws/.npmrc", "registry=https://r.example")]);
    assert!(tree.read(&["npx", "x"], &[]).is_empty());
}

#[test]
fn other_launchers_read_files_as_well() {
    let tree = Tree::new(&[
        (
            "ws/.yarnrc.yml",
            "npmRegistryServer: \"https://y.example\"\nnpmScopes:\n  a:\n    npmRegistryServer: z\n",
        ),
        (
            "ws/deep/bunfig.toml",
            "preload = [\"./a.ts\"]\n[install]\nregistry = { url = \"https://b.example\" }\n\
             cafile = \"ca.pem\"\n[install.scopes]\na = \"https://a.example\"\n\
             \"@b\" = { token = \"s3cret\", url = \"https://s.example\" }\nc = { token = \"x\" }\n",
        ),
        (
            "ws/pyproject.toml",
            "[project]\nname = \"x\"\n[[tool.uv.index]]\nurl = \"https://u.example\"\n",
        ),
    ]);
    let read = |argv: &[&str]| tree.read(argv, &[]);
    assert_eq!(
        read(&["yarn", "dlx", "x"]),
        [
            "YARN_NPM_REGISTRY_SERVER=https://y.example",
            "YARN_NPM_REGISTRY_SERVER=z"
        ]
    );
    assert_eq!(
        read(&["bunx", "x"]),
        [
            "BUN_CONFIG_REGISTRY=https://b.example",
            "NODE_OPTIONS=--require ./a.ts",
            "npm_config_@b:registry=https://s.example",
            "npm_config_@a:registry=https://a.example",
            "npm_config_strict_ssl=cafile"
        ]
    );
    assert_eq!(read(&["uv", "run", "x"]), ["UV_INDEX=https://u.example"]);
    assert!(read(&["uvx", "x"]).is_empty());
    assert!(read(&["/srv/tool"]).is_empty());
}

#[test]
fn a_script_says_what_it_needs_and_from_where() {
    let script =
        "# /// script\n# dependencies = ['a==1', 'b']\n# [tool.uv]\n# index-url = 'u'\n# ///\n";
    let tree = Tree::new(&[
        ("ws/deep/x.py", script),
        ("ws/deep/bad.py", "# /// script\n# ][\n# ///\n"),
    ]);
    let told = ["UV_INDEX_URL=u", "UV_WITH=a==1\nb"];
    assert_eq!(tree.read(&["uv", "run", "x.py"], &[]), told);
    let set = [("UV_WITH", "c"), ("UV_INDEX_URL", "v")];
    assert_eq!(tree.read(&["uv", "run", "x.py"], &set), told[1..]);
    assert_eq!(
        tree.read(&["uv", "run", "bad.py"], &[]),
        ["UV_INDEX_URL=unreadable script"]
    );
    assert!(tree.read(&["python", "x.py"], &[]).is_empty());
}

#[test]
fn a_file_that_cant_be_read_is_not_taken_for_one_that_says_nothing() {
    let large = format!("#{}\nregistry=https://r.example", " ".repeat(1 << 20));
    let tree = Tree::new(&[
        ("ws/deep/bunfig.toml", "]]"),
        ("ws/deep/uv.toml", "\0"),
        ("ws/.npmrc", &large),
        ("ws/package.json", "{}"),
    ]);
    fs::create_dir(tree.0.path().join("home/ws/deep/.yarnrc.yml")).unwrap();
    for (program, told) in [
        ("npx", "npm_config_registry=unreadable .npmrc"),
        ("bunx", "BUN_CONFIG_REGISTRY=unreadable bunfig.toml"),
        ("uv", "UV_INDEX_URL=unreadable uv.toml"),
        ("yarn", "YARN_NPM_REGISTRY_SERVER=unreadable .yarnrc.yml"),
    ] {
        let read = tree.read(&[program, "x"], &[]);
        assert!(read.iter().any(|line| line == told), "{program}: {read:?}");
    }
}

#[test]
fn a_disk_that_does_not_answer_says_elsewhere() {
    let tree = Tree::new(&[("ws/package.json", "{}")]);
    let launch = launch(&["npx", "x"], &[], tree.0.path());
    let told = super::super::told(&launch, None);
    let registry = told
        .env
        .iter()
        .find(|(name, _)| name == "npm_config_registry");
    assert_eq!(registry.unwrap().1, "unreadable settings");
    assert_eq!(
        super::super::told(&launch, Some(Vec::new())).env,
        launch.env
    );
}

#[test]
fn lines_that_make_no_sense_hold_nothing_up() {
    let tree = Tree::new(&[
        ("ws/.npmrc", "registry\n=\n[x]\nregistry=in-a-section\n"),
        ("ws/package.json", "{}"),
    ]);
    assert!(tree.read(&["npx", "x"], &[]).is_empty());
}

#[test]
fn a_project_says_it_in_any_spelling_of_toml() {
    for text in [
        "[ tool . uv ]\nindex-url = 'u'",
        "tool = { uv = { index-url = 'u' } }",
    ] {
        let tree = Tree::new(&[("ws/pyproject.toml", text)]);
        assert_eq!(
            tree.read(&["uv", "run", "x"], &[]),
            ["UV_INDEX_URL=u"],
            "{text}"
        );
    }
}

#[test]
fn nothing_hides_what_npm_heeds() {
    // The folder's own file is not the project's, and the last line of a file wins.
    let public = "registry=https://registry.npmjs.org/";
    let tree = Tree::new(&[
        ("ws/package.json", "{}"),
        (
            "ws/.npmrc",
            &format!("{public}\nregistry=https://r.example"),
        ),
        ("ws/deep/.npmrc", public),
    ]);
    let told = "npm_config_registry=https://r.example".to_owned();
    assert!(tree.read(&["npx", "x"], &[]).contains(&told));
    // npm ignores an empty variable.
    let set = [("npm_config_registry", "")];
    assert!(tree.read(&["npx", "x"], &set).contains(&told));
    // What can't be read may be anything.
    let set = [("npm_config_registry", "https://registry.npmjs.org")];
    let tree = Tree::new(&[("ws/deep/.npmrc", "reg${NOPE?}istry=https://r.example")]);
    let doubt = "npm_config_registry=unreadable .npmrc";
    assert_eq!(tree.read(&["npx", "x"], &set), [doubt]);
    // More than is told.
    let many: String = (0..70).map(|n| format!("@s{n}:registry={n}\n")).collect();
    let tree = Tree::new(&[("ws/deep/.npmrc", &many)]);
    let told = tree.read(&["npx", "x"], &[]);
    let doubt = "npm_config_registry=unreadable settings".to_owned();
    assert!(told.contains(&doubt) && !told.contains(&format!("npm_config_{}", "@s69:registry=69")));
    // A member of a workspace has the settings of the whole.
    let tree = Tree::new(&[
        ("ws/deep/package.json", "{}"),
        ("ws/package.json", r#"{"workspaces":["deep"]}"#),
        ("ws/.npmrc", "registry=https://r.example"),
    ]);
    assert_eq!(
        tree.read(&["npx", "x"], &[]),
        ["npm_config_registry=https://r.example"]
    );
}

#[test]
fn a_cache_of_the_project_s_may_hold_anything() {
    let tree = Tree::new(&[("ws/deep/.npmrc", "cache=./c")]);
    let told = ["npm_config_cache=./c", "npm_config_registry=a cache"];
    assert_eq!(tree.read(&["npx", "x"], &[]), told);
    let set = [("npm_config_cache", "/home/u/.npm")];
    assert!(tree.read(&["npx", "x"], &set).is_empty());
}

#[test]
fn settings_are_looked_for_where_the_launcher_goes() {
    let tree = Tree::new(&[
        ("ws/deep/sub/uv.toml", "index-url = 'u'"),
        ("ws/deep/sub/.npmrc", "registry=r"),
        ("ws/deep/sub/.yarnrc.yml", "npmRegistryServer: y"),
        ("ws/deep/sub/bunfig.toml", "install.registry = 'b'"),
        ("ws/deep/a/sub/uv.toml", "index-url = 'deep'"),
    ]);
    let read = |line: &str, env: &[(&str, &str)]| {
        let words: Vec<&str> = line.split(' ').collect();
        tree.read(&words, env)
    };
    for line in [
        "uv --directory sub run x",
        "uv --directory=sub run x",
        "uv run --project sub x",
        "env UV_PROJECT=sub uv run x",
        "env -C sub uv run x",
    ] {
        assert_eq!(read(line, &[]), ["UV_INDEX_URL=u"], "{line}");
    }
    for name in ["UV_PROJECT", "UV_WORKING_DIR"] {
        assert_eq!(read("uv run x", &[(name, "sub")]), ["UV_INDEX_URL=u"]);
    }
    assert_eq!(
        read("uv --directory a run --project sub x", &[]),
        ["UV_INDEX_URL=deep", "UV_INDEX_URL=u"]
    );
    for line in [
        "npx --prefix sub -y x@1",
        "npm -C sub exec -y x@1",
        "npm --prefi=sub exec x",
    ] {
        assert_eq!(read(line, &[]), ["npm_config_registry=r"], "{line}");
    }
    let shell = ["sh", "-c", "cd sub && npx x"];
    assert_eq!(tree.read(&shell, &[]), ["npm_config_registry=r"]);
    assert!(read("yarn --cwd sub dlx x", &[]).contains(&"YARN_NPM_REGISTRY_SERVER=y".to_owned()));
    assert!(read("bun --cwd=sub x y", &[]).contains(&"BUN_CONFIG_REGISTRY=b".to_owned()));
    // Options of a server, and folders that it is given.
    for line in [
        "npx -y x --directory sub --cwd sub",
        "npx x sub",
        "uvx x --directory sub",
    ] {
        assert!(read(line, &[]).is_empty(), "{line}");
    }
    let many: Vec<String> = (0..9).map(|n| format!("--project={n}")).collect();
    let told = read(&format!("uv run {} x", many.join(" ")), &[]);
    assert!(told.contains(&"UV_INDEX_URL=unreadable settings".to_owned()));
}

#[test]
fn only_uv_s_own_tools_heed_no_project() {
    let tree = Tree::new(&[("ws/deep/uv.toml", "index-url = 'u'")]);
    for (line, heeds) in [
        ("uv run --with x==1.0 srv tool", true),
        ("uv --directory tool run x", true),
        ("uv tool run x", false),
        ("uv -q --color never tool run x", false),
        ("/opt/uv tool run x", false),
        ("uvx uvicorn", false),
        ("/opt/uv-0.13 run x", true),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(tree.read(&words, &[]).is_empty(), !heeds, "{line}");
    }
    // A member's settings are those of its workspace.
    let tree = Tree::new(&[
        ("ws/deep/pyproject.toml", "[tool.uv]\nindex-url = 'u'"),
        (
            "ws/pyproject.toml",
            "[tool.uv]\nindex-url = 'w'\nworkspace.members = ['deep']\nallow-insecure-host = ['h']",
        ),
    ]);
    let told = ["UV_INDEX_URL=u", "UV_INDEX_URL=w", "UV_INSECURE_HOST=h"];
    assert_eq!(tree.read(&["uv", "run", "x"], &[]), told);
}

#[test]
fn another_home_has_other_settings() {
    let tree = Tree::new(&[
        ("ws/deep/h/.npmrc", "registry=r"),
        (".config/uv/uv.toml", ""),
    ]);
    let home = tree.0.path().join("home");
    let (home, own) = (home.to_str().unwrap(), home.join(".config"));
    let npm = ["npm_config_userconfig=another home"];
    let python = [
        "UV_CONFIG_FILE=another home",
        "PIP_CONFIG_FILE=another home",
    ];
    assert_eq!(tree.read(&["env", "HOME=./h", "npx", "x"], &[]), npm);
    assert_eq!(tree.read(&["npx", "x"], &[("HOME", "/elsewhere")]), npm);
    assert_eq!(tree.read(&["sh", "-c", "HOME=h uvx x"], &[]), python);
    let config = |folder| [("HOME", home), ("XDG_CONFIG_HOME", folder)];
    for folder in ["./x", "/tmp/x", "x"] {
        assert_eq!(
            tree.read(&["uvx", "x"], &config(folder)),
            python,
            "{folder}"
        );
    }
    let project = format!("{home}/ws/deep/x");
    assert_eq!(tree.read(&["uvx", "x"], &config(&project)), python);
    // The user's own, also of a client in a container of its own; and one inside of a container.
    let flatpak = format!("{home}/.var/app/a.b.C/config");
    for folder in [own.to_str().unwrap(), &flatpak, ""] {
        assert!(
            tree.read(&["uvx", "x"], &config(folder)).is_empty(),
            "{folder}"
        );
    }
    let word = format!("HOME={home}");
    assert!(tree.read(&["env", &word, "npx", "x"], &[]).is_empty());
    let inside = ["docker", "run", "-e", "HOME=/tmp", "node", "npx", "x"];
    assert!(tree.read(&inside, &[]).is_empty());
    assert!(
        tree.read(&["/srv/tool"], &[("HOME", "/elsewhere")])
            .is_empty()
    );
}
