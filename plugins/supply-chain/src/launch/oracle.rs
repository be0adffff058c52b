//! The launch oracle, row by row: what each launcher was seen to run (npm 11.19, bun 1.4, pnpm
//! 12.21, yarn 4.18, uv 0.13, pipx 1.18, deno 2.9), or what its source says.

use super::tests::{argv, facts};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[rustfmt::skip]
const ROWS: &[(u32, &str, &str)] = &[
    (1, "npx -y @s/p@1.2.3 --flag x", "npm:@s/p =1.2.3"),
    (2, "npx pkg", "npm:pkg"),
    (3, "npx -p evil good", "npm:evil"),
    (3, "npx --package=evil good", "npm:evil"),
    (4, "npx --package=a --package=b -- c", "npm:a, npm:b"),
    (5, "npx --foo good evil", "npm:good, npm:evil, ambiguous"),
    (6, "npx --foo=good evil", "npm:evil, ambiguous"),
    (7, "npx -c 'evil x'", "npm:evil extra?, pypi:evil extra?, opaque"),
    (8, "npx good@npm:evil@1.0.0", "npm:evil =1.0.0 alias"),
    (8, "bunx good@npm:evil@1.0.0", "npm:evil =1.0.0 alias"),
    (8, "pnpm dlx good@npm:evil@1.0.0", "npm:evil =1.0.0 alias"),
    (9, "npx user/repo", "git"),
    (9, "npx 'github:u/r#semver:^1'", "git"),
    (10, "npx https://x/a.tgz", "url"),
    (10, "npx pkg@https://x.example/a", "url"),
    (11, "npx ./dir", "path"),
    (11, "npx ../d", "path"),
    (11, "npx a.tgz", "path"),
    (11, "npx pkg@file:../x", "path"),
    (12, "npx pkg@latest", "npm:pkg #latest"),
    (12, "npx pkg@^1", "npm:pkg ~^1"),
    (12, "npx pkg@", "npm:pkg"),
    (13, "npx --registry https://r.example pkg", "npm:pkg, override"),
    (13, "npx --userconfig f pkg", "npm:pkg, override"),
    (14, "npx -yes pkg", "npm:pkg, ambiguous"),
    (15, "npm exec -- pkg@1", "npm:pkg ~1"),
    (15, "npm x pkg", "npm:pkg"),
    (16, "npx -w ws pkg", "npm:pkg"),
    (16, "npx --prefix /x pkg", "npm:pkg"),
    (16, "npx --loglevel error pkg", "npm:pkg"),
    (17, "bunx -p evil good", "npm:evil"),
    (17, "bunx --bun pkg", "npm:pkg"),
    (17, "bun x pkg@1", "npm:pkg ~1"),
    (18, "bunx --foo good evil", "npm:good, npm:evil, ambiguous"),
    (19, "pnpm dlx --package evil good", "npm:evil"),
    (19, "pnpm --package=evil dlx good", "npm:evil"),
    (20, "pnpm -C /d dlx pkg", "npm:pkg"),
    (20, "pnpm -s dlx pkg", "npm:pkg"),
    (20, "pnpx pkg", "npm:pkg"),
    (20, "pnx -s pkg@1.2.3", "npm:pkg =1.2.3"),
    (21, "yarn dlx -p evil good", "npm:evil"),
    (22, "uvx ruff@0.6.0", "pypi:ruff =0.6.0"),
    (22, "uvx ruff==0.6.0", "pypi:ruff =0.6.0"),
    (23, "uvx ruff@latest", "pypi:ruff"),
    (24, "uvx --from evil==1 good", "pypi:evil =1"),
    (24, "uvx --from evil@1 good", "pypi:evil =1"),
    (25, "uvx --with evil good", "pypi:evil extra, pypi:good"),
    (26, "uvx 'good[extra]@1.0'", "pypi:good =1.0"),
    (27, "uvx 'good@>=1'", "path"),
    (28, "uvx git+https://x/a.git", "git"),
    (28, "uvx ./dir", "path"),
    (29, "uvx --index-url https://u.example good", "pypi:good, override"),
    (29, "uvx --default-index https://u.example good", "pypi:good, override"),
    (30, "uv tool run good", "pypi:good"),
    (30, "uv run --with evil s.py", "pypi:evil extra, path"),
    (31, "pipx run --spec evil good", "pypi:evil"),
    (31, "pipx run pkg==1.2", "pypi:pkg =1.2"),
    // The module's distribution is read from the disk by the host; here it is a guess, and a file
    // beside it may stand for it.
    (32, "python -m mcp_server_git", "npm:mcp-server-git extra?, pypi:mcp-server-git extra?, path, opaque"),
    (33, "deno run -A npm:@s/p@1/bin", "npm:@s/p ~1"),
    (33, "deno npm:p", "npm:p"),
    (33, "deno x npm:p", "npm:p"),
    (34, "deno run jsr:@a/b@1", "jsr:@a/b ~1"),
    (34, "deno run https://x/a.ts", "url"),
    (35, "docker run -i --rm -e K=V ghcr.io/x/y@DIGEST arg", "oci:ghcr.io/x/y =DIGEST"),
    (36, "docker run -v a:b --name n img:1.2 npx evil", "oci:img #1.2, npm:evil extra"),
    // Its hash and the nearest package.json are read from the disk by the host.
    (37, "node /p/dist/index.js", "path"),
    (38, "sh -c 'npx -y evil@1 | tee l'", "npm:evil ~1, opaque"),
    (39, "env FOO=1 timeout 30 npx -y evil", "npm:evil"),
    (40, "cmd /c npx.cmd -y evil", "npm:evil"),
];

#[test]
fn every_row_holds() {
    let mut wrong = Vec::new();
    for (row, line, expected) in ROWS {
        let line = line.replace("DIGEST", DIGEST);
        let found = facts(&argv(&line), &[]);
        let expected = expected.replace("DIGEST", DIGEST);
        if found != expected {
            wrong.push(format!(
                "L{row} {line}\n  expected {expected}\n  found    {found}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let rows: std::collections::BTreeSet<u32> = ROWS.iter().map(|(row, ..)| *row).collect();
    assert!(rows.into_iter().eq(1..=40), "a row is missing");
}
