//! The data: quarterly and yearly results of a few companies, each row with the company's own
//! filing that states it.
//!
//! The file is part of the program. Amounts are rounded to millions of US dollars; earnings per
//! share are US dollars as that filing states them, before any later split. What could not be
//! confirmed is absent, never computed: figures, and the day of a filing. Fourth quarters stand in
//! no Form 10-Q: theirs are in the earnings release, which is exhibit 99.1 of a Form 8-K.

use serde::{Deserialize, Serialize};

/// All companies.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Figures(Vec<Company>);

/// A company and its results.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// The ticker of its share.
    pub ticker: String,
    aliases: Vec<String>,
    /// Its Central Index Key at the SEC: ten digits.
    cik: String,
    /// The splits of its share from 2021 to 2025, oldest first.
    splits: Vec<Split>,
    /// What it published, newest year first.
    pub results: Vec<Results>,
}

/// The results of one period.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Results {
    /// The year, as the company counts it.
    pub fiscal_year: i64,
    /// `Q1` to `Q4`, or `FY`.
    pub period: String,
    /// The last day of the period, ISO 8601.
    pub period_end: String,
    revenue: Option<i64>,
    net_income: Option<i64>,
    operating_income: Option<i64>,
    diluted_eps: Option<f64>,
    filing: Filing,
}

/// The document at the SEC in which a company stated its results.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filing {
    form: Form,
    exhibit: Option<String>,
    /// The SEC's filing date, ISO 8601.
    filed: String,
}

/// A form of the SEC: the quarterly, the annual or the current report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Form {
    #[serde(rename = "10-Q")]
    Quarterly,
    #[serde(rename = "10-K")]
    Annual,
    #[serde(rename = "8-K")]
    Current,
}

/// A stock split: a share became `ratio` shares.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The day on which the new shares were distributed, ISO 8601.
    date: String,
    ratio: u32,
}

/// The filing that states a figure, as an answer cites it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The company, the form, the period and the filing date.
    pub title: String,
    /// The company's filings of that form at the SEC.
    pub url: String,
}

/// A kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Revenue, millions of US dollars.
    Revenue,
    /// Net income, millions of US dollars.
    NetIncome,
    /// Operating income, millions of US dollars.
    OperatingIncome,
    /// Diluted earnings per share, US dollars.
    DilutedEps,
}

impl Measure {
    /// Every kind, in the order in which statements of income have them.
    pub const ALL: [Self; 4] = [
        Self::Revenue,
        Self::OperatingIncome,
        Self::NetIncome,
        Self::DilutedEps,
    ];

    /// Its name within a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Revenue => "revenue",
            Self::NetIncome => "net income",
            Self::OperatingIncome => "operating income",
            Self::DilutedEps => "diluted earnings per share",
        }
    }

    /// A value of it, with its unit.
    pub fn format(self, value: f64) -> String {
        match self {
            Self::DilutedEps => format!("${value:.2}"),
            Self::Revenue | Self::NetIncome | Self::OperatingIncome => {
                format!("${} million", with_thousands(value as i64))
            }
        }
    }
}

impl Figures {
    /// The data that the program carries.
    pub fn embedded() -> serde_json::Result<Self> {
        serde_json::from_str(include_str!("../data/figures.json"))
    }

    /// The companies.
    pub fn companies(&self) -> &[Company] {
        &self.0
    }

    /// A company by its name, a short name or its ticker, in any case.
    pub fn company(&self, partner: &str) -> Option<&Company> {
        let partner = partner.trim();
        self.0.iter().find(|company| {
            company
                .names()
                .any(|name| name.eq_ignore_ascii_case(partner))
        })
    }
}

