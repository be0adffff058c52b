//! The verbs of every launcher, and what each does with the words behind it.

use super::options::Takes::{Flag, Package, Value};
use super::options::{Style, Table};
use super::tables;

/// What a verb does with its positionals.
#[derive(Clone, Copy)]
pub enum Act {
    /// Runs the first as a package, unless an option names the package.
    Run,
    /// The same, but options are read up to `--`: npm exec.
    RunAnywhere,
    /// Installs all.
    Install,
    /// Writes requirements: a version is the least that is wanted, not the one.
    Require,
    /// Changes a setting: `config set registry URL`.
    Configure,
    /// Runs `create-NAME`.
    Create,
    /// Runs a local file or project command.
    Local,
    /// Installs into an environment that the first names: pipx inject.
    Inject,
    /// Runs the rest as a command.
    Wrap,
    /// Names another registry by its address.
    Source,
    /// Changes a manifest: `pkg set dependencies.x=1`.
    Manifest,
    /// One of these verbs stands among the words: yarn workspace NAME add.
    Later(&'static [(&'static str, Act)]),
    /// Runs the rest inside of a container or a service that the first names.
    Inside,
    /// Only its options matter.
    Options,
    /// The next word is a verb of this one.
    Again(&'static [(&'static str, Act)]),
    /// The same, with options of its own.
    Other(&'static [(&'static str, Act)], &'static Table),
    /// That, with options of its own.
    With(&'static Act, &'static Table),
}

pub const NPM: &[(&str, Act)] = &[
    ("exec x", Act::RunAnywhere),
    (
        "install i in ins inst insta instal isnt isnta isntal isntall add",
        Act::Install,
    ),
    (
        "update up upgrade udpate link ln pack install-test it",
        Act::Install,
    ),
    ("cache", Act::Again(&[("add", Act::Install)])),
    ("create init innit", Act::Create),
    ("config c set", Act::Configure),
    ("pkg", Act::Manifest),
];
pub const PNPM: &[(&str, Act)] = &[
    ("dlx", Act::Run),
    (
        "add install i update up upgrade link ln install-test it",
        Act::Install,
    ),
    ("create", Act::Create),
    ("config c set", Act::Configure),
    ("exec", Act::Wrap),
    ("pkg", Act::Manifest),
];
pub const YARN: &[(&str, Act)] = &[
    ("dlx", Act::Run),
    ("add up upgrade link", Act::Install),
    ("create", Act::Create),
    ("global", Act::Again(&[("add", Act::Install)])),
    // A version by its address is a program that every later call runs; so is a plugin.
    (
        "set",
        Act::Again(&[("resolution", Act::Install), ("version", Act::Local)]),
    ),
    ("plugin", Act::Again(&[("import", Act::Local)])),
    ("policies", Act::Again(&[("set-version", Act::Local)])),
    ("config", Act::Configure),
    ("exec run", Act::Wrap),
    (
        "workspace workspaces",
        Act::Later(&[("add up", Act::Install), ("dlx", Act::Run)]),
    ),
];
pub const VOLTA: &[(&str, Act)] = &[
    ("install fetch pin", Act::Install),
    ("run", Act::With(&Act::Wrap, &tables::WRAPPER)),
];
pub const BUN: &[(&str, Act)] = &[
    ("x", Act::Run),
    ("add install i a update link", Act::Install),
    ("create c", Act::Create),
    ("run", Act::Local),
];
pub const UV: &[(&str, Act)] = &[
    (
        "tool",
        Act::Again(&[("run", Act::Run), ("install upgrade", Act::Install)]),
    ),
    ("x", Act::Run),
    ("run", Act::Local),
    ("add", Act::Install),
    ("sync lock", Act::Options),
    ("pip", Act::Again(&[("install download", Act::Install)])),
];
pub const PIPX: &[(&str, Act)] = &[
    ("run", Act::Run),
    ("install upgrade", Act::Install),
    ("inject", Act::Inject),
    ("runpip", Act::Later(PIP)),
];
pub const PIP: &[(&str, Act)] = &[
    ("install download wheel lock", Act::Install),
    ("config", Act::Configure),
];
/// Poetry, PDM, Pipenv, Hatch and Rye.
pub const PROJECT: &[(&str, Act)] = &[
    ("add install", Act::Install),
    ("run exec", Act::Wrap),
    ("self", Act::Again(&[("add", Act::Install)])),
    ("source", Act::Source),
    ("config", Act::Configure),
];
pub const CARGO: &[(&str, Act)] = &[
    ("install binstall quickinstall update", Act::Install),
    ("add", Act::Require),
];
pub const GEM: &[(&str, Act)] = &[
    ("install i update fetch", Act::Install),
    ("exec", Act::Run),
    ("add", Act::Require),
    ("sources source", Act::Source),
    ("config", Act::Configure),
];
pub const BUNDLE: &[(&str, Act)] = &[
    ("exec", Act::Wrap),
    ("add", Act::Require),
    ("config", Act::Configure),
];
pub const GO: &[(&str, Act)] = &[
    ("run", Act::Run),
    ("install get tool", Act::Install),
    (
        "mod",
        Act::Again(&[("edit", Act::Options), ("download", Act::Install)]),
    ),
    ("env", Act::Configure),
];
pub const DOCKER: &[(&str, Act)] = &[
    ("run create", Act::Run),
    (
        "container service",
        Act::Again(&[
            ("run create", Act::Run),
            ("exec", Act::Inside),
            ("update", Act::With(&Act::Options, &IMAGE_OPTION)),
        ]),
    ),
    ("build", Act::With(&Act::Local, &tables::BUILD)),
    (
        "buildx builder",
        Act::Again(&[("build", Act::With(&Act::Local, &tables::BUILD))]),
    ),
    (
        "plugin",
        Act::Again(&[("install", Act::With(&Act::Install, &tables::PULL))]),
    ),
    ("exec", Act::Inside),
    ("compose", Act::Other(COMPOSE, &tables::COMPOSE)),
    ("mcp", Act::Other(GATEWAY, &tables::GATEWAY)),
    ("kube", Act::Again(&[("play", Act::Local)])),
    ("play", Act::Again(&[("kube", Act::Local)])),
    ("pull", Act::With(&Act::Install, &tables::PULL)),
    (
        "image",
        Act::Again(&[
            ("pull", Act::With(&Act::Install, &tables::PULL)),
            ("build", Act::With(&Act::Local, &tables::BUILD)),
        ]),
    ),
];
/// What its files name is read where a call writes them; here only which files and which command.
pub const COMPOSE: &[(&str, Act)] = &[
    ("run exec", Act::Inside),
    ("up create start pull build", Act::Options),
];
/// Docker's gateway to servers in images.
pub const GATEWAY: &[(&str, Act)] = &[
    ("gateway", Act::Again(&[("run", Act::Options)])),
    (
        "profile workingset",
        Act::Again(&[
            ("create", Act::Options),
            ("server", Act::Again(&[("add", Act::Options)])),
        ]),
    ),
];
pub const KUBECTL: &[(&str, Act)] = &[("run create debug set", Act::Options)];
pub const DOTNET: &[(&str, Act)] = &[("nuget", Act::Source)];

/// `exec -a NAME COMMAND`.
pub static EXEC: Table = Table {
    style: Style::Getopt,
    options: &[(Value, "-a"), (Flag, "-c -l")],
};

/// Only the image matters.
pub static IMAGE_OPTION: Table = Table {
    style: Style::Getopt,
    options: &[(Value, "-n --namespace --context"), (Package, "--image")],
};
