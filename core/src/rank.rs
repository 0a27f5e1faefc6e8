//! Which figures a question asks for, the best match first.

use crate::figures::Measure;

/// Words that ask for a measure, with their weight. Phrases go before the words they are made of.
const WORDS: [(&str, Measure, u32); 18] = [
    ("revenue", Measure::Revenue, 5),
    ("net sales", Measure::Revenue, 3),
    ("sales", Measure::Revenue, 2),
    ("turnover", Measure::Revenue, 5),
    ("top line", Measure::Revenue, 5),
    ("operating income", Measure::OperatingIncome, 5),
    ("operating profit", Measure::OperatingIncome, 5),
    ("income from operations", Measure::OperatingIncome, 5),
    ("operating", Measure::OperatingIncome, 1),
    ("operations", Measure::OperatingIncome, 1),
    ("net income", Measure::NetIncome, 5),
    ("net profit", Measure::NetIncome, 5),
    ("bottom line", Measure::NetIncome, 5),
    ("profit", Measure::NetIncome, 1),
    ("income", Measure::NetIncome, 1),
    ("earn", Measure::NetIncome, 1),
    ("per share", Measure::DilutedEps, 5),
    ("eps", Measure::DilutedEps, 5),
];

/// The measures that a question asks for, best first; all of them, in a statement's order, when it
/// names none.
pub fn measures(question: &str) -> Vec<Measure> {
    let question = words_only(question);
    let score = |measure: Measure| -> u32 {
        WORDS
            .iter()
            .filter(|(words, asks_for, _)| *asks_for == measure && asks(&question, words))
            .map(|(_, _, weight)| weight)
            .sum()
    };
    let mut ranked: Vec<_> = Measure::ALL
        .into_iter()
        .map(|measure| (score(measure), measure))
        .collect();
    ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let best = ranked[0].0;
    // A word in common is not a question for it: "net income" also holds "income".
    ranked.retain(|(score, _)| best == 0 || *score * 2 > best);
    ranked.into_iter().map(|(_, measure)| measure).collect()
}

/// Lower-case words with one space around each.
fn words_only(question: &str) -> String {
    let words: Vec<_> = question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    format!(" {} ", words.join(" "))
}

/// Whether the question has the words, or a word that begins with them: `earn` is asked for by
/// `earned` and `earnings`.
fn asks(question: &str, words: &str) -> bool {
    question.contains(&format!(" {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Measure::{DilutedEps, NetIncome, OperatingIncome, Revenue};

    #[test]
    fn a_question_is_answered_with_the_figures_it_asks_for() {
        for (question, expected) in [
            ("What was the revenue?", vec![Revenue]),
            ("How much did they SELL? net sales please", vec![Revenue]),
            ("What was net income?", vec![NetIncome]),
            ("How profitable was it?", vec![NetIncome]),
            ("Operating income?", vec![OperatingIncome]),
            ("What did they earn per share?", vec![DilutedEps]),
            ("EPS and net income", vec![NetIncome, DilutedEps]),
            (
                "revenue, operating income and net income",
                vec![OperatingIncome, NetIncome, Revenue],
            ),
            ("How did it go?", Measure::ALL.to_vec()),
            ("", Measure::ALL.to_vec()),
        ] {
            assert_eq!(measures(question), expected, "{question}");
        }
    }
}
