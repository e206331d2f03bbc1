//! The layers a setting may come from (compiled-in file, given file, environment), laid over each other, and the
//! sentences for what is wrong with them. What a setting means, and its range, is not here. Longer than most because each
//! kind of value is read, refused and shown in one place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::value::{Secret, length_text, parse_length};
use crate::domain::policy::FILES;

/// So many wrong lines may still be slips in a file that is meant to be a configuration.
const FEW: usize = 2;

/// Everything that is wrong with a configuration, one sentence each. Never empty, and never tells a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [one] => write!(f, "the configuration is wrong: {one}"),
            many => {
                write!(f, "the configuration is wrong in {} places:", many.len())?;
                many.iter().try_for_each(|fault| write!(f, "\n  - {fault}"))
            }
        }
    }
}

/// Where the value of a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Origin::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

/// A value as it was written, before anybody knows what it should be.
#[derive(Clone, Debug)]
enum Written {
    Text(String),
    Integer(i64),
    Truth(bool),
    Texts(Vec<String>),
    /// Nothing a setting can be; the words for it.
    Other(&'static str),
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Written::Text(text) if text.chars().count() > 60 => {
                write!(f, "{:?}…", text.chars().take(60).collect::<String>())
            }
            Written::Text(text) => write!(f, "{text:?}"),
            Written::Integer(number) => write!(f, "{number}"),
            Written::Truth(truth) => write!(f, "{truth}"),
            Written::Texts(texts) => write!(f, "a list of {}", texts.len()),
            Written::Other(kind) => f.write_str(kind),
        }
    }
}

struct Setting {
    written: Written,
    origin: Origin,
    /// As TOML, without secrets; empty until it was read without a fault.
    shown: String,
}

/// The settings by their full name ("queue.prefetch"), each from the topmost layer that has it.
pub(super) struct Layers {
    settings: BTreeMap<String, Setting>,
    faults: Vec<String>,
}

impl Layers {
    /// The lowest layer: it alone decides which settings there are.
    pub fn new(defaults: &str) -> Layers {
        let mut layers = Layers { settings: BTreeMap::new(), faults: Vec::new() };
        let (found, faults) = parse(defaults);
        layers.faults = faults.into_iter().map(|(line, fault)| format!("the defaults, line {line}: {fault}")).collect();
        for (key, _, written) in found {
            layers.settings.insert(key, Setting { written, origin: Origin::Default, shown: String::new() });
        }
        layers
    }

