//! What a plain list of regular expressions finds, for comparison: the kind that most products ship.
//! Written by us, run over the text as it is.

use regex::RegexSet;

pub struct Baseline(RegexSet);

impl Baseline {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(RegexSet::new(PATTERNS)?))
    }

    pub fn flags(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

const PATTERNS: &[&str] = &[
    r"(?i)\b(ignore|disregard|forget)\b.{0,30}\b(previous|prior|above|earlier|all)\b.{0,30}\b(instructions?|prompts?|rules?)\b",
    r"(?i)\byou are now\b.{0,40}\b(dan|unrestricted|jailbroken|free)\b",
    r"(?i)\b(act|behave) as\b.{0,40}\b(unrestricted|unfiltered|evil|dan)\b",
    r"(?i)\b(reveal|show|print|repeat|output)\b.{0,30}\b(system prompt|initial instructions|hidden instructions)\b",
    r"(?i)\bnew instructions?\s*:",
    r"(?i)\b(system|admin|developer)\s*(override|mode)\b",
    r"(?i)\bdo not (tell|inform|mention to) the user\b",
    r"(?i)<\s*(system|important|instructions?)\s*>",
    r"<\|im_start\|>|<\|system\|>|\[INST\]",
    r"(?i)\b(send|post|upload|exfiltrate)\b.{0,60}\b(password|api key|credentials|secrets?|tokens?)\b.{0,60}(https?://|@)",
    r"(?i)!\[[^\]]*\]\(https?://[^)]*\{[^)]*\}\)",
    r"(?i)\bjailbreak\b|\bdeveloper mode\b|\bdo anything now\b",
    r"(?i)ignora (todas )?las instrucciones anteriores",
    r"(?i)ignorez (toutes )?les instructions précédentes",
    r"(?i)ignoriere alle vorherigen anweisungen",
    r"忽略(之前|以上|所有).{0,6}(指令|指示)",
];
