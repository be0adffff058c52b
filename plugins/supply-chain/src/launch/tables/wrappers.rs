//! The options of programs that start another one, from their manuals.

use super::super::options::Takes::{Flag, Script, Value, Words};
use super::super::options::{Style, Table};

pub static ENV: Table = Table {
    style: Style::Getopt,
    options: &[
        (Flag, "-i --ignore-environment -0 --null -v --debug"),
        (Value, "-u --unset -C --chdir -P"),
        (Words, "-S --split-string"),
    ],
};

/// Wrappers whose few options don't collide: one table serves them all.
pub static WRAPPER: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-c --ctty --single-child -f --fork -w --wait -v --verbose -q --quiet -s -g -d -i -m",
        ),
        (
            Flag,
            "-u -a --skip-chdir --no-npm --no-yarn --no-pnpm --bundled-npm",
        ),
        (
            Value,
            "-p -e -t -r --rewrite --userspec --groups --node --npm --yarn --pnpm",
        ),
    ],
};

/// `sudo` and `doas`.
pub static SUDO: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-A --askpass -b --background -B --bell -E --preserve-env -H --set-home -i --login",
        ),
        (
            Flag,
            "-k --reset-timestamp -K --remove-timestamp -n --non-interactive -N --no-update",
        ),
        (
            Flag,
            "-P --preserve-groups -S --stdin -s --shell -v --validate -l --list -L -V --version",
        ),
        (
            Value,
            "-u --user -g --group -C --close-from -D --chdir -h --host -p --prompt -a --auth-type",
        ),
        (
            Value,
            "-R --chroot -T --command-timeout -U --other-user -r --role -t --type -c --login-class",
        ),
    ],
};

/// `nice` and `ionice`; `nice -5` is a number.
pub static NICE: Table = Table {
    style: Style::Getopt,
    options: &[
        (Flag, "-t --ignore -0 -1 -2 -3 -4 -5 -6 -7 -8 -9"),
        (
            Value,
            "-n --adjustment --classdata -c --class -p --pid -P --pgid -u --uid",
        ),
    ],
};

/// `time`, `command`, `nohup`, `unbuffer` and `catchsegv`.
pub static TIME: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-p --portability -v --verbose -V --version -a --append -q --quiet",
        ),
        (Value, "-o --output -f --format"),
    ],
};

pub static TIMEOUT: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-f --foreground -p --preserve-status -v --verbose --help --version",
        ),
        (Value, "-k --kill-after -s --signal"),
    ],
};

pub static STDBUF: Table = Table {
    style: Style::Getopt,
    options: &[(Value, "-i --input -o --output -e --error")],
};

pub static XVFB: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-a --auto-servernum -d --auto-display -l --listen-tcp",
        ),
        (
            Value,
            "-e --error-file -f --auth-file -n --server-num -p --xauth-protocol -s --server-args",
        ),
        (Value, "-w --wait"),
    ],
};

/// Node's version managers that take the command behind `exec`.
pub static FNM: Table = Table {
    style: Style::Getopt,
    options: &[
        (Flag, "--corepack-enabled --resolve-engines"),
        (
            Value,
            "--using --fnm-dir --node-dist-mirror --log-level --arch --version-file-strategy",
        ),
    ],
};

pub static XARGS: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-0 --null -o --open-tty -p --interactive -r --no-run-if-empty -t --verbose -x --exit",
        ),
        (
            Value,
            "-a --arg-file -d --delimiter -E -I -J -L --max-lines -n --max-args -P --max-procs",
        ),
        (Value, "-R -S -s --max-chars --process-slot-var"),
    ],
};

pub static SHELL: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-e -u -x -v -l -i --login --norc --noprofile --posix -f -n -s -p",
        ),
        (Flag, "-a -b -h -k -m -t -r -B -E -H -T"),
        (Value, "-o -O --rcfile --init-file"),
        (Script, "-c --command --commands"),
    ],
};
