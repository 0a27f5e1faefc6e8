//! The data: quarterly and yearly results of a few companies, each row with the company's own
//! filing that states it.
//!
//! The file is part of the program. Amounts are rounded to millions of US dollars; earnings per
//! share are US dollars as that filing states them, before any later split. What could not be
//! confirmed is absent, never computed: figures, and the day of a filing. Fourth quarters stand in
//! no Form 10-Q: theirs are in the earnings release, which is exhibit 99.1 of a Form 8-K.

mod date;
mod measure;

use serde::{Deserialize, Serialize};

use date::{first_of_next_month, month_and_year};
pub use measure::Measure;

/// The published results of all companies that core knows.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Figures(Vec<Company>);

/// A company and its results.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// The company's full name, as its filings have it.
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

impl Figures {
    /// The data that the program carries.
    pub fn embedded() -> serde_json::Result<Self> {
        serde_json::from_str(include_str!("../data/figures.json"))
    }

    /// All companies, in the order of the data.
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

#[cfg(test)]
mod tests;
