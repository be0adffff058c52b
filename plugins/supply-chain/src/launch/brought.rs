//! Code that comes with an option, a variable or a folder and runs before or instead of a server:
//! each must be told, and what only looks like it must not.

use super::launch_in;
use super::tests::{argv, describe};

/// Nothing is known about the folder.
const ANYWHERE: &str = "";
const PROJECT: &str = "/home/u/work";

fn is_told(line: &str, cwd: &str) -> (bool, String) {
    let found = launch_in(&argv(line), &[], cwd);
    (found.opaque.is_some(), describe(&found))
}

#[track_caller]
fn check(lines: &[&str], cwd: &str, told: bool) {
    let differ = |line: &&&str| is_told(line, cwd).0 != told;
    let wrong: Vec<_> = lines.iter().filter(differ).collect();
    assert!(
        wrong.is_empty(),
        "in {cwd:?}, told should be {told}: {wrong:#?}"
    );
}

#[test]
fn deno_loads_files_and_maps_first() {
    check(
        &[
            "deno run --preload ./x.ts main.ts",
            "deno run -A --preload=/tmp/x.ts main.ts",
            "deno run --preload https://x.example/x.ts npm:p@1.0.0",
            "deno run --import ../x.ts main.ts",
            "deno run --require ./x.cjs main.ts",
            "deno --import data:text/javascript,x main.ts",
            "deno serve --preload x.ts main.ts",
            "deno run --import-map https://x.example/map.json main.ts",
            "deno run -c /tmp/deno.json main.ts",
            "deno run --allow-net --config ../deno.json main.ts",
            "NODE_OPTIONS='--require ./x.cjs' deno run main.ts",
        ],
        ANYWHERE,
        true,
    );
    check(
        &[
            // Measured: its variables bring no code, and its value needs the sign.
            "deno run --env-file main.ts",
            "deno run --env-file=prod.env -A main.ts",
            "deno run --config deno.json main.ts",
            "deno run --import-map import_map.json main.ts",
            // The script's own.
            "deno run main.ts --preload ./x.ts",
            "deno main.ts --import ./x.ts",
            "deno run -A npm:p@1.0.0 --config /home/u/p.json",
        ],
        ANYWHERE,
        false,
    );
}

#[test]
fn a_preloaded_package_of_deno_is_looked_up() {
    let (_, found) = is_told("deno run --preload npm:evil@1.0.0 main.ts", ANYWHERE);
    assert!(found.contains("npm:evil =1.0.0 extra"), "{found}");
    let (_, found) = is_told("deno run --env-file npm:evil@1.0.0", ANYWHERE);
    assert!(found.starts_with("npm:evil =1.0.0"), "{found}");
}

#[test]
fn node_loads_files_and_reads_files_of_variables() {
    check(
        &[
            "node --env-file=.env server.js",
            "node --env-file /tmp/x server.js",
            "node --env-file-if-exists=x server.js",
            "node --loader ./x.mjs server.js",
            "node --experimental-loader file:///tmp/x.mjs server.js",
            "node --experimental_loader ./x.mjs server.js",
            "node --experimental-config-file=x.json server.js",
            "node --snapshot-blob x.blob server.js",
            "node --openssl-config=/tmp/x.cnf server.js",
            "NODE_OPTIONS='\"-r\" ./x.cjs' node server.js",
            "NODE_OPTIONS='\"--req\"\"uire\" ./x.cjs' npx p@1.0.0",
            "NODE_OPTIONS=--openssl-config=/tmp/x.cnf npx p@1.0.0",
        ],
        ANYWHERE,
        true,
    );
    check(
        &[
            "node --loader tsx server.ts",
            "node --experimental-loader ts-node/esm server.ts",
            "node --max_old_space_size=512 server.js",
            "node server.js --env-file=.env",
            "NODE_OPTIONS='--max-old-space-size=512 --no-warnings' npx p@1.0.0",
            "docker run --env-file x.env img:1",
        ],
        ANYWHERE,
        false,
    );
}

#[test]
fn bun_and_uv_bring_code_by_options_and_variables() {
    check(
        &[
            "bun --preload ./x.ts server.ts",
            "bun run -r ./x.ts server.ts",
            "bun run --preload=/tmp/x.ts server.ts",
            "bun --import ./x.ts server.ts",
            "bun --config=/tmp/b.toml server.ts",
            "BUN_OPTIONS='--preload ./x.ts' bun server.ts",
            "BUN_OPTIONS='-r ./x.ts' bunx p@1.0.0",
            "BUN_OPTIONS=--config=/tmp/b.toml bunx p@1.0.0",
            "BUN_INSPECT_PRELOAD=./x.ts bun server.ts",
            "uv run --env-file x.env server.py",
            "UV_ENV_FILE=x.env uvx p@1.0.0",
            "pnpm --env-file x.env dlx p@1.0.0",
        ],
        ANYWHERE,
        true,
    );
    check(
        &[
            // Measured: variables from a file come too late for Bun's own.
            "bun --env-file=.env server.ts",
            "bun run server.ts -r ./x.ts",
            "bun -r dotenv/config server.ts",
            "BUN_OPTIONS='--smol --bun' bunx p@1.0.0",
            "uv run --no-env-file server.py",
        ],
        ANYWHERE,
        false,
    );
}

