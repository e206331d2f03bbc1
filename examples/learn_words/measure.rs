//! Where the bars are set, and how well texts are read with them.

use std::collections::BTreeSet;

use gleaner::domain::words::Label;

use super::{Case, LABELS};

/// The sums that a label needs where the lexicon says nothing, says it likely, says it clearly.
pub type Bars = [f32; 3];
pub type Row<'a> = (&'a Case, [f32; LABELS]);

/// What the reader takes back by no sum; see `domain/words/join.rs`.
const STANDS: [Label; 5] = [Label::OptOut, Label::Complaint, Label::LegalThreat, Label::Deceased, Label::Minor];
/// ... and where a phrase says it clearly.
const STANDS_IF_FIRM: [Label; 2] = [Label::Callback, Label::WrongNumber];
const ROUNDS: usize = 3;
/// So much more is asked for these: found wrongly they stop what should go on, or trouble a colleague for nothing.
const CARE: f32 = 0.1;
/// In tenths: what the lexicon says is taken back only where the cues are sure of the contrary.
const HIGHEST: [i32; 3] = [10, -3, -5];

fn f1(rows: &[Row], label: usize, says: impl Fn(&Row) -> bool) -> f64 {
    let (mut hit, mut wrong) = (0.0, 0.0);
    for row in rows {
        match (says(row), row.0.labels[label]) {
            (true, true) => hit += 1.0,
            (false, false) => {}
            _ => wrong += 1.0,
        }
    }
    2.0 * hit / f64::max(1.0, 2.0 * hit + wrong)
}

fn over(row: &Row, label: usize, bars: &Bars) -> bool {
    row.1[label] > bars[usize::from(row.0.lexicon[label])]
}

/// The bars of a label with the best F1; a bar counts with its neighbours, so that no lucky one wins.
fn bar(rows: &[Row], label: usize) -> Bars {
    let stands = STANDS.iter().any(|s| *s as usize == label);
    let stands_if_firm = STANDS_IF_FIRM.iter().any(|s| *s as usize == label);
    let (mut bars, set) = match (stands, stands_if_firm) {
        (true, _) => ([0.0, f32::MIN, f32::MIN], 1),
        (_, true) => ([0.0, -0.8, f32::MIN], 2),
        _ => ([0.0, -0.8, -1.2], 3),
    };
    for at in (0..ROUNDS).flat_map(|_| 0..set) {
        let score = |bar: f32| {
            let mut tried = bars;
            let near = [-0.2, -0.1, 0.0, 0.1, 0.2].map(|by| {
                tried[at] = bar + by;
                f1(rows, label, |r| over(r, label, &tried))
            });
            near.iter().sum::<f64>()
        };
        let tenths = (-25..=HIGHEST[at]).map(|t| t as f32 / 10.0);
        let best = tenths.map(|b| (score(b), b)).fold((-1.0, 0.0), |a, b| if b.0 > a.0 + 1e-9 { b } else { a });
        bars[at] = best.1;
    }
    if stands {
        bars[0] += CARE;
    }
    bars
}

pub fn bars(rows: &[Row]) -> [Bars; LABELS] {
    std::array::from_fn(|label| bar(rows, label))
}

/// Prints the F1 of each label and writer; the bars, too, are set without the writer they are held against.
pub fn print(rows: &[Row], writers: &BTreeSet<&str>) {
    let mut said: Vec<[bool; LABELS]> = vec![[false; LABELS]; rows.len()];
    let mut alone = said.clone();
    for writer in writers {
        let others: Vec<Row> = rows.iter().filter(|r| r.0.writer != *writer).copied().collect();
        let deaf: Vec<Case> = others.iter().map(|r| Case { lexicon: [0; LABELS], ..r.0.clone() }).collect();
        let unaided: Vec<Row> = deaf.iter().zip(&others).map(|(c, r)| (c, r.1)).collect();
        for label in 0..LABELS {
            let (with, without) = (bar(&others, label), bar(&unaided, label)[0]);
            for (n, row) in rows.iter().enumerate().filter(|(_, r)| r.0.writer == *writer) {
                said[n][label] = over(row, label, &with);
                alone[n][label] = row.1[label] > without;
            }
        }
    }
    let mean = |of: &dyn Fn(usize) -> f64| (0..LABELS).map(of).sum::<f64>() / LABELS as f64;
    let numbered: Vec<usize> = (0..rows.len()).collect();
    let score = |which: &[[bool; LABELS]], label: usize, writer: Option<&str>| {
        let of = |n: &&usize| writer.is_none_or(|w| rows[**n].0.writer == w);
        let (mut hit, mut wrong) = (0.0, 0.0);
        for n in numbered.iter().filter(of) {
            match (which[*n][label], rows[*n].0.labels[label]) {
                (true, true) => hit += 1.0,
                (false, false) => {}
                _ => wrong += 1.0,
            }
        }
        2.0 * hit / f64::max(1.0, 2.0 * hit + wrong)
    };
    let lexicon: Vec<[bool; LABELS]> = rows.iter().map(|r| r.0.lexicon.map(|l| l > 0)).collect();
    println!("label          lexicon learned together");
    for label in Label::ALL {
        let of = |which: &[[bool; LABELS]]| score(which, *label as usize, None);
        println!("{:<16} {:.3}   {:.3}    {:.3}", label.name(), of(&lexicon), of(&alone), of(&said));
    }
    for writer in writers.iter().map(|w| Some(*w)).chain([None]) {
        let of = |which: &[[bool; LABELS]]| mean(&|l| score(which, l, writer));
        println!("{:<16} {:.3}   {:.3}    {:.3}", writer.unwrap_or("all"), of(&lexicon), of(&alone), of(&said));
    }
}