    pub fn add_file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.fault(format!("the file {} cannot be read: {error}", path.display())),
        };
        let (found, faults) = parse(&text);
        if let Some(says) = self.looks_like_none(path, &found, &faults) {
            return self.fault(says);
        }
        for (line, fault) in faults {
            self.fault(format!("{}, line {line}, is not TOML: {fault}", path.display()));
        }
        for (key, line, written) in found {
            self.set(&key, written, Origin::File { path: path.to_owned(), line });
        }
    }

    /// The one sentence for a file that is no configuration at all, in place of one for each of its lines.
    fn looks_like_none(&self, path: &Path, found: &Found, faults: &[(usize, String)]) -> Option<String> {
        let is_known = |key: &str| self.settings.contains_key(key) || suffix_of(key).is_some();
        if found.iter().any(|(key, ..)| is_known(key)) || found.len() + faults.len() <= FEW {
            return None;
        }
        let is_policy = path.file_name().is_some_and(|name| FILES.iter().any(|known| name == *known));
        let why = match faults.first() {
            _ if is_policy => "it is a policy file: `policy.dir` is the setting that names their folder".to_owned(),
            Some((line, fault)) => format!("line {line} is not TOML: {fault}"),
            None => "none of its keys is a setting".to_owned(),
        };
        Some(format!("{} looks like no configuration ({why}); `gleaner config` shows what one has.", path.display()))
    }

    /// `GLEANER__QUEUE__PREFETCH=200` is `queue.prefetch`.
    pub fn add_environment(&mut self, environment: &BTreeMap<String, String>) {
        for (name, value) in environment {
            if let Some(key) = name.strip_prefix("GLEANER__") {
                let key = with_hyphens(key.replace("__", ".").to_lowercase());
                self.set(&key, Written::Text(value.clone()), Origin::Variable(name.clone()));
            }
        }
    }

    /// A variable that other programs use too: it gives way to the setting's own variable, and empty means not set.
    pub fn add_variable(&mut self, key: &str, name: &str, environment: &BTreeMap<String, String>) {
        let Some(value) = environment.get(name).filter(|v| !v.is_empty()) else { return };
        if !matches!(self.origin(key), Origin::Variable(_)) {
            self.set(key, Written::Text(value.clone()), Origin::Variable(name.to_owned()));
        }
    }

    fn set(&mut self, key: &str, written: Written, origin: Origin) {
        match self.settings.get_mut(key) {
            Some(setting) => *setting = Setting { written, origin, shown: String::new() },
            None if suffix_of(key).is_some() => {
                self.settings.insert(key.to_owned(), Setting { written, origin, shown: String::new() });
            }
            None => {
                let hint = self.hint(key);
                self.fault(format!("`{key}` ({origin}) is not a setting{hint}"));
            }
        }
    }

    /// What was probably meant by a key that is none, as the end of a sentence.
    fn hint(&self, key: &str) -> String {
        let within = |section: &str| -> Vec<String> {
            let prefix = format!("{section}.");
            self.settings.keys().filter(|k| k.starts_with(&prefix)).map(|k| format!("`{k}`")).collect()
        };
        if !within(key).is_empty() {
            return format!(" but a section, with {}.", within(key).join(", "));
        }
        let last = |k: &str| k.rsplit('.').next().unwrap_or(k).to_owned();
        let known = || self.settings.keys();
        let near = known().map(|k| (distance(k, key), k)).min().filter(|(d, _)| *d <= 3).map(|(_, k)| k);
        // "prefetch" alone, or in the wrong section.
        let elsewhere = || known().find(|k| last(k) == last(key));
        match near.or_else(elsewhere) {
            Some(known) => format!("; did you mean `{known}`?"),
            None if key == "queues" || key.starts_with("queues.") => {
                "; a section [queues.<suffix>] has `bindings` and `max_length`.".to_owned()
            }
            None => match key.split_once('.').map(|(section, _)| within(section)) {
                Some(keys) if !keys.is_empty() => format!("; this section has {}.", keys.join(", ")),
                _ => "; `gleaner config` lists them all.".to_owned(),
            },
        }
    }

    pub fn fault(&mut self, sentence: impl Into<String>) {
        self.faults.push(sentence.into());
    }

    /// Whether a setting that was read was wrong.
    pub fn has_fault_of(&self, key: &str) -> bool {
        self.settings.get(key).is_none_or(|s| s.shown.is_empty())
    }

    pub fn origin(&self, key: &str) -> Origin {
        self.settings.get(key).map_or(Origin::Default, |s| s.origin.clone())
    }

    /// Reads one setting. On a fault the sentence is kept and the answer is `T::default()`, which nobody will see:
    /// [`Layers::finish`] then fails.
    fn read<T: Default>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&Written) -> Result<(T, String), String>,
    ) -> T {
        let Some(setting) = self.settings.get_mut(key) else {
            self.fault(format!("`{key}` is read, and config/default.toml does not have it."));
            return T::default();
        };
        match parse(&setting.written) {
            Ok((value, shown)) => {
                setting.shown = shown;
                value
            }
            Err(why) => {
                let (written, origin) = (&setting.written, &setting.origin);
                let sentence = format!("`{key}` must be {expected}, not {written} ({origin}){why}.");
                self.fault(sentence);
                T::default()
            }
        }
    }

    /// A text that `is_good`; `expected` says in words what that is.
    pub fn text(&mut self, key: &str, expected: &str, is_good: impl FnOnce(&str) -> bool) -> String {
        self.read(key, expected, |written| match written {
            Written::Text(text) if is_good(text) => Ok((text.clone(), quoted(text))),
            _ => Err(String::new()),
        })
    }

    /// A text of which not even a wrong value is told.
    pub fn secret(&mut self, key: &str, expected: &str, is_good: impl FnOnce(&str) -> bool) -> Secret {
        let Some(setting) = self.settings.get_mut(key) else { return Secret::default() };
        if let Written::Text(text) = &setting.written
            && is_good(text)
        {
            let secret = Secret::new(text.clone());
            setting.shown = quoted(&secret.to_string());
            return secret;
        }
        let sentence = format!("`{key}` must be {expected}, and what was found ({}) is not.", setting.origin);
        self.fault(sentence);
        Secret::default()
    }

    /// One of a closed set of words, which is not empty; on a fault the first.
    pub fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> T {
        let expected: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let which = self.read(key, &expected.join(" or "), |written| match written {
            Written::Text(text) => match words.iter().position(|(word, _)| word == text) {
                Some(which) => Ok((which, quoted(text))),
                None => Err(String::new()),
            },
            _ => Err(String::new()),
        });
        words[which].1
    }

    /// True or false. In the environment it is text.
    pub fn truth(&mut self, key: &str) -> bool {
        let in_environment = matches!(self.origin(key), Origin::Variable(_));
        self.read(key, "true or false", |written| {
            let truth = match written {
                Written::Truth(truth) => Some(*truth),
                Written::Text(text) if in_environment => text.trim().parse().ok(),
                _ => None,
            };
            truth.map(|truth| (truth, truth.to_string())).ok_or_else(String::new)
        })
    }

    /// A list of texts that each are good. In the environment they stand in one text, separated by commas.
    pub fn texts(&mut self, key: &str, expected: &str, is_good: impl Fn(&str) -> bool) -> Vec<String> {
        let in_environment = matches!(self.origin(key), Origin::Variable(_));
        self.read(key, expected, |written| {
            let texts = match written {
                Written::Texts(texts) => texts.clone(),
                Written::Text(text) if in_environment => {
                    text.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
                }
                _ => return Err(String::new()),
            };
            match texts.iter().find(|text| !is_good(text)) {
                Some(bad) => Err(format!(": {bad:?} is none")),
                None => Ok((texts.clone(), toml::Value::from(texts).to_string())),
            }
        })
    }

    /// The names `<suffix>` of the sections `[queues.<suffix>]`, and of each whether it has this setting.
    pub fn queues_with(&self, setting: &str) -> Vec<String> {
        let of =
            |key: &String| suffix_of(key).filter(|(_, name)| *name == setting).map(|(suffix, _)| suffix.to_owned());
        self.settings.keys().filter_map(of).collect()
    }

    /// A whole number within the range. In the environment it is text.
    pub fn number<T>(&mut self, key: &str, range: std::ops::RangeInclusive<T>) -> T
    where
        T: Copy + Default + PartialOrd + fmt::Display + TryFrom<i64>,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let in_environment = matches!(self.origin(key), Origin::Variable(_));
        self.read(key, &expected, |written| {
            let number = match written {
                Written::Integer(number) => Some(*number),
                Written::Text(text) if in_environment => text.trim().parse().ok(),
                _ => None,
            };
            match number.and_then(|n| T::try_from(n).ok()).filter(|n| range.contains(n)) {
                Some(number) => Ok((number, number.to_string())),
                None => Err(String::new()),
            }
        })
    }

    /// A length of time in milliseconds within the range.
    pub fn length(&mut self, key: &str, range: std::ops::RangeInclusive<i64>) -> i64 {
        let (from, to) = (length_text(*range.start()), length_text(*range.end()));
        let expected = format!("a length of time from {from} to {to}, written with its unit (ms, s, m, h or d)");
        self.read(key, &expected, |written| {
            let text = match written {
                Written::Text(text) => text.clone(),
                Written::Integer(number) => number.to_string(),
                Written::Truth(_) | Written::Texts(_) | Written::Other(_) => return Err(String::new()),
            };
            match parse_length(&text) {
                Ok(ms) if range.contains(&ms) => Ok((ms, quoted(&length_text(ms)))),
                Ok(_) => Err(String::new()),
                Err(why) => Err(format!(": {why}")),
            }
        })
    }

    /// Replaces what is shown of a setting, where that is not what was written.
    pub fn show_as(&mut self, key: &str, text: &str) {
        if let Some(setting) = self.settings.get_mut(key) {
            setting.shown = quoted(text);
        }
    }

    /// Every setting as TOML with its origin, by full name.
    ///
    /// # Errors
    /// All the faults found on the way.
    pub fn finish(self) -> Result<BTreeMap<String, (String, Origin)>, ConfigErrors> {
        if !self.faults.is_empty() {
            return Err(ConfigErrors(self.faults));
        }
        Ok(self.settings.into_iter().map(|(key, s)| (key, (s.shown, s.origin))).collect())
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The settings that every queue may have, in a section of its own.
const OF_A_QUEUE: [&str; 2] = ["bindings", "max_length"];

/// Suffix and setting of a key such as `queues.calls.max_length`.
fn suffix_of(key: &str) -> Option<(&str, &str)> {
    let (suffix, setting) = key.strip_prefix("queues.")?.rsplit_once('.')?;
    (!suffix.contains('.') && OF_A_QUEUE.contains(&setting)).then_some((suffix, setting))
}

/// Names of queues have hyphens, which the name of a variable cannot have.
fn with_hyphens(key: String) -> String {
    match suffix_of(&key) {
        Some((suffix, setting)) => format!("queues.{}.{setting}", suffix.replace('_', "-")),
        None => key,
    }
}

type Found = Vec<(String, usize, Written)>;

/// The values of a TOML text by full name, each with its line, and what is wrong with the text.
fn parse(text: &str) -> (Found, Vec<(usize, String)>) {
    let line = |at: usize| text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1;
    let (table, errors) = DeTable::parse_recoverable(text);
    // Only the message: the error's own text would quote the line, and with it perhaps a password.
    let faults = errors.iter().map(|e| (line(e.span().map_or(0, |s| s.start)), e.message().to_owned())).collect();
    let mut found = Vec::new();
    flatten("", table.get_ref(), &line, &mut found);
    (found, faults)
}

fn flatten(section: &str, table: &DeTable<'_>, line: &impl Fn(usize) -> usize, found: &mut Found) {
    for (name, value) in table {
        let key = if section.is_empty() { name.get_ref().to_string() } else { format!("{section}.{}", name.get_ref()) };
        let written = match value.get_ref() {
            DeValue::Table(inner) => {
                flatten(&key, inner, line, found);
                continue;
            }
            DeValue::String(text) => Written::Text(text.to_string()),
            DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => Written::Integer(number),
                Err(_) => Written::Other("a number that is too large"),
            },
            DeValue::Float(_) => Written::Other("a number with a fraction"),
            DeValue::Boolean(truth) => Written::Truth(*truth),
            DeValue::Datetime(_) => Written::Other("a date"),
            DeValue::Array(items) => {
                let text = |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
                items.iter().map(text).collect::<Option<_>>().map_or(Written::Other("a list"), Written::Texts)
            }
        };
        found.push((key, line(name.span().start), written));
    }
}

/// How many letters must be put in, left out, changed or swapped with their neighbour to get from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
