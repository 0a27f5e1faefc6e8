//! The data itself: complete, plausible, and each row with its filing.

use super::*;

const QUARTERS: [&str; 4] = ["Q1", "Q2", "Q3", "Q4"];

/// Every row with its company.
fn rows(figures: &Figures) -> impl Iterator<Item = (&Company, &Results)> {
    figures.companies().iter().flat_map(|company| {
        company
            .results
            .iter()
            .map(move |results| (company, results))
    })
}

/// Days since an arbitrary day.
fn day_number(date: &str) -> i64 {
    let [year, month, day] =
        <[&str; 3]>::try_from(date.split('-').collect::<Vec<_>>()).expect("year, month and day");
    let (year, month, day): (i64, i64, i64) = (
        year.parse().expect("a year"),
        month.parse().expect("a month"),
        day.parse().expect("a day"),
    );
    assert!(
        date.len() == 10 && (1..=12).contains(&month) && (1..=31).contains(&day),
        "{date}"
    );
    // The year begins in March, so that a leap day ends it.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day
}

#[test]
fn every_year_of_every_company_has_four_quarters_and_the_year() {
    let figures = Figures::embedded().expect("the data");
    for company in figures.companies() {
        let mut years: Vec<_> = company
            .results
            .iter()
            .map(|results| results.fiscal_year)
            .collect();
        years.dedup();
        assert_eq!(years.len(), 2, "{}: {years:?}", company.name);
        for year in years {
            let periods: Vec<_> = company
                .results
                .iter()
                .filter(|results| results.fiscal_year == year)
                .map(|results| &results.period)
                .collect();
            assert_eq!(
                periods,
                ["Q1", "Q2", "Q3", "Q4", "FY"],
                "{} {year}",
                company.name
            );
        }
    }
    let microsoft = figures.company("MSFT").expect("Microsoft");
    assert!(
        [2022, 2023]
            .iter()
            .all(|year| microsoft.results(*year, "FY").is_some()
                && microsoft.results(*year, "Q4").is_some())
    );
}

#[test]
fn every_row_has_every_figure() {
    let figures = Figures::embedded().expect("the data");
    for (company, results) in rows(&figures) {
        for measure in Measure::ALL {
            assert!(
                results.value(measure).is_some(),
                "{} {}: {}",
                company.name,
                results.name(),
                measure.name()
            );
        }
    }
}

#[test]
fn four_quarters_make_the_year_that_the_company_published_but_for_rounding() {
    let figures = Figures::embedded().expect("the data");
    for (company, year) in rows(&figures).filter(|(_, results)| results.period == "FY") {
        for measure in [
            Measure::Revenue,
            Measure::NetIncome,
            Measure::OperatingIncome,
        ] {
            let quarter = |q| {
                company
                    .results(year.fiscal_year, q)
                    .and_then(|results| results.value(measure))
                    .expect("a quarter")
            };
            let difference = QUARTERS.map(quarter).iter().sum::<f64>()
                - year.value(measure).expect("the year's figure");
            assert!(
                difference.abs() <= 1.0,
                "{} {} {}: {difference}",
                company.name,
                year.fiscal_year,
                measure.name()
            );
        }
    }
}

/// Net income by earnings per share, on one basis of shares, is a number of shares that changes
/// little in two years.
#[test]
fn earnings_per_share_agree_with_net_income_once_splits_are_counted() {
    let figures = Figures::embedded().expect("the data");
    for company in figures.companies() {
        let shares = |results: &Results| {
            let splits: f64 = company.splits_since(results).map(Split::ratio).product();
            let (income, eps) = (
                results.value(Measure::NetIncome),
                results.value(Measure::DilutedEps),
            );
            splits * income.expect("net income") / eps.expect("earnings per share")
        };
        let reference = shares(company.results(2023, "FY").expect("2023"));
        for results in &company.results {
            let ratio = shares(results) / reference;
            assert!(
                (0.94..1.06).contains(&ratio),
                "{} {}: {ratio} of 2023's shares",
                company.name,
                results.name()
            );
        }
    }
}

#[test]
fn every_row_cites_the_form_that_states_its_period() {
    let figures = Figures::embedded().expect("the data");
    for (company, results) in rows(&figures) {
        let expected = match results.period.as_str() {
            "Q1" | "Q2" | "Q3" => (Form::Quarterly, None),
            "Q4" => (Form::Current, Some("99.1")),
            "FY" => (Form::Annual, None),
            other => panic!("{}: {other}", company.name),
        };
        assert_eq!(
            (results.filing.form, results.filing.exhibit.as_deref()),
            expected,
            "{} {}",
            company.name,
            results.name()
        );
    }
}

