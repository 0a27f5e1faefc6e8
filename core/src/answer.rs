//! An inquiry and the figures become sentences with their sources, or a list of what there is
//! instead.

use std::time::Instant;

use serde::Serialize;

use crate::figures::{Company, Figures, Measure, Results, Source, Split};
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
    /// The companies' filings that state the figures.
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

/// What the figures answer to an inquiry, and the filings that state them.
#[derive(Debug, Clone)]
pub struct Facts {
    /// In sentences.
    pub sentences: Vec<String>,
    /// The companies' filings that state the figures.
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
        Answer {
            answer: self.sentences.join(" "),
            meta: self.meta(start),
        }
    }
}

/// Milliseconds, to the microsecond.
pub fn millis_since(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// Answers an inquiry from the figures.
pub fn find_facts(inquiry: &Inquiry, figures: &Figures) -> Facts {
    match find(inquiry, figures) {
        Ok((sentences, source)) => Facts {
            sentences,
            sources: vec![source],
            found: true,
        },
        Err(alternatives) => Facts {
            sentences: alternatives,
            sources: Vec::new(),
            found: false,
        },
    }
}

/// The sentences and the filing that states their figures, or sentences that list what there is
/// instead.
fn find(inquiry: &Inquiry, figures: &Figures) -> Result<(Vec<String>, Source), Vec<String>> {
    let company = figures
        .company(&inquiry.partner)
        .ok_or_else(|| companies(inquiry, figures))?;
    let results = company
        .results(inquiry.year, &inquiry.period)
        .ok_or_else(|| periods(inquiry, company))?;
    let year_before = company.results(inquiry.year - 1, &inquiry.period);
    let measures = rank::measures(&inquiry.question);
    let mut clauses = measures
        .iter()
        .filter_map(|measure| clause(*measure, company, results, year_before));
    let Some(first) = clauses.next() else {
        return Err(known_measures(company, results));
    };
    let when = format!("In {} (ended {})", results.name(), results.period_end);
    let mut sentences = vec![format!("{when}, {} reported {first}.", company.name)];
    sentences.extend(clauses.map(|clause| format!("It also reported {clause}.")));
    Ok((sentences, company.source(results)))
}

fn clause(
    measure: Measure,
    company: &Company,
    results: &Results,
    year_before: Option<&Results>,
) -> Option<String> {
    let value = results.value(measure)?;
    let change = year_before
        .and_then(|year_before| change(measure, company, value, results, year_before))
        .unwrap_or_default();
    let later_splits = later_splits(measure, company, results);
    Some(format!(
        "{} of {}{change}{later_splits}",
        measure.name(),
        measure.format(value)
    ))
}

/// The splits that a figure does not include, where it is one per share.
fn later_splits(measure: Measure, company: &Company, results: &Results) -> String {
    let names: Vec<_> = company
        .splits_since(results)
        .map(|split| format!("the {}", split.name()))
        .collect();
    if measure != Measure::DilutedEps || names.is_empty() {
        return String::new();
    }
    format!(", as reported; {} came later", join_with_and(&names))
}

/// The change on the year before, in brackets. Earnings per share of the year before are put on
/// this year's basis of shares.
fn change(
    measure: Measure,
    company: &Company,
    value: f64,
    results: &Results,
    year_before: &Results,
) -> Option<String> {
    let earlier = year_before
        .value(measure)
        .filter(|earlier| *earlier > 0.0)?;
    let between: Vec<_> = company.splits_between(year_before, results).collect();
    if measure != Measure::DilutedEps || between.is_empty() {
        return Some(format!(
            " ({:+.1}% on the year before)",
            percent(value, earlier)
        ));
    }
    let ratio: f64 = between.iter().map(|split| split.ratio()).product();
    // To the cent, as the company restates it.
    let restated = (earlier / ratio * 100.0).round() / 100.0;
    let names: Vec<_> = between.into_iter().map(Split::name).collect();
    Some(format!(
        " ({:+.1}% on the year before, adjusted for the {})",
        percent(value, restated),
        join_with_and(&names)
    ))
}

fn percent(value: f64, earlier: f64) -> f64 {
    (value - earlier) / earlier * 100.0
}

/// `a`, `a and b`, `a, b and c`.
fn join_with_and(items: &[String]) -> String {
    match items {
        [rest @ .., second_last, last] => {
            let mut all = rest.to_vec();
            all.push(format!("{second_last} and {last}"));
            all.join(", ")
        }
        _ => items.concat(),
    }
}

fn companies(inquiry: &Inquiry, figures: &Figures) -> Vec<String> {
    let names: Vec<_> = figures
        .companies()
        .iter()
        .map(|company| format!("{} ({})", company.name, company.ticker))
        .collect();
    vec![
        format!("There are no figures for {:?}.", inquiry.partner),
        format!("There are some for {}.", join_with_and(&names)),
    ]
}

fn periods(inquiry: &Inquiry, company: &Company) -> Vec<String> {
    let mut periods: Vec<_> = company
        .results
        .iter()
        .map(|results| (results.fiscal_year, results.period.as_str()))
        .collect();
    periods.sort_by_key(|(year, period)| (-year, *period == "FY", *period));
    let periods: Vec<_> = periods
        .into_iter()
        .map(|(year, period)| format!("{period} {year}"))
        .collect();
    let asked = format!("{} {}", inquiry.period, inquiry.year);
    vec![
        format!("There are no figures of {} for {asked}.", company.name),
        format!("There are some for {}.", join_with_and(&periods)),
    ]
}

fn known_measures(company: &Company, results: &Results) -> Vec<String> {
    let known = Measure::ALL
        .into_iter()
        .filter(|measure| results.value(*measure).is_some());
    let names: Vec<_> = known.map(|measure| measure.name().to_owned()).collect();
    let when = format!("{} {}", results.period, results.fiscal_year);
    vec![
        format!("That figure of {} for {when} was not found.", company.name),
        format!("There is {}.", join_with_and(&names)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(partner: &str, year: i64, period: &str, question: &str) -> Answer {
        let figures = Figures::embedded().expect("the data");
        let inquiry = Inquiry {
            partner: partner.to_owned(),
            year,
            period: period.to_owned(),
            question: question.to_owned(),
            sub: None,
        };
        find_facts(&inquiry, &figures).answer(Instant::now())
    }

    #[test]
    fn a_question_is_answered_in_a_sentence_with_its_source() {
        let answer = ask("apple", 2023, "Q1", "What was the revenue?");
        insta::assert_snapshot!(answer.answer, @"In Q1 of fiscal 2023 (ended 2022-12-31), Apple Inc. reported revenue of $117,154 million (-5.5% on the year before).");
        assert!(answer.meta.found);
        let sources = serde_json::to_value(&answer.meta.sources).expect("JSON");
        let title = "Apple Inc., Form 10-Q for Q1 of fiscal 2023, filed 2023-02-03";
        let url = "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=0000320193&type=10-Q&dateb=20230301&owner=include&count=40";
        assert_eq!(sources, serde_json::json!([{ "title": title, "url": url }]));
    }

    #[test]
    fn an_open_question_gets_every_figure() {
        insta::assert_snapshot!(ask("NVDA", 2024, "FY", "How did it go?").answer, @"In fiscal 2024 (ended 2024-01-28), NVIDIA Corporation reported revenue of $60,922 million (+125.9% on the year before). It also reported operating income of $32,972 million (+680.6% on the year before). It also reported net income of $29,760 million (+581.3% on the year before). It also reported diluted earnings per share of $11.93 (+585.6% on the year before), as reported; the 10-for-1 split of June 2024 came later.");
    }

    #[test]
    fn what_is_not_there_is_answered_with_what_is() {
        for (partner, year, period) in [
            ("Initech", 2023, "Q1"),
            ("meta", 1999, "Q1"),
            ("Apple", 2023, "H1"),
        ] {
            let answer = ask(partner, year, period, "revenue?");
            assert!(!answer.meta.found && answer.meta.sources.is_empty());
            assert!(
                answer.answer.contains("There are some for "),
                "{}",
                answer.answer
            );
        }
        insta::assert_snapshot!(ask("meta", 1999, "Q1", "revenue?").answer, @"There are no figures of Meta Platforms, Inc. for Q1 1999. There are some for Q1 2023, Q2 2023, Q3 2023, Q4 2023, FY 2023, Q1 2022, Q2 2022, Q3 2022, Q4 2022 and FY 2022.");
    }

    #[test]
    fn earnings_per_share_before_a_split_are_said_to_be_so() {
        let eps = |partner, year, period| ask(partner, year, period, "EPS?").answer;
        insta::assert_snapshot!(eps("Alphabet", 2022, "Q1"), @"In Q1 of fiscal 2022 (ended 2022-03-31), Alphabet Inc. reported diluted earnings per share of $24.62, as reported; the 20-for-1 split of July 2022 came later.");
        insta::assert_snapshot!(eps("Alphabet", 2022, "Q2"), @"In Q2 of fiscal 2022 (ended 2022-06-30), Alphabet Inc. reported diluted earnings per share of $1.21.");
        insta::assert_snapshot!(eps("Netflix", 2023, "FY"), @"In fiscal 2023 (ended 2023-12-31), Netflix, Inc. reported diluted earnings per share of $12.03 (+20.9% on the year before), as reported; the 10-for-1 split of November 2025 came later.");
        let revenue = ask("Netflix", 2023, "FY", "revenue?").answer;
        assert!(!revenue.contains("split"), "{revenue}");
    }

    #[test]
    fn earnings_per_share_are_compared_on_one_basis_of_shares() {
        insta::assert_snapshot!(ask("GOOGL", 2023, "Q1", "EPS?").answer, @"In Q1 of fiscal 2023 (ended 2023-03-31), Alphabet Inc. reported diluted earnings per share of $1.17 (-4.9% on the year before, adjusted for the 20-for-1 split of July 2022).");
        let revenue = ask("GOOGL", 2023, "Q1", "revenue?").answer;
        assert!(revenue.contains("(+2.6% on the year before)"), "{revenue}");
    }

    #[test]
    fn every_answer_cites_the_sec_and_no_other_host() {
        let figures = Figures::embedded().expect("the data");
        for company in figures.companies() {
            for results in &company.results {
                let answer = ask(&company.ticker, results.fiscal_year, &results.period, "");
                let text = serde_json::to_string(&answer).expect("JSON");
                assert!(
                    answer.meta.found && text.contains("https://www.sec.gov/"),
                    "{text}"
                );
                assert_eq!(
                    text.matches("://").count(),
                    text.matches("https://www.sec.gov/").count(),
                    "{text}"
                );
            }
        }
    }
}
