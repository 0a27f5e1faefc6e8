//! An inquiry and the figures become sentences with their sources, or a list of what there is instead.

use std::time::Instant;

use serde::Serialize;

use crate::figures::{Company, Figures, Measure, Results, Source};
use crate::inquiry::Inquiry;
use crate::rank;

/// What core returns.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The answer, in sentences.
    pub answer: String,
    /// How it came about.
    pub meta: Meta,
}

/// How an answer came about.
#[derive(Debug, Serialize)]
pub struct Meta {
    /// What answered.
    pub model: String,
    /// Whether there was something to answer with.
    pub found: bool,
    /// Milliseconds spent.
    pub latency_ms: f64,
    /// Where the figures were read.
    pub sources: Vec<Source>,
    /// What the model has read and written, where it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}

/// Tokens, as Amazon Bedrock counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// Of the prompt.
    pub input: i32,
    /// Of the answer.
    pub output: i32,
}

/// What the figures answer to an inquiry, and where they were read.
#[derive(Debug, Clone)]
pub struct Facts {
    /// In sentences.
    pub sentences: Vec<String>,
    /// The texts in which the figures were read.
    pub sources: Vec<Source>,
    /// Whether the sentences answer, and do not list what there is instead.
    pub found: bool,
}

impl Facts {
    /// How the embedded figures answer; `start` is when work began.
    pub fn meta(&self, start: Instant) -> Meta {
        Meta {
            model: "embedded-facts".to_owned(),
            found: self.found,
            latency_ms: millis_since(start),
            sources: self.sources.clone(),
            tokens: None,
        }
    }

    /// All of it, in one piece.
    pub fn answer(&self, start: Instant) -> Answer {
        Answer { answer: self.sentences.join(" "), meta: self.meta(start) }
    }
}

/// Milliseconds, to the microsecond.
pub fn millis_since(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// Answers an inquiry from the figures.
pub fn find_facts(inquiry: &Inquiry, figures: &Figures) -> Facts {
    match find(inquiry, figures) {
        Ok((sentences, sources)) => Facts { sentences, sources, found: true },
        Err(alternatives) => Facts { sentences: alternatives, sources: Vec::new(), found: false },
    }
}

fn find(inquiry: &Inquiry, figures: &Figures) -> Result<(Vec<String>, Vec<Source>), Vec<String>> {
    let company = figures.company(&inquiry.partner).ok_or_else(|| companies(inquiry, figures))?;
    let results = company.results(inquiry.year, &inquiry.period).ok_or_else(|| periods(inquiry, company))?;
    let before = company.results(inquiry.year - 1, &inquiry.period);
    let known: Vec<_> = rank::measures(&inquiry.question).into_iter().filter(|m| results.value(*m).is_some()).collect();
    let mut clauses = known.iter().filter_map(|measure| clause(*measure, results, before));
    let Some(first) = clauses.next() else { return Err(measures(company, results)) };
    let quarter = if results.period == "FY" { String::new() } else { format!("{} of ", results.period) };
    let when = format!("In {quarter}fiscal {} (ended {})", results.fiscal_year, results.period_end);
    let mut sentences = vec![format!("{when}, {} reported {first}.", company.name)];
    sentences.extend(clauses.map(|clause| format!("It also reported {clause}.")));
    let mut sources = Vec::new();
    for source in known.iter().map(|measure| results.source(*measure)) {
        if !sources.contains(source) {
            sources.push(source.clone());
        }
    }
    Ok((sentences, sources))
}

fn clause(measure: Measure, results: &Results, before: Option<&Results>) -> Option<String> {
    let value = results.value(measure)?;
    let said = format!("{} of {}", measure.name(), measure.format(value));
    let earlier = before.and_then(|before| before.value(measure)).filter(|earlier| *earlier > 0.0);
    Some(match earlier {
        Some(earlier) => format!("{said} ({:+.1}% on the year before)", (value - earlier) / earlier * 100.0),
        None => said,
    })
}

fn join_with_and(clauses: &[String]) -> String {
    match clauses {
        [rest @ .., second_last, last] => {
            let mut all = rest.to_vec();
            all.push(format!("{second_last} and {last}"));
            all.join(", ")
        }
        _ => clauses.concat(),
    }
}

fn companies(inquiry: &Inquiry, figures: &Figures) -> Vec<String> {
    let names: Vec<_> = figures.companies().iter().map(|company| format!("{} ({})", company.name, company.ticker)).collect();
    vec![format!("There are no figures for {:?}.", inquiry.partner), format!("There are some for {}.", join_with_and(&names))]
}

fn periods(inquiry: &Inquiry, company: &Company) -> Vec<String> {
    let mut there: Vec<_> = company.results.iter().map(|results| (results.fiscal_year, results.period.as_str())).collect();
    there.sort_by_key(|(year, period)| (-year, *period == "FY", *period));
    let there: Vec<_> = there.into_iter().map(|(year, period)| format!("{period} {year}")).collect();
    let asked = format!("{} {}", inquiry.period, inquiry.year);
    vec![
        format!("There are no figures of {} for {asked}.", company.name),
        format!("There are some for {}.", join_with_and(&there)),
    ]
}

fn measures(company: &Company, results: &Results) -> Vec<String> {
    let there: Vec<_> = Measure::ALL.into_iter().filter(|m| results.value(*m).is_some()).map(|m| m.name().to_owned()).collect();
    let when = format!("{} {}", results.period, results.fiscal_year);
    vec![format!("That figure of {} for {when} was not found.", company.name), format!("There is {}.", join_with_and(&there))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(partner: &str, year: i64, period: &str, question: &str) -> Answer {
        let figures = Figures::embedded().expect("the data");
        let inquiry =
            Inquiry { partner: partner.to_owned(), year, period: period.to_owned(), question: question.to_owned(), sub: None };
        find_facts(&inquiry, &figures).answer(Instant::now())
    }

    #[test]
    fn a_question_is_answered_in_a_sentence_with_its_source() {
        let answer = ask("apple", 2023, "Q1", "What was the revenue?");
        insta::assert_snapshot!(answer.answer, @"In Q1 of fiscal 2023 (ended 2022-12-31), Apple Inc. reported revenue of $117,154 million (-5.5% on the year before).");
        assert!(answer.meta.found && answer.meta.sources.len() == 1);
    }

    #[test]
    fn an_open_question_gets_every_figure() {
        insta::assert_snapshot!(ask("NVDA", 2024, "FY", "How did it go?").answer, @"In fiscal 2024 (ended 2024-01-28), NVIDIA Corporation reported revenue of $60,922 million (+125.9% on the year before). It also reported operating income of $32,972 million (+680.6% on the year before). It also reported net income of $29,760 million (+581.3% on the year before). It also reported diluted earnings per share of $11.93 (+585.6% on the year before).");
    }

    #[test]
    fn what_is_not_there_is_answered_with_what_is() {
        for (partner, year, period) in [("Initech", 2023, "Q1"), ("meta", 1999, "Q1"), ("Apple", 2023, "H1")] {
            let answer = ask(partner, year, period, "revenue?");
            assert!(!answer.meta.found && answer.meta.sources.is_empty());
            assert!(answer.answer.contains("There are some for "), "{}", answer.answer);
        }
        insta::assert_snapshot!(ask("meta", 1999, "Q1", "revenue?").answer, @"There are no figures of Meta Platforms, Inc. for Q1 1999. There are some for Q1 2023, Q2 2023, Q3 2023, Q4 2023, FY 2023, Q1 2022, Q2 2022, Q3 2022, Q4 2022 and FY 2022.");
    }
}
