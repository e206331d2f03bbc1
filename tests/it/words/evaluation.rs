//! How well texts are read: precision, recall and F1 per label on written-out replies.
//!
//! # The batches
//! What is in `fixtures/words/seen` was learned from: `batch_*` and `first` by whoever wrote the phrases, all of it by
//! `examples/learn_words`, which makes the weights of `cues.tsv`. What is in `fixtures/words/unseen` was learned from
//! neither by a person nor by a program: the other halves of `batch_*` and `first`, split line by line before anybody
//! looked, and the texts of five strangers, `fresh_*`, that nobody read but this test. It must stay so; whoever wants to
//! teach the reader adds texts to `seen`.
//!
//! What the first look at each whole batch gave, when there were phrases alone, and what the lexicon gave on it with which
//! the first batch was read (macro F1):
//!
//! | batch | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 |
//! |---|---|---|---|---|---|---|---|---|---|---|---|---|
//! | first look | .90 | .91 | .87 | .90 | .93 | .82 | .72 | .98 | .85 | .90 | .82 | .81 |
//! | before | .90 | .81 | .78 | .77 | .88 | | | .97 | .80 | .85 | | |
//!
//! Batches 6, 7, 11 and 12 are idiomatic, 8 is plain. One mind wrote the phrases and the batches but `first`. On texts by
//! others the phrases alone give far less, and the cues beside them much of it back. Each writer below was left out of the
//! learning and of the setting of the bars (`cargo run --release --example learn_words`); their texts were written to be
//! hard, with words that tempt, and no phrasing twice (but for those of g2, h2, k2, m2 and p2):
//!
//! | writer | a2 | b2 | c1 | d2 | e1 | g2 | h2 | k2 | m2 | n1 | p2 | q3 | r1 | s1 | t3 | u3 | v3 | all |
//! |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
//! | phrases alone | .72 | .69 | .56 | .58 | .59 | .68 | .70 | .74 | .69 | .58 | .74 | .57 | .57 | .60 | .63 | .60 | .55 | .64 |
//! | cues alone | .90 | .86 | .84 | .83 | .85 | .90 | .92 | .90 | .90 | .73 | .90 | .80 | .75 | .84 | .85 | .82 | .84 | .85 |
//! | both | .88 | .87 | .85 | .83 | .85 | .87 | .91 | .89 | .90 | .76 | .90 | .81 | .77 | .85 | .85 | .84 | .82 | .85 |
//!
//! The texts of h2, k2, m2 and p2 are as people write and not to be hard; those of q3, t3, u3 and v3 are full of lookalikes of
//! what was read worst. With nine writers c1, e1, n1, r1 and s1 were read at
//! .83, .80, .73, .75 and .83, when they were alone at .79, .76, .71, .69 and .80. The phrases are not quite without sight
//! of the first nine: those that were wrong as often as right in their texts were narrowed or dropped.
//!
//! The texts of five strangers (`fresh_*`: offices, people on their phones, the ordinary inbox, all of it mixed, a year of
//! it), who knew what the labels mean and nothing else, are read at .91 together. The first four were .84, .84, .90 and .82
//! before the last twelve writers; by phrases alone the first three are read at .66, .73 and .74. The fifth came last and
//! was read at .90 at the first look, and at .92 once q3, t3, u3 and v3 were learned from. What was held back from tuning
//! can be held back once: the figures of the first four were looked at a few times while the reader was taught, and no
//! text of any. Thirteen of the 420 short texts of the first three ("Wrong number") also stand word for word in `seen`.
//!
//! # What a label means
//! A text carries each label that it states, several or none.
//! - `interest`: wants to hear, see, try or buy, or asks about the product or its price. Not: a bare "send me something".
//! - `disinterest`: a no to the offer, or served already ("we use another one and are happy"). Not: "not now" (timing),
//!   "too expensive" (budget), a wrong person, an opt-out without a no.
//! - `vague`: neither yes nor no nor a day: "maybe", "I'll think about it", "send me some information". Not beside a boss
//!   to be asked (authority) and not a "maybe" before a day (timing).
//! - `timing`: not now, or when: a day, a season, an event, the end of a contract, a deadline; what was asked for by then
//!   may be interest besides. `date` is the first day on which it is worth asking again.
//! - `budget`: money for it: none, too little, so much, approved, a price that is too high or asked down.
//!   Asking what it costs is interest.
//! - `authority`: who decides: somebody else, a committee, both spouses, or the writer.
//! - `referral`: another person or department to talk to; `person` where named.
//! - `wrong_person`: reached somebody this is no business of, who left, changed roles, or was mistaken for another.
//! - `wrong_number`: the number belongs to somebody else.
//! - `not_a_buyer`: a student, job seeker, journalist, hobbyist, or a vendor who wants to sell to us.
//! - `competitor`: sells the same. Using a competitor's product is disinterest.
//! - `opt_out`: asks not to be contacted, by any words; unsure where the words are ("certain": false).
//! - `complaint`: anger about how we behave. A lone opt-out is none, a hostile one is both.
//! - `auto_reply`: written by a program; then it is nothing else, but `wrong_person` (gone) and `referral` (who now).
//! - `callback`: asks to be called, or says when they can be reached; `at` or `date` where said.
//! - `gatekeeper`: an assistant, receptionist or relative answered and stands between.
//! - `language`: needs another language than English.
//! - `deceased`: the lead has died. A death in the writer's family is `vulnerable`.
//! - `minor`: under 18, said or heard. `vulnerable`: ill, bereaved, confused, ruined, in a crisis.
//! - `legal_threat`: a lawyer, a court, a regulator. It is a complaint besides only where anger is said besides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use gleaner::domain::event::WhenLocal;
use gleaner::domain::time::{Moment, Zone, date_of_day};
use gleaner::domain::words::{Finding, Label, Lexicon, Medium, Person, read};
use serde_json::Value;

