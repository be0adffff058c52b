//! Spellings that launchers take and that are easy to read wrong: each was tried with the real one
//! (npm 11.19, pnpm 12.21, yarn 4.18, uv 0.13, pipx 1.18) or is in its help.

use super::tests::{argv, describe, facts};
use super::{launch, script};

#[rustfmt::skip]
const ROWS: &[(&str, &str)] = &[
    // A package by npm's own word for it.
    ("npx -y npm:evil@1.0.0", "npm:evil =1.0.0"),
    ("pnpm dlx npm:evil@1.0.0", "npm:evil =1.0.0"),
    ("yarn dlx evil@npm:^1", "npm:evil ~^1"),
    ("yarn add 'evil@npm:>=1 <2'", "npm:evil ~>=1 <2"),
    ("yarn add evil@npm:1.0.0", "npm:1.0.0 extra?, pypi:1.0.0 extra?, npm:evil =1.0.0"),
    ("yarn dlx evil@npm:next", "npm:evil #next extra?, npm:next alias"),
    ("npx good@npm:v18", "npm:v18 extra?, pypi:v18 extra?, npm:good ~v18"),
    ("npm i good@npm:666", "npm:666 extra?, pypi:666 extra?, npm:good ~666"),
    ("yarn add evil@patch:evil@npm%3A1.0.0#~/x.patch", "npm:evil =1.0.0"),
    ("yarn add evil@portal:../x", "path"),
    ("npm i good@https://x.example/a.tgz", "url"),
    ("npm i good@./a.tgz", "path"),
    // What names no package after all.
    ("npx -y --package= evil", "npm:undefined, npm:evil, ambiguous"),
    ("npx -y -pgood evil", "npm:good, npm:evil, ambiguous"),
    ("npx -y -p good evil", "npm:good"),
    // `-n` has a value behind npx only.
    ("npm i -n evil", "npm:evil, ambiguous"),
    ("npm exec -y -n evil", "npm:evil, ambiguous"),
    ("npx -y -n x evil", "npm:x, npm:evil, ambiguous"),
    // Verbs that npm completes.
    ("npm exe -y evil", "npm:evil"),
    ("npm install-te evil", "npm:evil"),
    ("npm view evil", ""),
    ("npm run exe", ""),
    // Settings by a longer name.
    ("pnpm --config.registry=https://r.example dlx evil", "npm:evil, override"),
    ("pnpm --config.ignore-scripts=true dlx evil", "npm:evil"),
    // pipx has flags where pip has values.
    ("pipx install -f evil", "pypi:evil"),
    ("pipx run --fetch-missing-python evil", "pypi:evil"),
    ("pipx run --editable ./x", "path"),
    ("pip install -f https://r.example evil", "pypi:evil, override"),
    // A comma inside of a requirement.
    ("uvx --with 'evil>=1,<2' good", "pypi:evil ~>=1,<2 extra, pypi:good"),
    ("uvx --with 'evil[a,b]==1.0,other' good", "pypi:evil =1.0 extra, pypi:other extra, pypi:good"),
    ("uvx --overrides https://x.example/o.txt good", "pypi:good, url"),
    ("pip install -c https://x.example/c.txt good", "pypi:good, url"),
    ("pip install -c c.txt good", "pypi:good, path"),
    // Docker's flags without a value.
    ("docker run --use-api-socket evil", "oci:evil"),
    ("docker pull -a evil", "oci:evil"),
    ("docker run -a stdin evil", "oci:evil"),
    ("docker build -t x https://x.example/r.git", "url"),
    ("docker buildx build --push -f https://x.example/Dockerfile .", "url, path"),
    ("docker build -t x .", "path"),
    ("docker plugin install --grant-all-permissions evil/plugin:1", "oci:evil/plugin #1"),
    ("docker service update --image evil:1 web", "oci:evil #1"),
    // Programs that every later call runs.
    ("yarn set version https://x.example/y.js", "url"),
    ("yarn plugin import https://x.example/p.js", "url"),
    ("yarn set version stable", "path"),
];

/// What is set for a command, or for everything that a script starts later.
#[rustfmt::skip]
const SET: &[(&str, &str)] = &[
    ("export npm_config_registry=https://r.example; npx p@1.0.0", "npm:p =1.0.0, override, opaque"),
    ("declare -x A=b PIP_INDEX_URL=https://r.example; pip install p", "pypi:p, override, opaque"),
    ("set -gx npm_config_registry https://r.example", "override"),
    ("setx npm_config_registry https://r.example", "override"),
    ("cmd /c 'set npm_config_registry=https://r.example&& npx p@1.0.0'", "npm:p =1.0.0, override, opaque"),
    ("cmd /c @npx p@1.0.0", "npm:p =1.0.0"),
    ("export A=b; npx p@1.0.0", "npm:p =1.0.0, opaque"),
    ("set -euo pipefail; npx p@1.0.0", "npm:p =1.0.0, opaque"),
    // Whoever is on the way may answer.
    ("NODE_TLS_REJECT_UNAUTHORIZED=0 npx p@1.0.0", "npm:p =1.0.0, override"),
    ("NODE_TLS_REJECT_UNAUTHORIZED=1 npx p@1.0.0", "npm:p =1.0.0"),
    ("npm_config_strict_ssl=false npx p@1.0.0", "npm:p =1.0.0, override"),
    ("npm_config_strict_ssl=true npx p@1.0.0", "npm:p =1.0.0"),
    ("npm config set strict-ssl=false", "override"),
    ("npm config set strict-ssl=true", ""),
    ("pip install --trusted-host h.example p==1.0", "pypi:p =1.0, override"),
    ("uvx --allow-insecure-host h.example p==1.0", "pypi:p =1.0, override"),
    ("UV_PYTHON_INSTALL_MIRROR=https://r.example uvx p==1.0", "pypi:p =1.0, override"),
    // Code that comes along.
    ("LD_AUDIT=/x.so npx p@1.0.0", "npm:p =1.0.0, opaque"),
    ("LD_LIBRARY_PATH=/tmp/x npx p@1.0.0", "npm:p =1.0.0, opaque"),
    ("LD_LIBRARY_PATH=/usr/local/cuda/lib64 npx p@1.0.0", "npm:p =1.0.0"),
    ("RUBYOPT=-r/tmp/x gem exec p", "rubygems:p, opaque"),
    ("RUBYOPT=-W0 gem exec p", "rubygems:p"),
    ("JAVA_TOOL_OPTIONS=-javaagent:/tmp/x.jar java -jar x.jar", "opaque"),
    ("JAVA_TOOL_OPTIONS=-Dfile.encoding=UTF-8 java -jar x.jar", ""),
    ("YARN_YARN_PATH=/tmp/x.js yarn dlx p@1.0.0", "npm:p =1.0.0, opaque"),
    // Files of Compose's.
    ("COMPOSE_FILE=https://x.example/r.git docker compose up", "url"),
    ("COMPOSE_FILE='a.yaml;oci://docker.io/x/evil:1' docker compose up", "oci:docker.io/x/evil #1, path"),
    ("COMPOSE_FILE=a.yaml docker compose up", "path"),
    ("COMPOSE_PROJECT_NAME=x docker compose up", ""),
];

