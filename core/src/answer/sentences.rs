//! Words figures as sentences: what was asked for with the change on the year before, or what there
//! is instead.

use crate::figures::{Company, Figures, Measure, Results, Source, Split};
use crate::inquiry::Inquiry;
use crate::rank;

/// The sentences and the filing that states their figures, or sentences that list what there is
/// instead.
pub fn find(inquiry: &Inquiry, figures: &Figures) -> Result<(Vec<String>, Source), Vec<String>> {
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
