//! Reads what people write: replies, texts, chats, and notes about them. Text in, labelled findings out.
//!
//! Pure and total: no clock, no I/O, and work in proportion to the length of the text whatever it holds. What words
//! mean is the lexicon's affair (`config/policy/words.toml`); what its phrases miss is judged by learned weights
//! (`cues.tsv`, see `join`); what follows from a finding is decided elsewhere.

mod almanac;
mod automaton;
mod calendar;
mod clock;
mod compose;
mod cues;
mod dates;
mod dating;
mod figures;
mod finding;
mod group;
mod hint;
mod join;
mod judge;
mod learned;
mod lexicon;
mod named;
mod negation;
mod pattern;
mod person;
mod quote;
mod scan;
mod spelled;
mod standing;
mod token;
mod trim;
mod vocabulary;

pub use finding::{Finding, Label, Medium, OptOutScope, Person};
pub use learned::{THIN, UNIT};
pub use lexicon::Lexicon;
pub use quote::Quote;

use crate::domain::identity::digest_16;
use crate::domain::memo::Question;
use crate::domain::time::{Moment, Zone};
use calendar::Present;
use compose::Composer;
use dates::Reader;
use judge::Judge;
use pattern::Slot;
use scan::View;
use token::{Shape, Token};

/// Bytes of a text that may be a habit; a longer one is read anew each time.
const HABIT: usize = 240;

/// Reads one text that was written at `at` by somebody who lives in `zone`; `auto` says that a program sent it.
/// At most one finding a label, but for referrals of several people; ordered by place.
pub fn read(lexicon: &Lexicon, medium: Medium, auto: bool, text: &str, at: Moment, zone: &Zone) -> Vec<Finding> {
    let habit = habit(lexicon, medium, auto, text);
    if habit.as_ref().is_some_and(|habit| lexicon.empty.recall(habit).is_some()) {
        return Vec::new();
    }
    let (reading, _) = read_counted(lexicon, medium, auto, text, at, zone, None);
    if let Some(habit) = habit.filter(|_| reading.findings.is_empty() && reading.is_undated) {
        lexicon.empty.learn(&habit, ());
    }
    reading.findings
}

