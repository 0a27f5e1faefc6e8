//! The parameter `FunctionName` of the Invoke API: a name, a partial ARN or an ARN, each with or
//! without a qualifier.

use super::error::LambdaError;
use crate::aws::{ACCOUNT_ID, REGION, function_arn};

/// The pattern of the API's model, which the error message shows.
const PATTERN: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";

/// A parsed function name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FunctionName {
    pub name: String,
    /// The version or alias, if the caller has named one.
    pub qualifier: Option<String>,
}

impl FunctionName {
    /// Parses the name in the path and the `Qualifier` of the query, which must not contradict each
    /// other.
    pub(super) fn parse(written: &str, qualifier: Option<&str>) -> Result<Self, LambdaError> {
        let malformed = || LambdaError::Validation {
            value: written.to_owned(),
            at: "functionName",
            constraint: format!("Member must satisfy regular expression pattern: {PATTERN}"),
        };
        let parts: Vec<&str> = written.split(':').collect();
        let (name, own) = match parts.as_slice() {
            [
                "arn",
                "aws",
                "lambda",
                region,
                account,
                "function",
                rest @ ..,
            ] => {
                check_owner(written, region, account)?;
                split(rest)
            }
            [account, "function", rest @ ..] if account.len() == 12 => {
                check_owner(written, REGION, account)?;
                split(rest)
            }
            rest => split(rest),
        }
        .ok_or_else(malformed)?;
        if !is_word(name) || own.is_some_and(|own| !is_qualifier(own)) {
            return Err(malformed());
        }
        if own.is_some() && qualifier.is_some() && own != qualifier {
            return Err(LambdaError::QualifierConflict);
        }
        Ok(Self {
            name: name.to_owned(),
            qualifier: own.or(qualifier).map(str::to_owned),
        })
    }

    /// The error for a function that does not exist.
    pub(super) fn not_found(&self) -> LambdaError {
        let qualifier = self.qualifier.as_deref().unwrap_or("$LATEST");
        LambdaError::NotFound(format!(
            "Function not found: {}:{qualifier}",
            function_arn(&self.name)
        ))
    }
}

fn split<'a>(parts: &[&'a str]) -> Option<(&'a str, Option<&'a str>)> {
    match parts {
        [name] => Some((name, None)),
        [name, qualifier] => Some((name, Some(qualifier))),
        _ => None,
    }
}

fn check_owner(written: &str, region: &str, account: &str) -> Result<(), LambdaError> {
    if region != REGION {
        let text =
            format!("Functions from '{region}' are not reachable in this region ('{REGION}')");
        return Err(LambdaError::NotFound(text));
    }
    if account != ACCOUNT_ID {
        return Err(LambdaError::NotFound(format!(
            "Function not found: {written}"
        )));
    }
    Ok(())
}

fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_qualifier(qualifier: &str) -> bool {
    let word = qualifier.strip_prefix('$').unwrap_or(qualifier);
    is_word(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_by_every_form_of_its_name() {
        for (written, asked, qualifier) in [
            ("core", None, None),
            ("core:live", None, Some("live")),
            ("core:$LATEST", None, Some("$LATEST")),
            ("core", Some("live"), Some("live")),
            ("core:live", Some("live"), Some("live")),
            ("123456789012:function:core", None, None),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:core",
                None,
                None,
            ),
            (
                "arn:aws:lambda:us-east-1:123456789012:function:core:live",
                None,
                Some("live"),
            ),
        ] {
            let name = FunctionName::parse(written, asked).expect(written);
            assert_eq!(
                (name.name.as_str(), name.qualifier.as_deref()),
                ("core", qualifier),
                "{written}"
            );
        }
    }

    #[test]
    fn a_wrong_name_is_refused_in_lambdas_words() {
        for (written, asked, text) in [
            (
                "a b",
                None,
                "1 validation error detected: Value 'a b' at 'functionName' failed",
            ),
            ("a:b:c:d", None, "1 validation error detected"),
            (
                "core:live",
                Some("test"),
                "The derived qualifier from the function name does not match",
            ),
            (
                "arn:aws:lambda:eu-west-1:123456789012:function:core",
                None,
                "Functions from 'eu-west-1' are not reachable",
            ),
            (
                "arn:aws:lambda:us-east-1:210987654321:function:core",
                None,
                "Function not found: arn:aws:lambda",
            ),
        ] {
            let error = FunctionName::parse(written, asked).expect_err(written);
            assert!(
                error.message().starts_with(text),
                "{written}: {}",
                error.message()
            );
        }
    }
}
