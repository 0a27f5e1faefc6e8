//! The question that the tests ask the sample core, and what its answer has.

/// The question as a body.
pub const QUESTION: &str =
    r#"{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}"#;
/// The question as a query.
pub const QUERY: &str = "partner=Apple&year=2023&period=Q1&question=What%20was%20the%20revenue%3F";
/// A part of the answer.
pub const REVENUE: &str = "$117,154 million";
