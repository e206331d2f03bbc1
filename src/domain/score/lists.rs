//! The word lists of `scoring.toml`: words and short phrases by the name of their list, found in a text as words of
//! their own, in any case. What a list means is said by the rules that name it.

use std::collections::BTreeMap;

/// How many words one phrase of a list may have.
const PHRASE_WORDS: usize = 6;
/// How many words of a text are looked at: titles and quotes are far shorter.
const TEXT_WORDS: usize = 400;

#[derive(Clone, Debug, Default)]
pub struct WordLists(BTreeMap<String, WordList>);

#[derive(Clone, Debug, Default)]
pub struct WordList(Vec<Vec<String>>);

impl WordLists {
    /// Takes the lists apart into words; says of every list what is wrong with it.
    pub fn new(lists: &BTreeMap<String, Vec<String>>, errors: &mut Vec<String>) -> WordLists {
        let mut out = BTreeMap::new();
        for (name, phrases) in lists {
            if phrases.is_empty() {
                errors.push(format!("scoring.toml: the list \"{name}\" is empty; a rule that asks for it never holds"));
            }
            let phrases = phrases.iter().filter_map(|phrase| {
                let words: Vec<String> = words(phrase).map(str::to_owned).collect();
                if words.is_empty() || words.len() > PHRASE_WORDS {
                    errors.push(format!(
                        "scoring.toml: \"{phrase}\" in the list \"{name}\" has {} words; give one to {PHRASE_WORDS}",
                        words.len()
                    ));
                    return None;
                }
                Some(words)
            });
            out.insert(name.clone(), WordList(phrases.collect()));
        }
        WordLists(out)
    }

    pub fn get(&self, name: &str) -> Option<&WordList> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }
}

impl WordList {
    /// Whether one of the phrases stands in the text, as words of its own.
    pub fn occurs_in(&self, text: &str) -> bool {
        let text: Vec<&str> = words(text).take(TEXT_WORDS).collect();
        self.0.iter().any(|phrase| {
            text.windows(phrase.len()).any(|here| here.iter().zip(phrase).all(|(a, b)| a.eq_ignore_ascii_case(b)))
        })
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(phrases: &[&str]) -> WordList {
        let lists = BTreeMap::from([("l".to_owned(), phrases.iter().map(|p| (*p).to_owned()).collect())]);
        let mut errors = Vec::new();
        let lists = WordLists::new(&lists, &mut errors);
        assert!(errors.is_empty(), "{errors:?}");
        lists.get("l").unwrap().clone()
    }

    #[test]
    fn a_word_counts_as_a_word_of_its_own_and_in_any_case() {
        let list = list(&["vp", "set aside"]);
        assert!(list.occurs_in("VP, Operations"));
        assert!(list.occurs_in("we have set  aside 20k"));
        assert!(!list.occurs_in("MVP builder"));
        assert!(!list.occurs_in("set it aside"));
        assert!(!list.occurs_in(""));
    }

    #[test]
    fn a_list_that_can_never_match_is_refused() {
        let lists = BTreeMap::from([("a".to_owned(), vec![]), ("b".to_owned(), vec!["--".to_owned()])]);
        let mut errors = Vec::new();
        WordLists::new(&lists, &mut errors);
        assert_eq!(errors.len(), 2, "{errors:?}");
    }
}
