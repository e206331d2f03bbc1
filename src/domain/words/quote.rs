//! What somebody said, told by the whole sentence: a finding holds the words that tell, and a person wants to read on.

use super::Finding;

/// Characters of a sentence that are told; of a longer one, what stands around the words.
const MOST: usize = 200;
/// A line of mail that is this long was broken by a program, in the middle of a sentence.
const WRAPPED: usize = 50;

/// A finding and the text that it was read in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quote<'a> {
    pub text: &'a str,
    pub finding: &'a Finding,
}

impl Quote<'_> {
    /// The sentence that the words stand in, on one line and without its full stop; the words alone where the text is not
    /// kept so far.
    pub fn sentence(&self) -> String {
        let Finding { start, end, quote, .. } = self.finding;
        let (start, end) = (*start as usize, *end as usize);
        if self.text.get(start..end) != Some(quote.as_str()) {
            return quote.clone();
        }
        let (mut from, mut to) = (begins(self.text, start), ends(self.text, end));
        let (mut before, mut after) = ("", "");
        if self.text[from..to].chars().count() > MOST {
            // About as much on each side; at a word's edge.
            let spare = MOST.saturating_sub(quote.chars().count()) / 2;
            if self.text[from..start].chars().count() > spare {
                let near = self.text[from..start].char_indices().rev().nth(spare).map_or(from, |(i, _)| from + i);
                from = self.text[near..start].find(' ').map_or(start, |i| near + i + 1);
                before = "… ";
            }
            if self.text[end..to].chars().count() > spare {
                let near = self.text[end..to].char_indices().nth(spare).map_or(to, |(i, _)| end + i);
                to = self.text[end..near].rfind(' ').map_or(end, |i| end + i);
                after = " …";
            }
        }
        let words: Vec<&str> = self.text[from..to].split_whitespace().collect();
        format!("{before}{}{after}", words.join(" ").trim_end_matches(['.', ',', ';', ':']))
    }
}

/// Where the sentence begins that a place is in.
fn begins(text: &str, at: usize) -> usize {
    let mut from = at;
    for (i, c) in text[..at].char_indices().rev() {
        let next = text[i + c.len_utf8()..].chars().next();
        if closes(c) && next.is_some_and(char::is_whitespace) || c == '\n' && parts(text, i) {
            break;
        }
        from = i;
    }
    from
}

/// One past its last character, its mark included.
fn ends(text: &str, at: usize) -> usize {
    if text[..at].ends_with(closes) {
        return at;
    }
    for (i, c) in text[at..].char_indices() {
        let (i, after) = (at + i, at + i + c.len_utf8());
        if closes(c) && text[after..].chars().next().is_none_or(char::is_whitespace) {
            return after;
        }
        if c == '\n' && parts(text, i) {
            return i;
        }
    }
    text.len()
}

fn closes(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '。' | '！' | '？')
}

/// Whether a line's end is a sentence's: not where a program broke a long line and the next goes on in small letters.
fn parts(text: &str, newline: usize) -> bool {
    let line = text[..newline].rsplit('\n').next().unwrap_or("");
    let goes_on = text[newline + 1..].chars().next().is_some_and(char::is_lowercase);
    !(goes_on && line.chars().count() >= WRAPPED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::words::Label;

    fn told(text: &str, words: &str) -> String {
        let start = text.find(words).unwrap();
        let finding = Finding {
            label: Label::Interest,
            start: start as u32,
            end: (start + words.len()) as u32,
            quote: words.to_owned(),
            date: None,
            at: None,
            person: None,
            certain: true,
            scope: None,
        };
        Quote { text, finding: &finding }.sentence()
    }

    #[test]
    fn the_whole_sentence_is_told_and_no_other() {
        let text = "This looks good. Can you send me a quote for 40 vehicles? Thanks";
        assert_eq!(told(text, "send me a quote"), "Can you send me a quote for 40 vehicles?");
        assert_eq!(told(text, "looks good"), "This looks good");
        let text = "Not now, our contract runs until 30.9.2026. Happy to talk.";
        assert_eq!(told(text, "Not now"), "Not now, our contract runs until 30.9.2026");
        assert_eq!(told("STOP", "STOP"), "STOP");
        assert_eq!(told("Please call me!", "call me!"), "Please call me!");
    }

    #[test]
    fn lines_are_sentences_but_where_a_program_broke_them() {
        let text = "Hi Jess,\nwe would like to see what it looks like in a warehouse\nof our size\nBest, Kim";
        assert_eq!(told(text, "see what"), "we would like to see what it looks like in a warehouse of our size");
        assert_eq!(told("Kim\nno thanks\nSent from my phone", "no thanks"), "no thanks");
    }

    #[test]
    fn a_long_sentence_is_cut_at_words_and_says_so() {
        let text = format!("{}we want a demo {}", "früher ".repeat(60), "später ".repeat(60));
        let told = told(&text, "want a demo");
        assert!(
            told.starts_with("… früher ") && told.contains("we want a demo") && told.ends_with("später …"),
            "{told}"
        );
        assert!(told.chars().count() <= MOST + 4, "{told}");
    }

    #[test]
    fn where_the_text_is_cut_the_words_are_told_alone() {
        let finding = Finding {
            label: Label::Vague,
            start: 10,
            end: 15,
            quote: "maybe".to_owned(),
            date: None,
            at: None,
            person: None,
            certain: true,
            scope: None,
        };
        assert_eq!(Quote { text: "cut", finding: &finding }.sentence(), "maybe");
    }
}
