//! The options of Docker and its kin, from their help and source (Docker 28, Compose 2, MCP gateway).

use super::super::options::Takes::{Brings, Entry, Flag, Local, Registry, Servers, Value};
use super::super::options::{Style, Table};

pub static DOCKER: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-i --interactive -t --tty --rm -d --detach --init --privileged -P --publish-all",
        ),
        (
            Flag,
            "--read-only --no-healthcheck --oom-kill-disable --sig-proxy -q --quiet -D --debug",
        ),
        (
            Flag,
            "--disable-content-trust --tls --tlsverify --all-tags --replace --use-api-socket",
        ),
        (
            Value,
            "-e --env --env-file -v --volume --mount --name -p --publish -w --workdir -u --user",
        ),
        (
            Value,
            "--network --net --network-alias -h --hostname --add-host --platform --pull --label -l",
        ),
        (
            Value,
            "--label-file -m --memory --memory-swap --memory-reservation --cpus --cpuset-cpus -c",
        ),
        (
            Value,
            "--cpu-shares --gpus --device --cap-add --cap-drop --security-opt --tmpfs --ulimit",
        ),
        (
            Value,
            "--shm-size --restart --runtime --pid --ipc --userns --uts --cgroupns --dns --expose",
        ),
        (
            Value,
            "--dns-search --dns-option --ip --ip6 --link --log-driver --log-opt --stop-signal",
        ),
        (
            Value,
            "--stop-timeout --sysctl --volumes-from --volume-driver -a --attach --cidfile",
        ),
        (
            Value,
            "--health-cmd --health-interval --health-retries --health-timeout --isolation",
        ),
        (
            Value,
            "--group-add --detach-keys --domainname --annotation --blkio-weight --cgroup-parent",
        ),
        (
            Value,
            "--storage-opt --pids-limit --mac-address --context --cpuset-mems --health-start-period",
        ),
        (
            Value,
            "--config -L --log-level --connection --url --identity --root --secret --pod",
        ),
        (Entry, "--entrypoint"),
        (Registry, "-H --host"),
    ],
};

/// `docker pull`, where `-a` is no `--attach`.
pub static PULL: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-a --all-tags --disable-content-trust -q --quiet --grant-all-permissions --disable",
        ),
        (Value, "--platform --alias"),
    ],
};

/// `docker build`, whose context may be an address.
pub static BUILD: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "--compress --disable-content-trust --force-rm --no-cache --pull -q --quiet --rm --squash",
        ),
        (Flag, "--load --push -D --debug --check"),
        (
            Value,
            "--add-host --build-arg --cache-from --cache-to --cgroup-parent --cpu-period --cpu-quota",
        ),
        (
            Value,
            "-c --cpu-shares --cpuset-cpus --cpuset-mems --iidfile --isolation --label -m --memory",
        ),
        (
            Value,
            "--memory-swap --network --platform --security-opt --shm-size -t --tag --target --ulimit",
        ),
        (
            Value,
            "-o --output --secret --ssh --builder --progress --metadata-file --allow --attest",
        ),
        (Local, "-f --file"),
    ],
};

pub static COMPOSE: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "-i --interactive -t --tty -T --no-TTY --no-tty --rm -d --detach --build --no-deps -P",
        ),
        (
            Flag,
            "--service-ports --use-aliases --quiet-pull --remove-orphans --privileged -q --quiet",
        ),
        (
            Flag,
            "--all-resources --compatibility --dry-run --verbose --wait --no-build --force-recreate",
        ),
        (
            Flag,
            "--quiet-build --abort-on-container-exit --no-start --no-log-prefix --no-color",
        ),
        (
            Value,
            "-p --project-name --profile --env-file --project-directory --ansi --progress --parallel",
        ),
        (
            Value,
            "-e --env -l --label --name --publish -u --user -v --volume -w --workdir --cap-add",
        ),
        (
            Value,
            "--cap-drop --env-from-file --pull --index --scale --attach --exit-code-from",
        ),
        (Local, "-f --file"),
        (Entry, "--entrypoint"),
    ],
};

pub static GATEWAY: Table = Table {
    style: Style::Getopt,
    options: &[
        (
            Flag,
            "--verbose --log-calls --block-network --block-secrets --dry-run --watch --keep --static",
        ),
        (
            Flag,
            "--enable-all-servers --verify-signatures --long-lived --debug-dns --use-embeddings",
        ),
        (
            Value,
            "--config --additional-config --secrets --tools --tools-config --transport --port",
        ),
        (
            Value,
            "--additional-tools-config --profile --cpus --memory --session --host --log --name --id",
        ),
        (Servers, "--servers --server --oci-ref"),
        // `before:exec:SCRIPT` runs at every call.
        (Brings, "--interceptor"),
        (
            Registry,
            "--catalog --additional-catalog --registry --additional-registry --mcp-registry",
        ),
    ],
};
