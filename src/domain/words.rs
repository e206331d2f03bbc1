//! Reads what people write: replies, texts, chats, and notes about them. Text in, labelled findings out.
//!
//! Pure and total: no clock, no I/O, and work in proportion to the length of the text whatever it holds. What words
//! mean is the lexicon's affair (`config/policy/words.toml`); what follows from a finding is decided elsewhere.

mod almanac;
mod automaton;
mod calendar;
mod clock;
mod compose;
mod dates;
mod dating;
mod figures;
mod finding;
mod group;
mod hint;
mod judge;
mod lexicon;
mod named;
mod negation;
mod pattern;
mod person;
mod scan;
mod spelled;
mod standing;
mod token;
mod trim;
mod vocabulary;

pub use finding::{Finding, Label, Medium, OptOutScope, Person};
pub use lexicon::Lexicon;

use crate::domain::time::{Moment, Zone};
use calendar::Present;
use compose::Composer;
use dates::Reader;
use judge::Judge;
use pattern::Slot;
use scan::View;
use token::{Shape, Token};

/// Reads one text that was written at `at` by somebody who lives in `zone`; `auto` says that a program sent it.
/// At most one finding a label, but for referrals of several people; ordered by place.
pub fn read(lexicon: &Lexicon, medium: Medium, auto: bool, text: &str, at: Moment, zone: &Zone) -> Vec<Finding> {
    read_counted(lexicon, medium, auto, text, at, zone).0
}

/// Whether a text message asks to be written to again ("START").
pub fn reopens(lexicon: &Lexicon, medium: Medium, text: &str) -> bool {
    if medium != Medium::Sms {
        return false;
    }
    let tokens = visible_tokens(lexicon, medium, text);
    let known = &lexicon.known;
    let is = |t: &Token, set: u8| lexicon.words.info(t.word).sets >> set & 1 == 1;
    tokens.iter().any(|t| is(t, known.start_word))
        && tokens.iter().all(|t| is(t, known.start_word) || is(t, known.filler) || is(t, known.greeting))
}

fn visible_tokens(lexicon: &Lexicon, medium: Medium, text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    // Offsets are 32 bits; a text beyond that is cut long before it gets here (a message holds 1 MiB).
    let text = if u32::try_from(text.len()).is_ok() { text } else { "" };
    if medium == Medium::Sms || medium == Medium::Chat {
        token::tokenize(&lexicon.words, text, 0, text.len(), &mut tokens);
    } else {
        for (from, to) in trim::visible(lexicon, text) {
            token::tokenize(&lexicon.words, text, from, to, &mut tokens);
        }
    }
    tokens
}

