//! The data: quarterly and yearly results of a few companies, each row with the text it was read in.
//!
//! The file is part of the program. Amounts are millions of US dollars, earnings per share US dollars as reported at the
//! time; a figure that was not read in a source is absent, never computed.

use serde::{Deserialize, Serialize};

/// All companies.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Figures(Vec<Company>);

/// A company and its results.
#[derive(Debug, Deserialize)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// The ticker of its share.
    pub ticker: String,
    aliases: Vec<String>,
    /// What it published, newest year first.
    pub results: Vec<Results>,
}

/// The results of one period.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    source: Source,
    eps_source: Option<Source>,
}

/// The text a figure was read in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Source {
    /// Its title.
    pub title: String,
    /// Its address.
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
    pub const ALL: [Self; 4] = [Self::Revenue, Self::OperatingIncome, Self::NetIncome, Self::DilutedEps];

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
            Self::Revenue | Self::NetIncome | Self::OperatingIncome => format!("${} million", with_thousands(value as i64)),
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
        self.0.iter().find(|company| company.names().any(|name| name.eq_ignore_ascii_case(partner)))
    }
}

impl Company {
    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.name, &self.ticker].into_iter().chain(&self.aliases).map(String::as_str)
    }

    /// The results of one period.
    pub fn results(&self, year: i64, period: &str) -> Option<&Results> {
        self.results.iter().find(|results| results.fiscal_year == year && results.period == period)
    }
}

impl Results {
    /// A figure, where it was read.
    pub fn value(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Revenue => self.revenue.map(|millions| millions as f64),
            Measure::NetIncome => self.net_income.map(|millions| millions as f64),
            Measure::OperatingIncome => self.operating_income.map(|millions| millions as f64),
            Measure::DilutedEps => self.diluted_eps,
        }
    }

    /// The text in which that figure was read.
    pub fn source(&self, measure: Measure) -> &Source {
        match (measure, &self.eps_source) {
            (Measure::DilutedEps, Some(source)) => source,
            _ => &self.source,
        }
    }
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

    #[test]
    fn at_least_four_companies_have_four_quarters_of_one_year() {
        let figures = Figures::embedded().expect("the data");
        let whole = |company: &&Company| {
            (2020..2030).any(|year| ["Q1", "Q2", "Q3", "Q4"].iter().all(|q| company.results(year, q).is_some()))
        };
        assert!(figures.companies().iter().filter(whole).count() >= 4);
    }

    #[test]
    fn four_quarters_make_the_year_that_the_company_published() {
        let figures = Figures::embedded().expect("the data");
        for company in figures.companies() {
            for year in company.results.iter().filter(|results| results.period == "FY") {
                for measure in [Measure::Revenue, Measure::NetIncome, Measure::OperatingIncome] {
                    let quarter = |q| company.results(year.fiscal_year, q).and_then(|results| results.value(measure));
                    let Some(quarters) = ["Q1", "Q2", "Q3", "Q4"].map(quarter).into_iter().collect::<Option<Vec<_>>>() else {
                        continue;
                    };
                    let off = quarters.iter().sum::<f64>() - year.value(measure).expect("the year's figure");
                    assert!(off.abs() <= 2.0, "{} {} {}: {off}", company.name, year.fiscal_year, measure.name());
                }
            }
        }
    }

    #[test]
    fn every_row_names_its_source_and_has_a_figure() {
        let figures = Figures::embedded().expect("the data");
        for results in figures.companies().iter().flat_map(|company| &company.results) {
            assert!(results.source.url.starts_with("http") && !results.source.title.is_empty());
            assert!(Measure::ALL.iter().any(|measure| results.value(*measure).is_some()));
        }
    }

    #[test]
    fn amounts_are_written_with_thousands() {
        assert_eq!(Measure::Revenue.format(117_154.0), "$117,154 million");
        assert_eq!(Measure::NetIncome.format(-55.0), "$-55 million");
        assert_eq!(Measure::DilutedEps.format(2.1), "$2.10");
    }
}
