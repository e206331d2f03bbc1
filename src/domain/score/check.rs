//! Looks through the expression of a rule before it is ever used: does it name what exists, and can it be true or false?
//!
//! Everything wrong with an expression is said at once, with its place and what was probably meant. What passes here
//! cannot fail on a lead but by asking for something that is not known of it. Longer than most: one arm for each thing that
//! the language can say, and a sentence for each that it should not.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo};

use super::field::{Field, Kind};
use super::lists::WordLists;
use crate::domain::policy::suggest::did_you_mean;

/// What is wrong, and at which character of the expression it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub at: u32,
    pub says: String,
}

/// What an expression comes to, as far as can be said beforehand.
#[derive(Clone, Debug, PartialEq)]
enum Type {
    Bool,
    Number,
    Text,
    List(Box<Type>),
    /// An attribute, or something after a mistake that was already reported.
    Any,
}

impl Type {
    fn name(&self) -> &'static str {
        match self {
            Type::Bool => "a yes or no",
            Type::Number => "a number",
            Type::Text => "a text",
            Type::List(_) => "a list",
            Type::Any => "anything",
        }
    }

    fn may_be(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::List(a), Type::List(b)) => a.may_be(b),
            (a, b) => a == b,
        }
    }
}

/// What rules may call, for suggestions.
const FUNCTIONS: [&str; 7] = ["has_word", "contains", "startsWith", "endsWith", "size", "exists", "all"];

pub struct Checked {
    pub problems: Vec<Problem>,
    /// What the expression asks about the lead, in order, without repeats.
    pub fields: Vec<Field>,
}

/// Checks an expression that should say yes or no.
pub fn check(expression: &IdedExpr, source: &SourceInfo, lists: &WordLists) -> Checked {
    let mut c = Checker { source, lists, scope: Vec::new(), problems: Vec::new(), fields: Vec::new() };
    let result = c.type_of(expression);
    if !result.may_be(&Type::Bool) {
        c.problem(expression, format!("a rule must come to yes or no, and this comes to {}", result.name()));
    }
    if c.fields.is_empty() && c.problems.is_empty() {
        c.problem(expression, "the rule asks nothing about the lead, so it is the same for everybody".to_owned());
    }
    c.fields.sort();
    c.fields.dedup();
    Checked { problems: c.problems, fields: c.fields }
}

struct Checker<'a> {
    source: &'a SourceInfo,
    lists: &'a WordLists,
    /// Variables of `exists` and `all`, innermost last.
    scope: Vec<(String, Type)>,
    problems: Vec<Problem>,
    fields: Vec<Field>,
}

