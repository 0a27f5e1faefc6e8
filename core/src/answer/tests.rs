//! Answers from the embedded figures, as callers read them.

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
