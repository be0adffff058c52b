//! The options of every launcher we know, from their own help and source.
//!
//! Versions read: npm 11.19, pnpm 12.21, yarn 4.18, bun 1.4, uv 0.13, pipx 1.18, deno 2.9,
//! Docker 28. A table may lack an option: the walk then keeps both readings, so a gap costs
//! certainty, never coverage.

mod images;
mod wrappers;

pub use images::{BUILD, COMPOSE, DOCKER, GATEWAY, PULL};
pub use wrappers::{ENV, FNM, NICE, SHELL, STDBUF, SUDO, TIME, TIMEOUT, WRAPPER, XARGS, XVFB};

use super::options::Takes::{
    Brings, Code, Extra, Flag, Git, Hook, Local, Module, Package, Preload, Registry, Script,
    Settings, Unverified, Value, Version, Words,
};
use super::options::{Style, Table};

pub static NPM: Table = Table {
    style: Style::Npm,
    options: &[
        (
            Flag,
            "-y --yes -q --quiet -s --silent -d -dd -ddd --verbose --ignore-existing -f --force",
        ),
        (
            Flag,
            "-g --global -D --save-dev -S --save -E --save-exact -O --save-optional -B",
        ),
        (
            Flag,
            "--save-prod -P --prefer-offline --prefer-online --offline --ignore-scripts --json",
        ),
        (
            Flag,
            "--legacy-peer-deps --strict-peer-deps --workspaces -ws --include-workspace-root",
        ),
        (
            Flag,
            "--always-spawn --shell-auto-fallback -h --help -v --version --foreground-scripts",
        ),
        (
            Flag,
            "--dry-run --audit --fund --package-lock --package-lock-only --long -l --parseable --no",
        ),
        (
            Value,
            "-w --workspace --prefix -C --loglevel --cache --userconfig-dir",
        ),
        (Value, "--tag --omit --include --before --shell --os --cpu"),
        (
            Value,
            "--https-proxy --proxy --cafile --ca --fetch-timeout --fetch-retries --libc --scope",
        ),
        (Package, "-p --package"),
        (Script, "-c --call"),
        (Code, "--script-shell"),
        // `-n` has a value behind `npx` and none behind `npm`: it stays unknown.
        (Hook, "--node-options --node-arg"),
        (Registry, "--registry --userconfig --globalconfig"),
    ],
};

pub static PNPM: Table = Table {
    style: Style::Npm,
    options: &[
        (
            Flag,
            "-s --silent -w --workspace-root -r --recursive --color --stream --offline",
        ),
        (
            Flag,
            "-D --save-dev -O --save-optional -E --save-exact -P --save-prod -g --global",
        ),
        (
            Flag,
            "--prefer-offline --ignore-scripts --frozen-lockfile --aggregate-output --json",
        ),
        (Flag, "--save-peer --workspace -y --yes -h --help"),
        (
            Value,
            "-C --dir --loglevel --reporter -F --filter --allow-build --store-dir --config-dir",
        ),
        (Value, "--cpu --os --libc --global-dir"),
        (Package, "--package -p"),
        (Flag, "-c --shell-mode"),
        (Registry, "--registry --userconfig"),
        (Brings, "--env-file"),
    ],
};

pub static YARN: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-q --quiet -D --dev -P --peer -O --optional -E --exact -T --tilde -C --caret",
        ),
        (
            Flag,
            "-W --ignore-workspace-root-check -s --silent --json --prefer-dev -i --interactive",
        ),
        (
            Flag,
            "--non-interactive --ignore-scripts --frozen-lockfile --offline",
        ),
        (Value, "--cwd --mode --cache-folder --modules-folder"),
        (Package, "-p --package"),
        (Registry, "--registry --use-yarnrc"),
    ],
};

pub static BUN: Table = Table {
    style: Style::Npm,
    options: &[
        (
            Flag,
            "--bun -b --silent --verbose --no-install -d --dev --optional --peer -E --exact",
        ),
        (
            Flag,
            "-g --global -f --force --yes -y --production --trust --ignore-scripts --smol",
        ),
        (Flag, "--hot --watch -i --frozen-lockfile --dry-run"),
        (
            Value,
            "--cwd --cache-dir --backend --concurrent-scripts --env-file --loglevel",
        ),
        (Value, "--filter --install --omit --cafile"),
        (Preload, "-r --preload --require --import"),
        (Code, "-e --eval --print"),
        (Package, "-p --package"),
        (Registry, "--registry"),
        (Settings, "--config= -c="),
    ],
};