#[test]
fn every_source_is_the_company_itself_at_the_sec() {
    let text = include_str!("../../data/figures.json");
    assert!(
        !text.contains("://") && !text.contains("www.") && !text.contains(".com"),
        "an address in the data"
    );
    let figures = Figures::embedded().expect("the data");
    for (company, results) in rows(&figures) {
        let source = company.source(results);
        let cik = source
            .url
            .strip_prefix("https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=");
        let cik = cik.and_then(|rest| rest.split('&').next()).expect("a CIK");
        assert!(
            cik.len() == 10 && cik.bytes().all(|byte| byte.is_ascii_digit()),
            "{}",
            source.url
        );
        assert!(
            source.title.starts_with(&company.name) && source.title.contains(&results.name()),
            "{}",
            source.title
        );
    }
    let ciks: std::collections::BTreeSet<_> = figures
        .companies()
        .iter()
        .map(|company| &company.cik)
        .collect();
    assert_eq!(ciks.len(), figures.companies().len());
}

#[test]
fn a_source_names_form_period_and_filing_date() {
    let figures = Figures::embedded().expect("the data");
    for (ticker, year, period, title, url) in [
        (
            "AAPL",
            2023,
            "Q1",
            "Apple Inc., Form 10-Q for Q1 of fiscal 2023, filed 2023-02-03",
            "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=0000320193&type=10-Q&dateb=20230301&owner=include&count=40",
        ),
        (
            "MSFT",
            2023,
            "Q4",
            "Microsoft Corporation, Form 8-K, exhibit 99.1, for Q4 of fiscal 2023, filed 2023-07-25",
            "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=0000789019&type=8-K&dateb=20230801&owner=include&count=40",
        ),
        (
            "GOOGL",
            2022,
            "FY",
            "Alphabet Inc., Form 10-K for fiscal 2022, filed 2023-02-03",
            "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=0001652044&type=10-K&dateb=20230301&owner=include&count=40",
        ),
        (
            "NFLX",
            2023,
            "Q4",
            "Netflix, Inc., Form 8-K, exhibit 99.1, for Q4 of fiscal 2023, filed 2024-01-23",
            "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK=0001065280&type=8-K&dateb=20240201&owner=include&count=40",
        ),
    ] {
        let company = figures.company(ticker).expect(ticker);
        let source = company.source(company.results(year, period).expect(title));
        assert_eq!((source.title.as_str(), source.url.as_str()), (title, url));
    }
}

#[test]
fn filing_dates_come_after_the_period_and_within_a_hundred_days() {
    let figures = Figures::embedded().expect("the data");
    for (company, results) in rows(&figures) {
        let days = day_number(&results.filing.filed) - day_number(&results.period_end);
        assert!(
            (1..=100).contains(&days),
            "{} {}: {days} days",
            company.name,
            results.name()
        );
    }
}

#[test]
fn a_split_counts_for_what_was_stated_before_it() {
    let figures = Figures::embedded().expect("the data");
    for (ticker, year, period, splits) in [
        ("NVDA", 2023, "Q1", vec!["10-for-1 split of June 2024"]),
        ("NVDA", 2024, "FY", vec!["10-for-1 split of June 2024"]),
        ("NFLX", 2023, "Q4", vec!["10-for-1 split of November 2025"]),
        ("GOOGL", 2022, "Q1", vec!["20-for-1 split of July 2022"]),
        // The quarter ended before the split, and was reported after it.
        ("GOOGL", 2022, "Q2", vec![]),
        ("AAPL", 2022, "Q1", vec![]),
        ("META", 2022, "Q1", vec![]),
        ("MSFT", 2022, "Q1", vec![]),
    ] {
        let company = figures.company(ticker).expect(ticker);
        let results = company.results(year, period).expect(period);
        let names: Vec<_> = company.splits_since(results).map(Split::name).collect();
        assert_eq!(names, splits, "{ticker} {year} {period}");
    }
}

#[test]
fn amounts_are_written_with_thousands() {
    assert_eq!(Measure::Revenue.format(117_154.0), "$117,154 million");
    assert_eq!(Measure::NetIncome.format(-55.0), "$-55 million");
    assert_eq!(Measure::DilutedEps.format(2.1), "$2.10");
}

#[test]
fn the_month_after_december_is_january() {
    assert_eq!(
        first_of_next_month("2023-12-31").as_deref(),
        Some("20240101")
    );
    assert_eq!(first_of_next_month("2023-13-01"), None);
}
