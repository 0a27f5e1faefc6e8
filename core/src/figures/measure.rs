//! The kinds of figures, and how a value of each is written.

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