/// Modules that a file in the folder of the launch may stand for.
const MODULES: &[&str] = &[
    "python -m mcp_server_git",
    "python3.12 -u -m mcp_server_git --repository x",
    "/opt/venv/bin/python -sm mcp_server_git",
    "python -E -m mcp_server_git",
    "PYTHONSAFEPATH=1 python -E -m mcp_server_git",
    "PYTHONSAFEPATH= python -m mcp_server_git",
    "python -W ignore -m http.server",
    "uv run python -m mcp_server_git",
    "uv run -m mcp_server_git",
    "sh -c 'exec python -m mcp_server_git'",
];

#[test]
fn a_module_may_be_a_file_of_the_folder_that_it_starts_in() {
    check(MODULES, PROJECT, true);
    check(MODULES, ANYWHERE, true);
    check(
        &[
            "python -I -m mcp_server_git",
            "python -P -m mcp_server_git",
            "python -uIm mcp_server_git",
            "python -X utf8 -Pm mcp_server_git",
            "PYTHONSAFEPATH=1 python -m mcp_server_git",
            "uv run python -I -m mcp_server_git",
            // The folder of the script counts here, and nothing else.
            "python /opt/server/main.py -m x",
            "python server.py",
            "/opt/venv/bin/mcp-server-git",
        ],
        PROJECT,
        false,
    );
}

#[test]
fn nobody_writes_into_the_systems_own_folders() {
    for cwd in ["/", "C:\\Windows\\System32", "c:\\windows\\system32\\"] {
        check(&["python -m mcp_server_git"], cwd, false);
        // Whoever wraps it may change the folder.
        check(&["env -C /tmp python -m mcp_server_git"], cwd, true);
    }
    check(&["python -m mcp_server_git"], "/usr/../tmp", true);
    check(&["python -m mcp_server_git"], "C:\\Windows\\Temp", true);
    check(&["python -c 'import x'"], "/", true);
}

#[test]
fn pythons_variables_bring_code_to_python() {
    check(
        &[
            "PYTHONPATH=/tmp/x python server.py",
            "env PYTHONPATH=/tmp/x uvx p@1.0.0",
            "PYTHONHOME=/tmp/x python -P server.py",
            "PYTHONUSERBASE=/tmp/x pipx run p==1.0.0",
            "PYTHONPYCACHEPREFIX=/tmp/x python server.py",
            "PYTHONWARNINGS=all:0:antigravity.x:0:0 python server.py",
            "PYTHONSTARTUP=/tmp/x.py python -i",
            "PYTHONSTARTUP=/tmp/x.py python -i server.py",
            "sudo -u me PYTHONPATH=/tmp/x python server.py",
        ],
        ANYWHERE,
        true,
    );
    check(
        &[
            "PYTHONPATH= python server.py",
            "PYTHONPATH=/tmp/x python -I server.py",
            "PYTHONPATH=/tmp/x python -uE server.py",
            "env PYTHONPATH=/tmp/x python -Es server.py",
            // Read before a prompt only.
            "PYTHONSTARTUP=/home/u/.pythonrc python server.py",
            "PYTHONSTARTUP=/home/u/.pythonrc uvx p@1.0.0",
            "PYTHONWARNINGS=ignore::DeprecationWarning python server.py",
            "PYTHONUNBUFFERED=1 PYTHONIOENCODING=utf-8 python server.py",
        ],
        ANYWHERE,
        false,
    );
}

#[test]
fn a_shells_python_variables_say_nothing_about_other_programs() {
    let env = [("PYTHONPATH".to_owned(), "/home/u/lib".to_owned())];
    let told = |line: &str| launch_in(&argv(line), &env, PROJECT).opaque.is_some();
    for line in [
        "npx -y p@1.0.0",
        "node /opt/server/index.js",
        "docker run -i img:1",
        "python -I server.py",
    ] {
        assert!(!told(line), "{line}");
    }
    for line in [
        "uvx p@1.0.0",
        "python server.py",
        "/opt/venv/bin/server",
        "env python server.py",
    ] {
        assert!(told(line), "{line}");
    }
}