pub static UV: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-q --quiet -v --verbose --isolated -n --no-cache --offline --no-index --reinstall",
        ),
        (
            Flag,
            "-U --upgrade --refresh --native-tls --no-config --no-progress --managed-python",
        ),
        (
            Flag,
            "--no-managed-python --no-build --no-binary --frozen --locked --no-sync --no-project",
        ),
        (
            Flag,
            "--all-extras --no-dev --dev --only-dev --no-env-file --exact --active --system -e",
        ),
        (
            Flag,
            "--pre --no-deps --user --compile-bytecode --no-build-isolation --no-python-downloads",
        ),
        (
            Flag,
            "--script -s --gui-script --all-packages --force --raw --workspace --no-workspace",
        ),
        (
            Flag,
            "--break-system-packages --strict --dry-run --no-editable -h --help -V --version",
        ),
        (
            Value,
            "-p --python --cache-dir --color --directory --project",
        ),
        (
            Value,
            "--extra --group --only-group --no-group --python-preference --resolution --prerelease",
        ),
        (
            Value,
            "--exclude-newer --link-mode --refresh-package --keyring-provider",
        ),
        (
            Value,
            "--reinstall-package --no-build-package --no-binary-package --prerelease-package",
        ),
        (Unverified, "--allow-insecure-host --trusted-host"),
        (
            Value,
            "--package --optional --target --prefix --branch --tag --rev --upgrade-group",
        ),
        (
            Value,
            "--fork-strategy --index-strategy -C --exclude-newer-package --no-sources-package",
        ),
        (
            Value,
            "--config-setting --config-settings --python-platform --python-version --bounds",
        ),
        (
            Value,
            "-t --torch-backend --no-build-isolation-package --config-settings-package --no-extra",
        ),
        (Flag, "--no-sources --lfs --system-certs --preview"),
        (Package, "--from"),
        (
            Extra,
            "-w --with --with-executables-from --upgrade-package -P",
        ),
        (
            Local,
            "--with-editable --with-requirements -r --requirements --requirement --editable",
        ),
        // Each can put another package in the place of one that is asked for.
        (
            Local,
            "--overrides --override -c --constraints --constraint -b --build-constraints",
        ),
        (
            Registry,
            "-i --index-url --extra-index-url --index --default-index -f --find-links --config-file",
        ),
        (Module, "-m --module"),
        (Brings, "--env-file"),
    ],
};

pub static PIP: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-q --quiet -v --verbose -U --upgrade --user --no-deps --pre --no-cache-dir -y --yes",
        ),
        (
            Flag,
            "--break-system-packages --force-reinstall --no-input --isolated -I --no-index",
        ),
        (
            Flag,
            "--ignore-installed --no-build-isolation --use-pep517 --prefer-binary --require-hashes",
        ),
        (
            Flag,
            "--disable-pip-version-check --no-warn-script-location --dry-run --no-python-version-warning",
        ),
        (
            Flag,
            "--force --no-warn-conflicts --ignore-requires-python --check-build-dependencies --debug",
        ),
        (Flag, "--no-compile --compile --no-clean --no-color"),
        (
            Value,
            "-t --target --prefix --root --python --log --proxy --retries --timeout",
        ),
        (
            Value,
            "--cache-dir --platform --python-version --implementation --abi --only-binary",
        ),
        (
            Value,
            "--no-binary --cert --client-cert --src -d --dest --progress-bar",
        ),
        (
            Value,
            "--upgrade-strategy --config-settings -C --report --exists-action --keyring-provider",
        ),
        (
            Value,
            "--global-option --root-user-action --use-feature --use-deprecated -w --wheel-dir",
        ),
        (Local, "-r --requirement -e --editable -c --constraint"),
        (Unverified, "--trusted-host"),
        (Registry, "-i --index-url --extra-index-url -f --find-links"),
    ],
};

pub static PIPX: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-q --quiet -v --verbose -f --force --global --include-deps --include-apps --with-suffix",
        ),
        (
            Flag,
            "--system-site-packages --skip-maintenance --no-cache --refresh --path --pypackages",
        ),
        (
            Flag,
            "-h --help --version --no-path-check --fetch-missing-python --include-injected --install",
        ),
        (Flag, "-e --editable -U --upgrade"),
        (
            Value,
            "--python --python-args --suffix --backend --cooldown --upgrade-strategy --app --lock",
        ),
        (Value, "--fetch-python --output --include-resources-from"),
        (Words, "--pip-args"),
        (Package, "--spec"),
        (Extra, "--with --preinstall"),
        (Local, "-r --requirement"),
        (Registry, "-i --index-url --extra-index-url --find-links"),
    ],
};

