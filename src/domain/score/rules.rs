//! The rules of fit, compiled once when the policy is read and evaluated over a lead.
//!
//! Each is an expression in CEL. A rule that cannot be right is refused here, with its place in the file, and never
//! reaches a lead; a rule that asks for something unknown of a lead does not hold for it.

use std::sync::Arc;

use cel::common::types::CelBool;
use cel::objects::Value as CelValue;
use cel::parser::{Expression, Parser};
use cel::{Context, Env};

use super::check::{Problem, check};
use super::field::{Field, Subject};
use super::lists::WordLists;

/// Longest expression, in bytes: one that a person can still read.
const EXPRESSION: usize = 2000;

/// What says yes or no about a lead.
pub struct Condition {
    expression: Expression,
}

/// What conditions are evaluated in: the functions and word lists that they may use.
pub struct Room {
    root: Context<'static, 'static>,
    lists: Arc<WordLists>,
}

impl Room {
    pub fn new(lists: Arc<WordLists>) -> Room {
        let mut root = Context::with_env(Arc::new(Env::stdlib()));
        let known = lists.clone();
        let added = root.add_function("has_word", move |text: Arc<String>, list: Arc<String>| {
            known.get(&list).is_some_and(|list| list.occurs_in(&text))
        });
        // The standard library of the language has no function of this name.
        debug_assert!(added.is_ok(), "{added:?}");
        Room { root, lists }
    }

    /// Compiles a condition, and says which fields it asks for.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place in the text.
    pub fn compile(&self, text: &str) -> Result<(Condition, Vec<Field>), Vec<Problem>> {
        if text.len() > EXPRESSION {
            return Err(vec![Problem { at: 0, says: format!("the rule is longer than {EXPRESSION} bytes") }]);
        }
        let parser = Parser::default().enable_ident_escape_syntax(true);
        let (expression, source) = parser.parse_with_source_info(text).map_err(|e| {
            let problem = |e: &cel::ParseError| Problem { at: offset_of(text, e.pos), says: plain(&e.msg) };
            let mut problems: Vec<Problem> = e.errors.iter().map(problem).collect();
            // One slip of the pen makes the parser stumble on; what it says after the first is about its own steps.
            problems.truncate(1);
            problems
        })?;
        let checked = check(&expression, &source, &self.lists);
        match checked.problems.is_empty() {
            true => Ok((Condition { expression }, checked.fields)),
            false => Err(checked.problems),
        }
    }

    /// Whether the condition holds for the lead; no, where it cannot be said for want of something known.
    pub fn holds(&self, condition: &Condition, subject: &Subject<'_>) -> bool {
        let mut scope = self.root.new_inner_scope();
        scope.set_variable_resolver(subject);
        let held = CelValue::resolve_val(&condition.expression, &scope);
        held.is_ok_and(|value| value.downcast_ref::<CelBool>().is_some_and(|b| *b.inner()))
    }
}

/// Line and column, both from 1, as a number of characters from the beginning.
fn offset_of(text: &str, (line, column): (isize, isize)) -> u32 {
    let before: usize = text.split_inclusive('\n').take((line - 1).max(0) as usize).map(|l| l.chars().count()).sum();
    (before as isize + (column - 1).max(0)) as u32
}

/// The parser's words without its preface.
fn plain(message: &str) -> String {
    let says = message.trim_start_matches("Syntax error: ").replace("<EOF>", "the end");
    format!("this is no expression: {says}")
}