impl Company {
    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.name, &self.ticker]
            .into_iter()
            .chain(&self.aliases)
            .map(String::as_str)
    }

    /// The results of one period.
    pub fn results(&self, year: i64, period: &str) -> Option<&Results> {
        self.results
            .iter()
            .find(|results| results.fiscal_year == year && results.period == period)
    }

    /// The filing that states those results.
    pub fn source(&self, results: &Results) -> Source {
        let Filing {
            form,
            exhibit,
            filed,
        } = &results.filing;
        let exhibit = exhibit
            .as_ref()
            .map(|number| format!(", exhibit {number},"))
            .unwrap_or_default();
        let title = format!(
            "{}, Form {}{exhibit} for {}, filed {filed}",
            self.name,
            form.name(),
            results.name()
        );
        // The list begins with the newest filing before that day: a filing of the month is among
        // its first.
        let before = first_of_next_month(filed).unwrap_or_default();
        let url = format!(
            "https://www.sec.gov/cgi-bin/browse-edgar?action=getcompany&CIK={}&type={}&dateb={before}&owner=include&count=40",
            self.cik,
            form.name()
        );
        Source { title, url }
    }

    /// The splits after those results were stated, which their earnings per share do not include;
    /// oldest first.
    pub fn splits_since<'a>(&'a self, results: &'a Results) -> impl Iterator<Item = &'a Split> {
        self.splits
            .iter()
            .filter(|split| split.date.as_str() > results.filing.filed.as_str())
    }

    /// The splits after `earlier` was stated that the earnings per share of `later` include; oldest
    /// first.
    pub fn splits_between<'a>(
        &'a self,
        earlier: &'a Results,
        later: &'a Results,
    ) -> impl Iterator<Item = &'a Split> {
        self.splits_since(earlier)
            .filter(|split| split.date.as_str() <= later.filing.filed.as_str())
    }
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Quarterly => "10-Q",
            Self::Annual => "10-K",
            Self::Current => "8-K",
        }
    }
}

impl Split {
    /// How many shares a share became.
    pub fn ratio(&self) -> f64 {
        f64::from(self.ratio)
    }

    /// Within a sentence: `10-for-1 split of June 2024`.
    pub fn name(&self) -> String {
        format!(
            "{}-for-1 split of {}",
            self.ratio,
            month_and_year(&self.date)
        )
    }
}

impl Results {
    /// A figure, where the company states it.
    pub fn value(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Revenue => self.revenue.map(|millions| millions as f64),
            Measure::NetIncome => self.net_income.map(|millions| millions as f64),
            Measure::OperatingIncome => self.operating_income.map(|millions| millions as f64),
            Measure::DilutedEps => self.diluted_eps,
        }
    }

    /// The period within a sentence: `Q1 of fiscal 2023`, `fiscal 2023`.
    pub fn name(&self) -> String {
        let quarter = if self.period == "FY" {
            String::new()
        } else {
            format!("{} of ", self.period)
        };
        format!("{quarter}fiscal {}", self.fiscal_year)
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `2024-06-07` is in `June 2024`.
fn month_and_year(date: &str) -> String {
    match year_and_month(date) {
        Some((year, month)) => format!("{} {year}", MONTHS[month - 1]),
        None => date.to_owned(),
    }
}

/// `20240701` comes after `2024-06-07`.
fn first_of_next_month(date: &str) -> Option<String> {
    let (year, month) = year_and_month(date)?;
    let (year, month) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    Some(format!("{year:04}{month:02}01"))
}

/// The year, and the month from 1 to 12, of an ISO 8601 date.
fn year_and_month(date: &str) -> Option<(i64, usize)> {
    let year = date.get(..4)?.parse().ok()?;
    let month = date
        .get(5..7)?
        .parse()
        .ok()
        .filter(|month| (1..=12).contains(month))?;
    Some((year, month))
}

fn with_thousands(number: i64) -> String {
    let digits = number.abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
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
        let [year, month, day] = <[&str; 3]>::try_from(date.split('-').collect::<Vec<_>>())
            .expect("year, month and day");
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
        let text = include_str!("../data/figures.json");
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
}