/// Wrappers and what stands around a package.
#[rustfmt::skip]
const AROUND: &[(&str, &str)] = &[
    ("mise use -g npm:evil@1.0.0", "npm:evil =1.0.0 extra, ambiguous"),
    ("mise exec pipx:evil@1.0 node@20 -- evil", "pypi:evil =1.0 extra"),
    ("mise exec node@20 -- npx evil@1.0.0", "npm:evil =1.0.0"),
    ("volta install evil@1.0.0", "npm:evil =1.0.0"),
    ("volta run --node 20 npx evil@1.0.0", "npm:evil =1.0.0"),
    ("nlx evil@1.0.0", "npm:evil =1.0.0"),
    ("corepack use pnpm@https://x.example/y.tgz", "url"),
    ("corepack pnpm@9 dlx evil@1.0.0", "npm:evil =1.0.0"),
    ("bun -e 'import \"evil@1.0.0\"'", "npm:evil =1.0.0 extra?, pypi:evil =1.0.0 extra?, opaque"),
    ("bun -e 'import \"./evil\"'", "opaque"),
    // PowerShell's variables and paths.
    ("powershell -c \"$env:npm_config_registry = 'https://r.example'; npx p@1.0.0\"", "npm:p =1.0.0, override, opaque"),
    ("powershell -c '.\\x.ps1'", "path, opaque"),
    // A container that is there already, and the program of an image.
    ("docker exec box sh -c \"$X evil\"", "opaque"),
    ("docker exec -i box mcp-server $X", "opaque"),
    ("docker exec -i box npx evil@1.0.0", "npm:evil =1.0.0 extra"),
    ("docker run --entrypoint npx img:1 -y evil@1.0.0", "oci:img #1, npm:evil =1.0.0 extra"),
    ("docker run --entrypoint 'npx -y evil@1.0.0' img:1", "oci:img #1, npm:evil =1.0.0 extra"),
];

#[test]
fn what_stands_around_a_package_hides_nothing() {
    let read = |line: &str| describe(&script(line));
    let differ = AROUND.iter().filter(|(line, wanted)| read(line) != *wanted);
    let wrong: Vec<_> = differ
        .map(|(line, wanted)| format!("{line}\n  expected {wanted}\n  found    {}", read(line)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_set_is_heeded() {
    let read = |line: &str| describe(&script(line));
    let differ = SET.iter().filter(|(line, wanted)| read(line) != *wanted);
    let wrong: Vec<_> = differ
        .map(|(line, wanted)| format!("{line}\n  expected {wanted}\n  found    {}", read(line)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Everybody has some of these set: they say nothing about a server of another language.
#[test]
fn variables_of_other_languages_take_no_certainty() {
    for (name, value) in [
        ("PERL5OPT", "-Mlocal::lib"),
        ("RUBYOPT", "-rbundler/setup"),
        ("JAVA_TOOL_OPTIONS", "-javaagent:/opt/agent.jar"),
        ("RUSTC_WRAPPER", "sccache"),
        ("DOTNET_STARTUP_HOOKS", "/opt/hook.dll"),
        ("ZDOTDIR", "/home/u/.zsh"),
        ("COMPOSE_FILE", "https://x.example/c.yaml"),
    ] {
        let env = [(name.to_owned(), value.to_owned())];
        let found = launch(&argv("npx -y p@1.0.0"), &env);
        assert!(found.identity().is_some(), "{name}: {}", describe(&found));
    }
}

#[test]
fn launchers_are_read_as_they_read_themselves() {
    let read = |line: &str| facts(&argv(line), &[]);
    let differ = ROWS.iter().filter(|(line, wanted)| read(line) != *wanted);
    let wrong: Vec<_> = differ
        .map(|(line, wanted)| format!("{line}\n  expected {wanted}\n  found    {}", read(line)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An alias of an alias is followed only so far, however many there are.
#[test]
fn long_chains_of_aliases_are_not_followed() {
    let chain = format!("npx {}evil", "x@npm:".repeat(20_000));
    let found = facts(&argv(&chain), &[]);
    assert!(
        found.contains("ambiguous") || found.contains("npm:x"),
        "{found:.200}"
    );
}
