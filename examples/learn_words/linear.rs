//! One linear model a label: squared hinge loss with an L2 penalty, by dual coordinate descent.

use gleaner::domain::words::{THIN, UNIT};

use super::{Case, LABELS};

/// The largest weight that the reader keeps.
const MOST: f32 = 127.0;

/// How dear a mistake is. From 2 to 10 it makes little difference.
const COST: f32 = 4.0;
const ROUNDS: usize = 25;
/// A cue counts by its rarity to this power.
const RARITY: f32 = 1.25;
/// A cue of one text alone says more of its writer than of its label.
const FEWEST_TEXTS: u32 = 2;
/// What overlaps with other cues counts less than words and pairs: found with writers left out.
const LESSER: [(&str, f32); 5] = [("not> ", 0.6), ("last> ", 0.6), (" _ ", 0.7), (" ~", 0.8), ("^ ", 0.8)];

pub struct Model {
    /// How much a cue counts; 0 if it does not.
    pub scale: Vec<f32>,
    pub weights: Vec<Vec<f32>>,
    pub bias: [f32; LABELS],
}

impl Model {
    pub fn learn(cases: &[&Case], shares: &[f32]) -> Model {
        let cues = shares.len();
        let mut texts = vec![0_u32; cues];
        cases.iter().flat_map(|c| &c.cues).for_each(|cue| texts[*cue as usize] += 1);
        let scale = |(n, share): (&u32, &f32)| match *n {
            n if n < FEWEST_TEXTS => 0.0,
            // As it will stand in the file.
            n => ((cases.len() as f32 / (1.0 + n as f32)).ln().max(0.2).powf(RARITY) * share * 10.0).round() / 10.0,
        };
        let mut model =
            Model { scale: texts.iter().zip(shares).map(scale).collect(), weights: Vec::new(), bias: [0.0; LABELS] };
        let rows: Vec<Vec<(u32, f32)>> = cases.iter().map(|c| model.row(c)).collect();
        for label in 0..LABELS {
            let says: Vec<bool> = cases.iter().map(|c| c.labels[label]).collect();
            let (mut weights, bias) = descend(&rows, &says, cues);
            // As they will stand in the file.
            weights.iter_mut().for_each(|w| *w = (*w * UNIT).round().clamp(-MOST, MOST) / UNIT);
            model.weights.push(weights);
            model.bias[label] = bias;
        }
        model
    }

    /// What the cues of this name count, as a share.
    pub fn share(cue: &str) -> f32 {
        let pair = cue.matches(' ').count() > 1;
        let lesser = |(mark, _): &&(&str, f32)| match *mark {
            " _ " => cue.contains(mark),
            " ~" => cue.ends_with(mark),
            "^ " => pair && cue.starts_with(mark),
            _ => cue.starts_with(mark),
        };
        LESSER.iter().find(lesser).map_or(1.0, |l| l.1)
    }

    fn row(&self, case: &Case) -> Vec<(u32, f32)> {
        let mut row: Vec<(u32, f32)> = case.cues.iter().map(|c| (*c, self.scale[*c as usize])).collect();
        row.retain(|(_, v)| *v > 0.0);
        let length = (row.iter().map(|(_, v)| v * v).sum::<f32>() + THIN * THIN).sqrt();
        row.iter_mut().for_each(|(_, v)| *v /= length);
        row
    }

    /// What the cues of a text come to for each label.
    pub fn sums(&self, case: &Case) -> [f32; LABELS] {
        let row = self.row(case);
        std::array::from_fn(|l| self.bias[l] + row.iter().map(|(c, v)| self.weights[l][*c as usize] * v).sum::<f32>())
    }
}

fn descend(rows: &[Vec<(u32, f32)>], says: &[bool], cues: usize) -> (Vec<f32>, f32) {
    let yes = says.iter().filter(|s| **s).count().max(1) as f32;
    // Half way to giving the few texts that say it as much weight as the many that do not.
    let dearer = ((rows.len() as f32 - yes) / yes).sqrt();
    let (mut weights, mut bias, mut alpha) = (vec![0_f32; cues], 0_f32, vec![0_f32; rows.len()]);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut dice = 88_172_645_463_325_252_u64;
    for _ in 0..ROUNDS {
        for i in (1..order.len()).rev() {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            order.swap(i, (dice % (i as u64 + 1)) as usize);
        }
        for &k in &order {
            let (side, cost) = if says[k] { (1.0, COST * dearer) } else { (-1.0, COST) };
            let slack = 0.5 / cost;
            let sum = bias + rows[k].iter().map(|(c, v)| weights[*c as usize] * v).sum::<f32>();
            // The bias is one more cue, of weight 1; with it a row has at most the length of two.
            let new = (alpha[k] - (side * sum - 1.0 + slack * alpha[k]) / (2.0 + slack)).max(0.0);
            let step = (new - alpha[k]) * side;
            if step != 0.0 {
                alpha[k] = new;
                bias += step;
                rows[k].iter().for_each(|(c, v)| weights[*c as usize] += step * v);
            }
        }
    }
    (weights, bias)
}