pub static PYTHON: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-b -B -d -E -h -i -I -O -OO -P -q -s -S -u -v -V -x -3 --help --version",
        ),
        (Value, "-W -X --check-hash-based-pycs"),
        (Code, "-c"),
        (Module, "-m"),
    ],
};

pub static DENO: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-A --allow-all -q --quiet --no-prompt --no-check --cached-only --no-lock --no-npm",
        ),
        (
            Flag,
            "--no-remote --unstable -R --allow-read -W --allow-write -N --allow-net -E",
        ),
        (
            Flag,
            "--allow-env --allow-run -S --allow-sys --allow-ffi -I --allow-import -r --reload",
        ),
        (
            Flag,
            "--node-modules-dir --vendor --check --watch --inspect --no-config --frozen -f -g",
        ),
        (
            Flag,
            "--global --force --dev -D --save-exact -y --yes --ignore-scripts -O --save-optional",
        ),
        (
            Flag,
            "--no-save --prod --skip-types -e --entrypoint --compile --npm --jsr --package-json",
        ),
        (Flag, "--lockfile-only --unscoped"),
        (Value, "--os --arch --install-alias"),
        (Package, "-p --package"),
        (
            Flag,
            "--allow-scripts --env-file --no-code-cache --inspect-brk --inspect-wait --v8-flags",
        ),
        (
            Flag,
            "--coverage --hmr --watch-exclude --no-clear-screen -P --permission-set --frozen-lockfile",
        ),
        (
            Flag,
            "--deny-read --deny-write --deny-net --deny-env --deny-sys --deny-run --deny-ffi",
        ),
        (
            Flag,
            "--deny-import --ignore-env --ignore-read --unsafely-ignore-certificate-errors",
        ),
        (
            Value,
            "--lock --cert --location --seed --ext -L --conditions --min-dep-age",
        ),
        (
            Value,
            "--log-level --root -n --name --node-modules-linker --inspect-publish-uid",
        ),
        // A bare name of a settings file lies in the folder where it is found without being named.
        (
            Preload,
            "--preload --import --require -c --config --import-map",
        ),
    ],
};

pub static NODE: Table = Table {
    style: Style::Node,
    options: &[
        (
            Flag,
            "-i --interactive -c --check --experimental-strip-types --enable-source-maps",
        ),
        (
            Flag,
            "--no-warnings --trace-warnings --watch --inspect --inspect-brk --test --expose-gc",
        ),
        (
            Flag,
            "--experimental-vm-modules --experimental-modules --no-deprecation -h -v",
        ),
        (Value, "-C --conditions --max-old-space-size"),
        (Value, "--title --tsconfig --input-type"),
        (Code, "-e --eval -p --print -pe"),
        (
            Brings,
            "--env-file --env-file-if-exists --experimental-config-file --snapshot-blob",
        ),
        (Brings, "--openssl-config"),
        (
            Preload,
            "-r --require --import --loader --experimental-loader",
        ),
    ],
};

pub static CARGO: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-q --quiet -v --verbose --locked --frozen --offline -f --force --debug --all-features",
        ),
        (
            Flag,
            "--no-default-features --dev --build --optional -y --no-confirm --bins --no-track",
        ),
        (
            Value,
            "-F --features --root --target --target-dir --profile -j --jobs --bin --example",
        ),
        (
            Value,
            "--color -Z --rename -p --manifest-path --tag --branch --rev",
        ),
        (Version, "--version --vers --precise"),
        (Git, "--git"),
        (Local, "--path"),
        (Registry, "--registry --index --config"),
    ],
};

pub static GEM: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-f --force --pre --prerelease --user-install -N --no-document -q --quiet --silent",
        ),
        (
            Flag,
            "--local --remote -l -r --conservative -V --verbose --skip-install",
        ),
        (
            Value,
            "-i --install-dir -n --bindir -P --trust-policy --group",
        ),
        (Version, "-v --version"),
        (Package, "-g --gem"),
        (Git, "--git --github"),
        (Local, "--path"),
        (Registry, "-s --source --clear-sources -a --add"),
    ],
};

pub static GO: Table = Table {
    style: Style::Single,
    options: &[
        (
            Flag,
            "-a -n -v -x -race -work -trimpath -u -t -msan -asan -cover -w",
        ),
        (
            Value,
            "-C -p -mod -tags -ldflags -gcflags -o -exec -modfile -overlay -buildmode",
        ),
        (Package, "-require -replace -tool"),
    ],
};
