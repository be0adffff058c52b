//! Spellings that launchers take and that are easy to read wrong: each was tried with the real one
//! (npm 11.19, pnpm 12.21, yarn 4.18, uv 0.13, pipx 1.18) or is in its help.

use super::tests::{argv, facts};

#[rustfmt::skip]
const ROWS: &[(&str, &str)] = &[
    // A package by npm's own word for it.
    ("npx -y npm:evil@1.0.0", "npm:evil =1.0.0"),
    ("pnpm dlx npm:evil@1.0.0", "npm:evil =1.0.0"),
    ("yarn dlx evil@npm:^1", "npm:evil ~^1"),
    ("yarn add 'evil@npm:>=1 <2'", "npm:evil ~>=1 <2"),
    ("yarn add evil@npm:1.0.0", "npm:1.0.0 extra?, pypi:1.0.0 extra?, npm:evil =1.0.0"),
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