/// Also tells how many steps the reading took, so that a test can hold it to linear time without a clock.
fn read_counted(
    lexicon: &Lexicon,
    medium: Medium,
    auto: bool,
    text: &str,
    at: Moment,
    zone: &Zone,
) -> (Vec<Finding>, usize) {
    let tokens = visible_tokens(lexicon, medium, text);
    let known = tokens.iter().any(|t| t.word != vocabulary::UNKNOWN);
    if tokens.is_empty() || !known && !auto {
        return (Vec::new(), tokens.len());
    }
    let reader = Reader {
        tokens: &tokens,
        words: &lexicon.words,
        text,
        almanac: &lexicon.almanac,
        present: Present::new(at, zone, &lexicon.almanac),
    };
    let calendar = tokens.iter().any(|t| t.is_number() || lexicon.words.info(t.word).cal.is_some());
    let dates = if calendar { reader.dates() } else { Vec::new() };
    let times = if calendar { reader.times(&dates) } else { Vec::new() };
    let slot = |slot: Slot, i: usize| -> Option<usize> {
        match slot {
            Slot::Date | Slot::Length => dates
                .binary_search_by_key(&i, |d| d.from)
                .ok()
                .filter(|n| dates[*n].weak == (slot == Slot::Length))
                .map(|n| dates[n].to),
            Slot::Time => times.binary_search_by_key(&i, |t| t.from).ok().map(|n| times[n].to),
            // "A" counts one in "a month", but is no figure.
            Slot::Number => {
                reader.count(i).filter(|_| tokens[i].is_number() || tokens[i].end - tokens[i].start > 2).map(|_| i + 1)
            }
            Slot::Money => reader.money(i, lexicon.known.currency),
            Slot::MinorAge => reader.count(i).filter(|n| (5..=17).contains(n)).map(|_| i + 1),
            Slot::Name => (tokens[i].shape == Shape::Capital && person::is_name(lexicon, &tokens, i)).then_some(i + 1),
            Slot::Stranger => {
                let t = &tokens[i];
                let letters = matches!(t.shape, Shape::Lower | Shape::Capital) && t.end - t.start > 2;
                (t.word == vocabulary::UNKNOWN && letters).then_some(i + 1)
            }
            Slot::Email => (tokens[i].shape == Shape::Email).then_some(i + 1),
            Slot::Phone => person::phone(text, &tokens, i),
        }
    };
    let view = View {
        tokens: &tokens,
        words: &lexicon.words,
        filler: lexicon.known.filler,
        breaker: lexicon.known.breaker,
        slot: &slot,
    };
    let (hits, steps) = lexicon.automaton.scan(&view);
    if hits.is_empty() && dates.is_empty() && !auto {
        return (Vec::new(), steps + tokens.len());
    }
    let mut judge = Judge::new(lexicon, medium, text, &tokens);
    let said = judge.judge(hits);
    let findings =
        Composer { judge: &judge, dates: &dates, times: &times, present: reader.present }.compose(said, auto);
    (findings, steps + tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> usize {
        let at = Moment::from_timestamp("2026-03-03T16:00:00Z".parse().unwrap());
        read_counted(Lexicon::shipped(), Medium::Email, false, text, at, &Zone::utc()).1
    }

    #[test]
    fn twice_the_text_takes_twice_the_steps_whatever_it_holds() {
        for piece in [
            "stop stop ",
            "(((",
            "end of the ",
            "not interested in the ",
            "call me at 9 or ",
            "don't not never ",
            "2 3-4/5.",
            "> \n",
        ] {
            let n = 100_000 / piece.len();
            let (one, two) = (steps(&piece.repeat(n)), steps(&piece.repeat(2 * n)));
            assert!(two <= 2 * one + 1000, "{piece:?}: {one} then {two}");
            assert!(one <= 400 * n * piece.split_whitespace().count().max(1), "{piece:?}: {one} steps for {n} pieces");
        }
    }

    #[test]
    fn a_million_characters_are_read() {
        for piece in ["stop stop ", "(((", "a@a@a.a", "www.", "\n\n> On x wrote:\n", "unsubscribe here ", "Thanks,\n"] {
            steps(&piece.repeat(1_000_000 / piece.len()));
        }
    }

    #[test]
    fn a_lexicon_with_faults_is_refused_with_each_of_them_and_its_line() {
        let shipped = include_str!("../../config/policy/words.toml");
        let broken =
            shipped.replacen("\"not only\"", "\"not (only\"", 1).replacen("label = \"vague\"", "label = \"vogue\"", 1);
        let errors = Lexicon::parse(&broken).unwrap_err();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors.iter().all(|e| e.starts_with("line ")), "{errors:?}");
        assert!(Lexicon::parse("spelling = 1").unwrap_err()[0].contains("line 1"));
        let asked =
            shipped.replacen("{stopword} [it", "{stopwords} [it", 1).replacen("\"<minor_age>", "\"<minorage>", 1);
        let errors = Lexicon::parse(&asked).unwrap_err().concat();
        assert!(
            errors.contains("did you mean \"stopword\"?") && errors.contains("did you mean \"minor_age\"?"),
            "{errors}"
        );
    }

    #[test]
    fn comments_do_not_change_the_hash_and_phrases_do() {
        let shipped = include_str!("../../config/policy/words.toml");
        let hash = |text: &str| Lexicon::parse(text).unwrap().hash();
        assert_eq!(hash(shipped), Lexicon::shipped().hash());
        assert_eq!(hash(&format!("# more\n\n{shipped}")), hash(shipped));
        assert_ne!(hash(&shipped.replacen("\"not only\"", "\"not merely\"", 1)), hash(shipped));
    }
}