/// Most notes say nothing, in a few words that are a colleague's or a program's habit ("no answer"). They are known again
/// by a digest, so that no text outlives its lead; the lexicon's hash is part of it, for its cues may be exchanged.
fn habit(lexicon: &Lexicon, medium: Medium, auto: bool, text: &str) -> Option<Question> {
    let how = [medium as u8, u8::from(auto)];
    let digest = || digest_16(&[&lexicon.hash().to_be_bytes(), &how, text.as_bytes()]);
    (text.len() <= HABIT).then(|| Question::of(&digest()))
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

/// Takes each cue of a text and the number of its sentence.
type Sink<'a> = &'a mut dyn FnMut(&str, u32);

/// Every cue that the learned part sees in a text, with the number of its sentence: what the trainer learns from.
pub fn cues(lexicon: &Lexicon, medium: Medium, text: &str, at: Moment, zone: &Zone, sink: Sink) {
    read_counted(lexicon, medium, false, text, at, zone, Some(sink));
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

struct Reading {
    findings: Vec<Finding>,
    /// It has no figure and no word that dates are made of ("a", "on", "May"), so that it says the same whenever it is
    /// written.
    is_undated: bool,
}

/// Also tells how many steps the reading took, so that a test can hold it to linear time without a clock, and the cues
/// that were seen, if asked for.
fn read_counted(
    lexicon: &Lexicon,
    medium: Medium,
    auto: bool,
    text: &str,
    at: Moment,
    zone: &Zone,
    sink: Option<Sink>,
) -> (Reading, usize) {
    let tokens = visible_tokens(lexicon, medium, text);
    if tokens.is_empty() {
        return (Reading { findings: Vec::new(), is_undated: true }, 0);
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
    let mut judge = Judge::new(lexicon, medium, text, &tokens);
    let said = judge.judge(hits);
    let composer = Composer { judge: &judge, dates: &dates, times: &times, present: reader.present };
    let findings = composer.compose(said, auto);
    let sums = lexicon.cues.sum(lexicon, medium, text, &judge.spoken());
    if let Some(sink) = sink {
        cues::each(lexicon, &lexicon.cues.kinds, medium, text, &judge.spoken(), sink);
    }
    let findings = composer.join(findings, &lexicon.cues, &sums);
    (Reading { findings, is_undated: !calendar }, steps + tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> usize {
        let at = Moment::from_timestamp("2026-03-03T16:00:00Z".parse().unwrap());
        read_counted(Lexicon::shipped(), Medium::Email, false, text, at, &Zone::utc(), None).1
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
    fn a_note_that_says_nothing_is_known_again_however_it_came_and_one_that_may_be_dated_is_read_anew() {
        let lexicon = Lexicon::shipped().clone();
        let read = |medium: Medium, auto: bool, text: &str, at: &str| {
            let at = Moment::from_timestamp(at.parse().unwrap());
            read(&lexicon, medium, auto, text, at, &Zone::utc())
        };
        let is_known = |medium: Medium, auto: bool, text: &str| {
            lexicon.empty.recall(&habit(&lexicon, medium, auto, text).unwrap()).is_some()
        };
        let (early, late) = ("2026-03-03T16:00:00Z", "2026-09-10T16:00:00Z");
        for text in ["no answer", "voicemail", "W_Nabellen offertes"] {
            assert!(!is_known(Medium::CallNote, false, text));
            assert_eq!(read(Medium::CallNote, false, text, early), [], "{text}");
            assert!(is_known(Medium::CallNote, false, text), "{text}");
            assert!(!is_known(Medium::Email, false, text) && !is_known(Medium::CallNote, true, text), "{text}");
            assert_eq!(read(Medium::CallNote, false, text, late), [], "{text}");
            // A program's letter is one, whatever it says.
            assert_eq!(read(Medium::Email, true, text, late)[0].label, Label::AutoReply, "{text}");
        }
        for text in ["left a voicemail", "tomorrow", "not interested", "our contract runs until 1 September"] {
            let first = read(Medium::CallNote, false, text, early);
            assert!(!is_known(Medium::CallNote, false, text), "{text}");
            assert_eq!(read(Medium::CallNote, false, text, early), first, "{text}");
        }
        let until = |at: &str| read(Medium::CallNote, false, "our contract runs until 1 September", at);
        assert_ne!(until(early), until(late));
        assert!(habit(&lexicon, Medium::Email, false, &"x".repeat(HABIT + 1)).is_none());
    }

    fn found(lexicon: &Lexicon, text: &str) -> Vec<Finding> {
        let at = Moment::from_timestamp("2026-03-03T16:00:00Z".parse().unwrap());
        read(lexicon, Medium::Email, false, text, at, &Zone::utc())
    }

    #[test]
    fn what_only_the_cues_find_is_likely_and_quotes_its_sentence() {
        let text = "Morning! Our harvest is late. Kindly lose my address and pester other people.";
        let alone = found(&Lexicon::shipped().clone().without_cues(), text);
        assert!(alone.iter().all(|f| f.label != Label::OptOut), "{alone:?}");
        let both = found(Lexicon::shipped(), text);
        let opt_out = both.iter().find(|f| f.label == Label::OptOut).unwrap();
        assert!(!opt_out.certain && opt_out.scope == Some(OptOutScope::Channel), "{opt_out:?}");
        assert_eq!(opt_out.quote, "Kindly lose my address and pester other people");
        assert_eq!(&text[opt_out.start as usize..opt_out.end as usize], opt_out.quote);
    }

    #[test]
    fn a_file_of_cues_with_faults_is_refused_with_each_of_them_and_its_line() {
        let shipped = include_str!("../../config/policy/cues.tsv");
        let with = |text: &str| Lexicon::shipped().clone().with_cues(text);
        let bars: String = shipped.lines().filter(|l| l.starts_with("bar\t")).map(|l| format!("{l}\n")).collect();
        assert!(with(&bars).is_ok());
        let errors = with(&format!("{bars}cue\thello\t1.0\ta1−7\nhello\ncue\tx\tmuch\ta1\n")).unwrap_err();
        let starts =
            ["line 22: \"a1−7\" are no weights", "line 23: expected \"bar\"", "line 24: \"much\" is no number"];
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors.iter().zip(starts).all(|(e, start)| e.starts_with(start)), "{errors:?}");
        let errors = with(&bars.replacen("bar\tvague", "bar\tvogue", 1)).unwrap_err();
        assert!(errors[0].starts_with("line 3: \"vogue\" is no label") && errors[1].contains("vague"), "{errors:?}");
    }

    #[test]
    fn a_bar_of_never_adds_nothing_and_other_weights_are_another_reading() {
        let shipped = include_str!("../../config/policy/cues.tsv");
        let deaf: String = shipped
            .lines()
            .map(|l| {
                l.split_once('\t').filter(|l| l.0 == "bar").map_or(l.to_owned(), |b| {
                    format!("bar\t{}\tnever\talways\talways", b.1.split('\t').next().unwrap())
                }) + "\n"
            })
            .collect();
        let deaf = Lexicon::shipped().clone().with_cues(&deaf).unwrap();
        let silent = Lexicon::shipped().clone().without_cues();
        for text in ["Kindly lose my address and pester other people.", "Could we get a quote?", "He died in May."] {
            assert_eq!(found(&deaf, text), found(&silent, text));
        }
        assert_ne!(deaf.hash(), Lexicon::shipped().hash());
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
