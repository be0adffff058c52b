//! Letters as the lexicon compares them: lower case, without the marks that writers leave out,
//! with the way back to the text.

use std::ops::Range;

use clawdefender_sdk::canonical::unaccented;

/// A text in the lexicon's spelling.
pub struct Folded {
    pub text: String,
    /// After a letter whose length changed: (offset here, offset in the source), ascending.
    steps: Vec<(u32, u32)>,
}

impl Folded {
    pub fn of(source: &str) -> Self {
        if source.is_ascii() {
            return Self {
                text: source.to_ascii_lowercase(),
                steps: Vec::new(),
            };
        }
        let mut text = String::with_capacity(source.len());
        let mut steps = Vec::new();
        let mut at = 0;
        while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = rest.bytes().position(|byte| !byte.is_ascii());
            let (plain, rest) = rest.split_at(plain.unwrap_or(rest.len()));
            at += plain.len();
            text.extend(
                plain
                    .bytes()
                    .map(|byte| char::from(byte.to_ascii_lowercase())),
            );
            let Some(letter) = rest.chars().next() else {
                break;
            };
            let before = text.len();
            if let Some(folded) = fold(letter) {
                text.push(folded);
            }
            at += letter.len_utf8();
            if text.len() - before != letter.len_utf8() {
                steps.push((saturated(text.len()), saturated(at)));
            }
        }
        Self { text, steps }
    }

    /// The bytes of the source behind `range` of the folded text.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        let start = self.offset(range.start);
        // The end belongs to the last letter inside, so that a mark after it is not torn off.
        start..self.offset(range.end).max(start)
    }

    fn offset(&self, at: usize) -> usize {
        let after = self
            .steps
            .partition_point(|step| usize::try_from(step.0).is_ok_and(|here| here <= at));
        match after.checked_sub(1).and_then(|index| self.steps.get(index)) {
            Some((here, source)) => *source as usize + (at - *here as usize),
            None => at,
        }
    }
}

/// Texts are bounded by the host far below 4 GiB.
fn saturated(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// One letter folded, or `None` for a mark that goes.
///
/// Beyond Latin accents: Greek tonos, Arabic and Hebrew vowel points, the Persian and Arabic forms
/// of yeh and kaf, ё, the marks of Armenian stress; what writers of these languages use as they like.
fn fold(letter: char) -> Option<char> {
    Some(match letter {
        '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' => {
            return None;
        }
        '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' => return None,
        '\u{200b}'..='\u{200f}' | '\u{300}'..='\u{36f}' => return None,
        // Armenian marks of stress stand inside the word.
        '\u{55b}' | '\u{55c}' | '\u{55e}' => return None,
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ی' | 'ئ' => 'ي',
        'ک' => 'ك',
        'ۀ' | 'ة' | 'ہ' | 'ھ' => 'ه',
        'ؤ' => 'و',
        'ά' | 'Ά' => 'α',
        'έ' | 'Έ' => 'ε',
        'ή' | 'Ή' => 'η',
        'ί' | 'Ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' | 'Ό' => 'ο',
        'ύ' | 'Ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' | 'Ώ' => 'ω',
        'ς' => 'σ',
        'ё' | 'Ё' => 'е',
        'İ' => 'i',
        '’' | '‘' | 'ʼ' | 'ʻ' => '\'',
        other => {
            let bare = unaccented(other);
            bare.to_lowercase().next().unwrap_or(bare)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, folded: &str) {
        assert_eq!(Folded::of(source).text, folded);
    }

    #[test]
    fn letters_lose_what_writers_leave_out() {
        check("Ignore ALL", "ignore all");
        check("IGNORÉ l’Été", "ignore l'ete");
        check("ΑΓΝΌΗΣΕ Αγνόησε", "αγνοησε αγνοησε");
        check("Ещё ЁЛКА", "еще елка");
        check("تَجاهَلْ أيّة", "تجاهل ايه");
        check("İSTANBUL ığdır", "istanbul igdir");
        check("Älä välitä, følg på đak", "ala valita, folg pa dak");
        check("GLÆDE straße Ənənə", "glæde straße ənənə");
        check("Мой ЋЕРКА Қазір ҮЙ ұмыт ђак", "мой ћерка қазір үй ұмыт ђак");
        check("Անտեսի՛ր ՀՐԱՀԱՆԳ", "անտեսիր հրահանգ");
        check("oʻqi o‘qi oʼqi", "o'qi o'qi o'qi");
        check("დაივიწყე ᲓᲐᲘᲕᲘᲬᲧᲔ", "დაივიწყე დაივიწყე");
        check("వినియోగదారు\u{200c}కు विसरा", "వినియోగదారుకు विसरा");
    }

    #[test]
    fn ranges_lead_back_to_the_source() {
        let source = "é تَجاهَلْ x";
        let folded = Folded::of(source);
        let at = folded.text.find("تجاهل").unwrap();
        let range = folded.source(at..at + "تجاهل".len());
        assert_eq!(&source[range], "تَجاهَلْ");
        let x = folded.text.len() - 1;
        assert_eq!(&source[folded.source(x..x + 1)], "x");
    }
}