impl Checker<'_> {
    fn problem(&mut self, at: &IdedExpr, says: String) -> Type {
        let at = start(self.source, at);
        self.problems.push(Problem { at, says });
        Type::Any
    }

    fn type_of(&mut self, e: &IdedExpr) -> Type {
        match &e.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Number,
                LiteralValue::String(_) => Type::Text,
                LiteralValue::Bytes(_) | LiteralValue::Null => {
                    self.problem(e, "null and bytes say nothing here: what is not known neither helps nor hurts".into())
                }
            },
            Expr::Ident(name) => match self.scope.iter().rev().find(|(n, _)| n == name) {
                Some((_, t)) => t.clone(),
                None => self.unknown_field(e, name),
            },
            Expr::Select(select) if select.test => self.problem(
                e,
                "has(…) is not needed: a rule that asks for what is not known neither helps nor hurts".to_owned(),
            ),
            Expr::Select(_) => match path(e) {
                Some(name) => match Field::named(&name) {
                    Some(field) => {
                        let kind = field.kind();
                        self.fields.push(field);
                        match kind {
                            Kind::Number => Type::Number,
                            Kind::Text => Type::Text,
                            Kind::Any => Type::Any,
                        }
                    }
                    None => self.unknown_field(e, &name),
                },
                None => self.problem(e, "only the lead's own fields have parts".to_owned()),
            },
            Expr::List(list) => {
                let mut types: Vec<Type> = list.elements.iter().map(|e| self.type_of(e)).collect();
                let first = types.pop().unwrap_or(Type::Any);
                if let Some(other) = types.iter().find(|t| !t.may_be(&first)) {
                    let says =
                        format!("a list holds one kind of thing; this has {} and {}", first.name(), other.name());
                    return self.problem(e, says);
                }
                Type::List(Box::new(first))
            }
            Expr::Call(call) => self.call(e, call),
            Expr::Comprehension(c) => {
                let Type::List(item) = self.type_of(&c.iter_range) else {
                    return self
                        .problem(&c.iter_range, "exists and all go over a list such as [\"a\", \"b\"]".to_owned());
                };
                let accumulated = self.type_of(&c.accu_init);
                let depth = self.scope.len();
                self.scope.push((c.iter_var.clone(), *item));
                self.scope.push((c.accu_var.clone(), accumulated));
                self.type_of(&c.loop_cond);
                self.type_of(&c.loop_step);
                let result = self.type_of(&c.result);
                self.scope.truncate(depth);
                result
            }
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.problem(e, "a rule asks about the lead; it has no use for maps or records".to_owned())
            }
        }
    }

    fn unknown_field(&mut self, e: &IdedExpr, name: &str) -> Type {
        if name == "qualification.timeline" {
            return self.problem(
                e,
                "the timeline ages and fit does not, so no rule of fit can ask for it; it counts for qualification"
                    .to_owned(),
            );
        }
        let meant = match Field::NAMES.iter().find(|n| n.split_once('.').is_some_and(|(_, last)| last == name)) {
            Some(full) => format!("did you mean {full}?"),
            None => did_you_mean(name, Field::NAMES.iter().copied().chain(["attributes.…"])),
        };
        self.problem(e, format!("there is no field {name}; {meant}"))
    }

    fn call(&mut self, e: &IdedExpr, call: &CallExpr) -> Type {
        let operands: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        if call.func_name == "has_word" {
            return self.has_word(e, &operands);
        }
        let types: Vec<Type> = operands.iter().map(|o| self.type_of(o)).collect();
        let name = call.func_name.as_str();
        match (name, types.as_slice()) {
            ("_&&_" | "_||_", [_, _]) | ("!_" | "@not_strictly_false", [_]) => {
                for (operand, t) in operands.iter().zip(&types) {
                    if !t.may_be(&Type::Bool) {
                        let says = format!("both sides of and, or, not must be yes or no; this is {}", t.name());
                        self.problem(operand, says);
                    }
                }
                Type::Bool
            }
            ("_==_" | "_!=_", [a, b]) if a.may_be(b) => Type::Bool,
            ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) if a.may_be(b) && *a != Type::Bool => Type::Bool,
            ("_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) => {
                self.problem(e, format!("this compares {} with {}", a.name(), b.name()))
            }
            ("@in", [item, list]) => match list {
                Type::List(of) if item.may_be(of) => Type::Bool,
                Type::Any => Type::Bool,
                Type::List(of) => self.problem(e, format!("this looks for {} among {}s", item.name(), of.name())),
                other => self.problem(e, format!("`in` looks into a list; this is {}", other.name())),
            },
            ("contains" | "startsWith" | "endsWith", [a, b]) if a.may_be(&Type::Text) && b.may_be(&Type::Text) => {
                Type::Bool
            }
            ("size", [Type::Text | Type::List(_) | Type::Any]) => Type::Number,
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [a, b]) if a.may_be(&Type::Number) && b.may_be(&Type::Number) => {
                Type::Number
            }
            ("-_", [a]) if a.may_be(&Type::Number) => Type::Number,
            ("_?_:_", [condition, a, b]) if condition.may_be(&Type::Bool) && a.may_be(b) => {
                if *a == Type::Any {
                    b.clone()
                } else {
                    a.clone()
                }
            }
            _ if name.starts_with(['_', '@', '!', '-']) || FUNCTIONS.contains(&name) => {
                let types: Vec<&str> = types.iter().map(Type::name).collect();
                let says = format!("{} cannot be applied to {}", operator(name), types.join(" and "));
                self.problem(e, says)
            }
            _ => {
                let meant = did_you_mean(name, FUNCTIONS.iter().copied());
                self.problem(e, format!("there is no function {name}; {meant}"))
            }
        }
    }

    /// `has_word(profile.title, "name_of_a_list")`.
    fn has_word(&mut self, e: &IdedExpr, operands: &[&IdedExpr]) -> Type {
        let [text, list] = operands else {
            return self.problem(e, "has_word wants a text and the name of a word list".to_owned());
        };
        let t = self.type_of(text);
        if !t.may_be(&Type::Text) {
            self.problem(text, format!("has_word looks into a text; this is {}", t.name()));
        }
        match &list.expr {
            Expr::Literal(LiteralValue::String(name)) => {
                if self.lists.get(name).is_none() {
                    let meant = did_you_mean(name, self.lists.names());
                    self.problem(list, format!("there is no word list \"{}\"; {meant}", name.inner()));
                }
            }
            _ => {
                self.problem(list, "the word list must be named, such as \"decider_titles\"".to_owned());
            }
        }
        Type::Bool
    }
}

/// Where an expression begins: at its leftmost part, because an operator stands behind its first operand.
fn start(source: &SourceInfo, e: &IdedExpr) -> u32 {
    let own = source.offset_for(e.id).map_or(0, |(start, _)| start);
    match &e.expr {
        Expr::Select(select) => own.min(start(source, &select.operand)),
        Expr::Call(call) => {
            call.target.as_deref().into_iter().chain(call.args.first()).fold(own, |at, o| at.min(start(source, o)))
        }
        _ => own,
    }
}

fn operator(name: &str) -> String {
    match name {
        "@in" => "`in`".to_owned(),
        "_?_:_" => "`? :`".to_owned(),
        "_[_]" => "`[ ]`".to_owned(),
        other => format!("`{}`", other.replace('_', " ").trim()),
    }
}

/// "profile.title" of an expression that spells it.
fn path(e: &IdedExpr) -> Option<String> {
    match &e.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        _ => None,
    }
}