struct Case {
    id: String,
    medium: Medium,
    auto: bool,
    text: String,
    at: Moment,
    zone: Zone,
    labels: BTreeSet<Label>,
    want: Value,
}

fn cases(jsonl: &str) -> Vec<Case> {
    jsonl.lines().map(|line| case(&serde_json::from_str(line).unwrap())).collect()
}

fn case(v: &Value) -> Case {
    let s = |key: &str| v[key].as_str().unwrap_or_else(|| panic!("{key} in {v}")).to_owned();
    Case {
        id: s("id"),
        medium: Medium::from_name(&s("medium")).unwrap(),
        auto: v["auto"].as_bool().unwrap_or(false),
        text: s("text"),
        at: Moment::from_timestamp(s("at").parse().unwrap()),
        zone: Zone::named(&s("zone")).unwrap(),
        labels: v["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| Label::from_name(l.as_str().unwrap()).unwrap())
            .collect(),
        want: v.clone(),
    }
}

impl Case {
    fn read(&self) -> Vec<Finding> {
        read(Lexicon::shipped(), self.medium, self.auto, &self.text, self.at, &self.zone)
    }
    /// What is wrong besides the labels: dates, times, people, scopes.
    fn wrong_details(&self, found: &[Finding]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut compare = |key: &str, got: Vec<String>| {
            if let Some(want) = self.want[key].as_str()
                && !got.iter().any(|g| g == want)
            {
                wrong.push(format!("{key}: wanted {want}, got {got:?}"));
            }
        };
        compare("date", found.iter().filter_map(|f| f.date).map(|d| date_of_day(d).to_string()).collect());
        compare("at_local", found.iter().filter_map(|f| f.at).map(local).collect());
        compare("scope", found.iter().filter_map(|f| f.scope).map(|s| s.name().to_owned()).collect());
        if let Some(want) = self.want.get("person") {
            let field = |key: &str| want[key].as_str().map(str::to_owned);
            let want = Person { name: field("name"), email: field("email"), phone: field("phone") };
            if !found.iter().any(|f| f.person.as_ref() == Some(&want)) {
                wrong.push(format!(
                    "wanted {want:?}, got {:?}",
                    found.iter().filter_map(|f| f.person.as_ref()).collect::<Vec<_>>()
                ));
            }
        }
        wrong
    }
}

fn local(at: WhenLocal) -> String {
    match at {
        WhenLocal::Local(t) => format!("{}T{:02}:{:02}", t.date(), t.hour(), t.minute()),
        WhenLocal::Instant(m) => m.to_string(),
    }
}

#[derive(Default)]
struct Score {
    hit: f64,
    extra: f64,
    missed: f64,
}

impl Score {
    fn precision(&self) -> f64 {
        if self.hit + self.extra == 0.0 { 1.0 } else { self.hit / (self.hit + self.extra) }
    }
    fn recall(&self) -> f64 {
        if self.hit + self.missed == 0.0 { 1.0 } else { self.hit / (self.hit + self.missed) }
    }
    fn f1(&self) -> f64 {
        2.0 * self.hit / (2.0 * self.hit + self.extra + self.missed).max(1.0)
    }
}

/// The batches of one half whose names begin so.
fn half(name: &str, begin: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/words").join(name);
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.file_name().unwrap().to_string_lossy().starts_with(begin));
    files.sort();
    files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect()
}

/// Reads all cases; prints the table, and each mistake if asked to; the mean F1 over labels and the share of right details.
fn evaluate(name: &str, begin: &str, show: bool) -> (f64, f64) {
    let jsonl = half(name, begin);
    let jsonl = jsonl.as_str();
    let mut scores: BTreeMap<Label, Score> = BTreeMap::new();
    let (mut table, mut silent, mut said_nothing, mut details, mut wrong) = (String::new(), 0, 0, 0, 0);
    for case in cases(jsonl) {
        let found = case.read();
        let got: BTreeSet<Label> = found.iter().map(|f| f.label).collect();
        for label in got.union(&case.labels) {
            let score = scores.entry(*label).or_default();
            match (got.contains(label), case.labels.contains(label)) {
                (true, true) => score.hit += 1.0,
                (true, false) => score.extra += 1.0,
                _ => score.missed += 1.0,
            }
        }
        silent += usize::from(case.labels.is_empty());
        said_nothing += usize::from(case.labels.is_empty() && got.is_empty());
        details += ["date", "at_local", "scope", "person"].iter().filter(|k| case.want.get(**k).is_some()).count();
        let bad = case.wrong_details(&found);
        wrong += bad.len();
        if show && (got != case.labels || !bad.is_empty()) {
            let names = |l: &BTreeSet<Label>| l.iter().map(|l| l.name()).collect::<Vec<_>>().join(" ");
            let quotes = found.iter().map(|f| format!("{}:{:?}", f.label.name(), f.quote)).collect::<Vec<_>>();
            println!(
                "{} {:?} want [{}] got [{}] {quotes:?} {bad:?}",
                case.id,
                case.text,
                names(&case.labels),
                names(&got)
            );
        }
    }
    for (label, s) in &scores {
        let n = s.hit + s.missed;
        writeln!(table, "{:<14} {n:>4} {:>6.3} {:>6.3} {:>6.3}", label.name(), s.precision(), s.recall(), s.f1())
            .unwrap();
    }
    let macro_f1 = scores.values().map(Score::f1).sum::<f64>() / scores.len() as f64;
    let right = 1.0 - wrong as f64 / details as f64;
    println!(
        "{name} {begin}\nlabel             n   prec    rec     f1\n{table}macro F1 {macro_f1:.3}; nothing said {said_nothing}/{silent}; details {:.3} of {details}",
        right
    );
    (macro_f1, right)
}

fn show() -> bool {
    std::env::var_os("WORDS_SHOW").is_some()
}

#[test]
fn what_was_learned_from_is_read_with_few_mistakes() {
    let (f1, details) = evaluate("seen", "", show());
    assert!(f1 >= 0.96, "macro F1 {f1}");
    // Many of the newer texts were given their instant by chance, and then "tomorrow" has no right answer.
    assert!(details >= 0.75, "details {details}");
}

#[test]
fn what_nobody_looked_at_is_read_with_a_macro_f1_of_nearly_nine_tenths() {
    let (f1, details) = evaluate("unseen", "", false);
    assert!(f1 >= 0.89, "macro F1 {f1}");
    assert!(details >= 0.83, "details {details}");
}

#[test]
fn strangers_are_read_nearly_as_well() {
    let (f1, _) = evaluate("unseen", "fresh_", false);
    assert!(f1 >= 0.87, "macro F1 {f1}");
}
